"""Exactly once: each recorded intent's transaction is signed one time, kept, and only ever those same bytes are sent.

The same action may be intended again, as the next month's payroll is: what counts is the tx.intent entry, not the
action's hash alone. The outbox row is durable before the first broadcast. After a crash the row decides: no row,
nothing was ever sent and signing again is safe; a row, its bytes are sent again and mean the same transaction,
whatever had happened to it. What was signed first goes first. Bytes that pay less than gas costs by now are outbid:
the same call at the same account nonce, of which the chain takes at most one, under an intent of its own.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.addresses import keccak, to_address, to_digest
from strongroom.errors import NodeRefused
from strongroom.fees import TIP_WEI, gas_limit, offered_wei
from strongroom.model import Account, Address, Digest, LedgerReceipt
from strongroom.ports import Chain, MinedTransaction, Signer

_SCHEMA = """create table if not exists outbox (
    binding text not null, intent integer not null, tx_hash text not null unique, nonce integer not null,
    raw blob not null, primary key (binding, intent))"""
# Gas used is counted after refunds, at most a fifth of it, and a rehearsal checks no owner signature: about 3,000 each.
# Nodes take another transaction at a nonce that waits only when both of its fees are a tenth higher.
_OUTBIDDING = (9, 8)
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call to send from the agent's account for one action; `gas` is what its rehearsal used."""

    account: Account
    binding: Digest
    to: Address
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A signed transaction in the outbox; `intent` is the ledger index of its tx.intent."""

    binding: Digest
    intent: int
    tx_hash: Digest
    nonce: int
    raw: bytes


class Outbox:
    """Signed transactions by the intent they carry out. Every write is synced before it returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.execute(_SCHEMA)

    def find(self, binding: Digest, intent: int) -> Sent | None:
        """What was signed for this intent."""
        query = "select * from outbox where binding = ? and intent = ?"
        row = self._db.execute(query, [binding, intent]).fetchone()
        return Sent(*row) if row else None

    def kept(self, tx_hash: Digest) -> Sent | None:
        """The signed transaction of this hash."""
        row = self._db.execute("select * from outbox where tx_hash = ?", [tx_hash]).fetchone()
        return Sent(*row) if row else None

    def rivals(self, sent: Sent) -> tuple[Sent, ...]:
        """What was signed for the same action at the same nonce, `sent` included, newest first: one of them counts."""
        query = "select * from outbox where binding = ? and nonce = ? order by intent desc"
        return tuple(Sent(*row) for row in self._db.execute(query, [sent.binding, sent.nonce]))

    def at(self, nonce: int) -> tuple[Sent, ...]:
        """What was signed at an account nonce, newest first, by whichever key."""
        query = "select * from outbox where nonce = ? order by intent desc"
        return tuple(Sent(*row) for row in self._db.execute(query, [nonce]))

    def keep(self, sent: Sent) -> None:
        values = [sent.binding, sent.intent, sent.tx_hash, sent.nonce, sent.raw]
        self._db.execute("insert into outbox values (?, ?, ?, ?, ?)", values)

    def close(self) -> None:
        self._db.close()


