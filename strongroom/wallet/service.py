"""The guardians' queue at a Safe Transaction Service, through safe-eth-py's client. Its answers are claims, not facts.

Every transaction's hash is computed again from its fields and every signature is checked again: a service that is wrong
about a hash is refused, and a signature that does not stand is left out. Only what it calls trusted is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from strongroom.addresses import from_digest, to_address
from strongroom.errors import NoService, ServiceError, ServiceRefused, ServiceUnreachable
from strongroom.model import NATIVE, Account, Address, Approval, Block, Digest, Operation, Queued, SafeState, SafeTx
from strongroom.ports import Chain
from strongroom.protocols.safe import safe_tx_hash, state_from, state_reads
from strongroom.wallet.signatures import Signed, signable_of, split_signatures, stands

PAGE, MOST = 100, 1_000
Sign = Callable[[bytes], bytes]
"""A key's 65-byte r, s, v signature over a 32-byte digest."""


@dataclass(frozen=True, slots=True)
class Delegate:
    """Who may propose in the name of an owner; without `safe`, to every Safe of theirs."""

    delegate: Address
    delegator: Address
    label: str
    safe: Address | None


@dataclass(frozen=True, slots=True)
class _Network:
    """safe-eth-py names networks by an enumeration that lacks some chains; of it the client uses the chain id only."""

    value: int