class Executor:
    """Sends one transaction per recorded intent from the agent's own account."""

    def __init__(self, chain: Chain, signer: Signer, outbox: Outbox) -> None:
        self._chain, self._signer, self._outbox = chain, signer, outbox

    def sign_once(self, outgoing: Outgoing, receipt: LedgerReceipt) -> Sent:
        """The signed transaction for this intent: the kept one, or a new one, kept before this returns. Raises
        `NotRecorded` without a durable intent, `NodeRefused` where an earlier one of this key cannot be sent."""
        kept = self._outbox.find(outgoing.binding, receipt.index)
        return kept or self._sign(self._transaction(outgoing), outgoing.binding, receipt)

    def outbid(self, sent: Sent, receipt: LedgerReceipt) -> Sent:
        """The kept transaction for this intent, or a new one equal to `sent` but for its fees, kept before this
        returns. Raises `NotRecorded` without a durable intent for the same action."""
        kept = self._outbox.find(sent.binding, receipt.index)
        return kept or self._sign({**_fields(sent), **self._fees_above(sent)}, sent.binding, receipt)

    def underpriced(self, sent: Sent) -> bool:
        """Whether a base fee that has risen keeps `sent` from being mined, and nothing else at its nonce was mined."""
        if self._chain.base_fee_wei(self._chain.head()) <= int(_fields(sent)["maxFeePerGas"]):
            return False
        return self._mined(self._rivals(sent.tx_hash)) is None

    def broadcast(self, sent: Sent) -> None:
        """Sends the kept bytes; again is no error. Nothing is sent once what they outbid was mined."""
        rivals = [each.tx_hash for each in self._outbox.rivals(sent) if each != sent]
        if rivals and self._mined([sent.tx_hash, *rivals]):
            return
        try:
            self._chain.send(sent.raw)
        except NodeRefused:
            # The rival may have been mined in between.
            if not rivals or self._mined(rivals) is None:
                raise

    def await_mined(self, tx_hash: Digest, timeout_seconds: float) -> MinedTransaction | None:
        """The mined transaction, this one or what was signed in its place, or `None` when the time is up: unknown is
        not failed."""
        deadline, hashes = time.monotonic() + timeout_seconds, self._rivals(tx_hash)
        while (mined := self._mined(hashes)) is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return mined

    def _mined(self, hashes: Iterable[Digest]) -> MinedTransaction | None:
        found = (self._chain.transaction(tx_hash) for tx_hash in hashes)
        return next((mined for mined in found if mined), None)

    def _rivals(self, tx_hash: Digest) -> list[Digest]:
        sent = self._outbox.kept(tx_hash)
        return [each.tx_hash for each in self._outbox.rivals(sent)] if sent else [tx_hash]

    def _sign(self, transaction: Mapping[str, Any], binding: Digest, receipt: LedgerReceipt) -> Sent:
        raw = self._signer.sign_transaction(transaction, binding, receipt)
        sent = Sent(binding, receipt.index, to_digest(keccak(raw)), int(transaction["nonce"]), raw)
        self._outbox.keep(sent)
        return sent

    def _transaction(self, outgoing: Outgoing) -> Mapping[str, Any]:
        return {
            "type": 2,
            "chainId": outgoing.account.chain_id,
            "nonce": self._next_nonce(),
            "to": outgoing.to,
            "value": 0,
            "data": outgoing.data,
            "gas": gas_limit(outgoing.gas),
            **self._fees(),
        }

    def _fees(self, tip: int = TIP_WEI, least: int = 0) -> dict[str, int]:
        base = self._chain.base_fee_wei(self._chain.head())
        return {"maxPriorityFeePerGas": tip, "maxFeePerGas": max(offered_wei(base, tip), least)}

    def _fees_above(self, sent: Sent) -> dict[str, int]:
        before, (times, per) = _fields(sent), _OUTBIDDING
        tip, most = (-(-int(before[name]) * times // per) for name in ("maxPriorityFeePerGas", "maxFeePerGas"))
        return self._fees(tip, most)

    def _next_nonce(self) -> int:
        """After what this key has signed and no node knows yet, which is sent first: at its nonce, only one of the two
        could ever be mined, and the other would be lost."""
        nonce = self._chain.nonce(self._signer.address)
        unsent = next((each for each in self._outbox.at(nonce) if _sender(each) == self._signer.address), None)
        if unsent is None:
            return nonce
        self._chain.send(unsent.raw)
        return unsent.nonce + 1


def _fields(sent: Sent) -> dict[str, Any]:
    """What was signed, under the names that it is signed by. Source: EIP-1559; its access list is always empty."""
    import rlp  # type: ignore[import-untyped]

    *numbers, to, value, data, _, _, _, _ = rlp.decode(sent.raw[1:])
    names = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "value")
    read = {name: int.from_bytes(each, "big") for name, each in zip(names, (*numbers, value), strict=True)}
    return {"type": 2, "to": to_address(to), "data": data, **read}


def _sender(sent: Sent) -> Address:
    from eth_account import Account as Keys

    return Address(Keys.recover_transaction(sent.raw))