class SafeService:
    """`Queue` at the service under `url` (without `/api`). Needs the chain to tell who is an owner."""

    def __init__(
        self, url: str, account: Account, chain: Chain, api_key: str | None = None, timeout_seconds: int = 10
    ) -> None:
        self._url, self._account, self._chain = url, account, chain
        self._api_key, self._timeout_seconds = api_key, timeout_seconds

    def close(self) -> None:
        """Closes the pooled connections."""
        if "_api" in self.__dict__:
            self._api.http_session.close()

    def pending(self, from_nonce: int) -> tuple[Queued, ...]:
        with self._translated("the queue"):
            rows = [row for row in self._rows(from_nonce) if row["trusted"] and not row["isExecuted"]]
            # A page that shifts while it is read may repeat a row.
            waiting = self._queued(list({row["safeTxHash"]: row for row in rows}.values()))
        return tuple(sorted((w for w in waiting if w.tx.nonce >= from_nonce), key=lambda each: each.tx.nonce))

    def find(self, safe_tx_hash: Digest) -> Queued | None:
        with self._translated(f"transaction {safe_tx_hash}"):
            row = self._row(safe_tx_hash)
            if row is None or not row["trusted"]:
                return None
            (found,) = self._queued([row])
        return found

    def executed(self, safe_tx_hash: Digest) -> Digest | None:
        with self._translated(f"transaction {safe_tx_hash}"):
            row = self._row(safe_tx_hash)
            return Digest(row["transactionHash"]) if row and row["isExecuted"] else None

    def used(self, nonce: int) -> Digest | None:
        with self._translated(f"nonce {nonce}"):
            rows = self._api.get_transactions(self._account.safe, nonce=nonce, executed="true", limit=1)
            executed = [row for row in rows if row["isExecuted"] and int(row["nonce"]) == nonce]
            return Digest(executed[0]["safeTxHash"]) if executed else None

    def propose(self, tx: SafeTx, safe_tx_hash: Digest, signature: bytes, origin: str) -> None:
        self._require_ours(tx, safe_tx_hash)
        signed = only_signer(safe_tx_hash, signature)
        # The client's own `post_transaction` fills `origin`, where guardians read whose it is, with another name.
        path = f"/api/v2/safes/{self._account.safe}/multisig-transactions/"
        body = _proposal(tx, safe_tx_hash, signed.owner, signature, origin)
        with self._translated(f"proposal {safe_tx_hash}"):
            answer = self._api._post_request(path, body)
            if "Delegates=" in answer.text:
                mend = "an owner lets it, with `strongroom guardian delegate`"
                raise ServiceRefused(
                    f"proposal {safe_tx_hash}", f"`{signed.owner}` may not propose to this Safe; {mend}"
                )
            if not answer.ok:
                raise ServiceRefused(f"proposal {safe_tx_hash}", answer.text)

    def post_confirmation(self, safe_tx_hash: Digest, signature: bytes) -> None:
        """An owner's signature over a transaction of the queue; posting it again is no error."""
        with self._translated(f"confirmation {safe_tx_hash}"):
            self._api.post_signatures(from_digest(safe_tx_hash), signature)

    def withdraw(self, safe_tx_hash: Digest, sign: Sign) -> None:
        """Delete a proposal that is not executed; `sign` is the key of its proposer or of the delegate who made it."""
        with self._translated(f"deletion {safe_tx_hash}"):
            from safe_eth.eth.eip712 import eip712_encode_hash
            from safe_eth.safe.api.transaction_service_api import transaction_service_messages as messages

            safe: Any = self._account.safe
            message = messages.get_remove_transaction_message(safe, from_digest(safe_tx_hash), self._account.chain_id)
            self._api.delete_transaction(safe_tx_hash, "0x" + sign(eip712_encode_hash(message)).hex())

    def register_delegate(self, delegate: Address, label: str, delegator: Address, sign: Sign) -> None:
        """Let `delegate` propose to this Safe in the name of the owner `delegator`, whose key `sign` is; label <= 50
        characters."""
        with self._translated(f"delegate {delegate}"):
            signature = sign(bytes(self._api.create_delegate_message_hash(delegate)))
            self._api.add_delegate(delegate, delegator, label, signature, self._account.safe)

    def remove_delegate(self, delegate: Address, delegator: Address, sign: Sign) -> None:
        """Take it back; `sign` is the delegator's or the delegate's own key."""
        with self._translated(f"removal of delegate {delegate}"):
            signature = sign(bytes(self._api.create_delegate_message_hash(delegate)))
            self._api.remove_delegate(delegate, delegator, signature, self._account.safe)

    def delegates(self) -> tuple[Delegate, ...]:
        """The delegates named for this Safe; global ones are not listed by the service."""
        with self._translated("the list of delegates"):
            return tuple(_delegate(row) for row in self._api.get_delegates(self._account.safe))

    @cached_property
    def _api(self) -> Any:
        from safe_eth.safe.api.transaction_service_api import TransactionServiceApi

        network: Any = _Network(self._account.chain_id)
        api = TransactionServiceApi(network, None, self._url, self._api_key, self._timeout_seconds)
        api.http_session.hooks["response"].append(self._require_working)
        return api

    def _require_working(self, response: Any, *_: Any, **__: Any) -> None:
        if response.status_code >= 500:
            raise ServiceUnreachable(self._shown_url, f"HTTP {response.status_code}")
        # Its refusals are JSON too.
        if not response.ok and not _is_json(response):
            raise NoService(self._shown_url, f"with HTTP {response.status_code} and no JSON")

    @property
    def _shown_url(self) -> str:
        """Scheme and host: hosted services carry access keys in the rest."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        from requests import RequestException
        from safe_eth.safe.api.base_api import SafeAPIException

        try:
            yield
        except ServiceError:
            raise
        except SafeAPIException as error:
            raise ServiceRefused(what, str(error)) from error
        except RequestException as error:
            raise ServiceUnreachable(self._shown_url, type(error).__name__) from error
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise NoService(self._shown_url, f"what it says about {what} cannot be read") from error

    def _row(self, safe_tx_hash: Digest) -> Mapping[str, Any] | None:
        # The client's own lookup needs a node of its own, and tells "unknown" and "refused" apart only in its text.
        answer = self._api._get_request(f"/api/v2/multisig-transactions/{safe_tx_hash}/")
        if answer.status_code == 404:
            return None
        if not answer.ok:
            raise ServiceRefused(f"transaction {safe_tx_hash}", answer.text)
        row: Mapping[str, Any] = answer.json()
        if row["safeTxHash"] != safe_tx_hash:
            raise ServiceRefused(f"transaction {safe_tx_hash}", f"it answered with `{row['safeTxHash']}`")
        return row

    def _rows(self, from_nonce: int) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        asked = {"nonce__gte": from_nonce, "executed": "false", "trusted": "true", "ordering": "nonce,created"}
        while len(rows) < MOST:
            page = self._api.get_transactions(self._account.safe, limit=PAGE, offset=len(rows), **asked)
            rows += page
            if len(page) < PAGE:
                return rows
        raise ServiceRefused("the queue", f"more than {MOST} transactions wait; delete those that nobody needs")

    def _queued(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Queued, ...]:
        if not rows:
            return ()
        block = self._chain.head()
        state = state_from(self._chain.read(state_reads(self._account.safe), block))
        read = [(row, self._transaction(row)) for row in rows]
        return tuple(
            Queued(
                tx=tx,
                safe_tx_hash=Digest(row["safeTxHash"]),
                proposer=Address(row["proposer"] or NATIVE),
                approvals=self._approvals(tx, row, state, block) if state else (),
                origin=str(row["origin"] or ""),
            )
            for row, tx in read
        )

    def _transaction(self, row: Mapping[str, Any]) -> SafeTx:
        """The row's transaction. One that cannot be read is refused, not skipped: its nonce would look free."""
        if row["safe"] != self._account.safe:
            raise ServiceRefused(row["safeTxHash"], f"it is for Safe `{row['safe']}`, not `{self._account.safe}`")
        if any(_uint256(row[name]) for name in ("safeTxGas", "baseGas", "gasPrice")) or not _refunds_nobody(row):
            raise ServiceRefused(row["safeTxHash"], "it pays a gas refund; execute or delete it in the Safe UI")
        data = bytes.fromhex((row["data"] or "0x")[2:])
        tx = SafeTx(
            self._account,
            to_address(row["to"]),
            _uint256(row["value"]),
            data,
            Operation(row["operation"]),
            _uint256(row["nonce"]),
        )
        self._require_ours(tx, Digest(row["safeTxHash"]))
        return tx

    def _require_ours(self, tx: SafeTx, claimed: Digest) -> None:
        if tx.account != self._account:
            raise ServiceRefused(claimed, f"it is for Safe `{tx.account.safe}`, not `{self._account.safe}`")
        if (computed := safe_tx_hash(tx)) != claimed:
            raise ServiceRefused(claimed, f"its fields hash to `{computed}`; do not sign it")

    def _approvals(self, tx: SafeTx, row: Mapping[str, Any], state: SafeState, block: Block) -> tuple[Approval, ...]:
        """The signatures of present owners that the Safe would take, one for each owner however often it is listed."""
        signable = signable_of(tx)
        found: dict[Address, Approval] = {}
        for confirmation in row["confirmations"] or ():
            signed = _claimed(confirmation, signable.digest)
            if signed is None or signed.owner not in state.owners:
                continue
            if stands(signed, signable, self._account.safe, state.version, self._chain, block):
                found.setdefault(signed.owner, Approval(signed.owner, signed.signature))
        return tuple(found.values())


def _is_json(response: Any) -> bool:
    try:
        response.json()
    except ValueError:
        return False
    return True


def _claimed(confirmation: Mapping[str, Any], digest: bytes) -> Signed | None:
    """The one signature in a confirmation, if it is by the owner that the service names."""
    try:
        (signed,) = split_signatures(bytes.fromhex(confirmation["signature"][2:]), digest)
        return signed if signed.owner == confirmation["owner"] else None
    except (ValueError, TypeError, KeyError):
        return None


def only_signer(safe_tx_hash: Digest, signature: bytes) -> Signed:
    """Who signed. Raises `ServiceRefused` unless it is exactly one signature."""
    try:
        (signed,) = split_signatures(signature, from_digest(safe_tx_hash))
    except ValueError as error:
        raise ServiceRefused(safe_tx_hash, "exactly one signature is expected") from error
    return signed


def _uint256(field: str | int) -> int:
    """A number of the service's. Raises `ValueError` for one that no transaction can hold."""
    number = int(str(field))
    if not 0 <= number < 2**256:
        raise ValueError(f"{field} is no uint256")
    return number


def _refunds_nobody(row: Mapping[str, Any]) -> bool:
    return all((row[name] or NATIVE) == NATIVE for name in ("gasToken", "refundReceiver"))


def _proposal(tx: SafeTx, safe_tx_hash: Digest, sender: Address, signature: bytes, origin: str) -> dict[str, Any]:
    return {
        "to": tx.to,
        "value": str(tx.value_wei),
        "data": "0x" + tx.data.hex() if tx.data else None,
        "operation": int(tx.operation),
        "gasToken": NATIVE,
        "safeTxGas": 0,
        "baseGas": 0,
        "gasPrice": 0,
        "refundReceiver": NATIVE,
        "nonce": tx.nonce,
        "contractTransactionHash": safe_tx_hash,
        "sender": sender,
        "signature": "0x" + signature.hex(),
        "origin": origin,
    }


def _delegate(row: Mapping[str, Any]) -> Delegate:
    safe = to_address(row["safe"]) if row["safe"] else None
    return Delegate(to_address(row["delegate"]), to_address(row["delegator"]), str(row["label"]), safe)
