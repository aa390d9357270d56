"""Proposing, confirming and deleting. Owners, threshold and nonce are read from the chain for each request."""

from __future__ import annotations

import json
from collections.abc import Sequence

from guardians.server import typed
from guardians.server.bodies import ConfirmationBody, DeletionBody, ProposalBody
from guardians.server.delegates import delegators
from guardians.server.history import execution_of, follow
from guardians.server.refusals import Invalid, InvalidField, NotFound
from guardians.server.rows import confirmation_row, message_of, signable_of, transaction_row
from guardians.server.service import Service
from guardians.server.store import Row
from strongroom.addresses import to_digest
from strongroom.model import Address, SafeState
from strongroom.wallet.signatures import EOA, ETH_SIGN, Signable, Signed, safe_signable, split_signatures, stands


def propose(service: Service, safe: str, body: ProposalBody) -> None:
    """Keep the proposal and the owners' signatures that came with it. Unsigned ones are kept as not trusted."""
    state = service.safe_state(safe, 422)
    signable = safe_signable(service.chain.chain_id(), safe, message_of(body))
    if signable.digest != body.contract_transaction_hash:
        raise Invalid(
            422,
            f"Contract-transaction-hash=0x{signable.digest.hex()} does not match provided "
            f"contract-tx-hash=0x{body.contract_transaction_hash.hex()}",
        )
    _check_nonce(service, safe, state, body)
    represented = None if body.sender in state.owners else _represented(service, safe, state, body.sender)
    signers = _proposal_signers(service, safe, state, signable, body)
    with service.store.writing():
        _keep(service, safe, body, represented)
        _keep_confirmations(service, to_digest(signable.digest), [s for s in signers if s.owner in state.owners])


def _check_nonce(service: Service, safe: str, state: SafeState, body: ProposalBody) -> None:
    if body.nonce >= state.nonce:
        return
    follow(service, safe)
    spent = execution_of(service, safe, to_digest(body.contract_transaction_hash))
    where = f" in tx-hash={spent['transaction_hash']}" if spent else ""
    raise Invalid(422, f"Tx with nonce={body.nonce} for safe={safe} was already executed{where}")


def _represented(service: Service, safe: str, state: SafeState, sender: str) -> str:
    """The owner in whose name a delegate proposes."""
    owners = delegators(service, safe, state.owners, sender)
    if not owners:
        raise Invalid(
            422, f"Sender={sender} is not an owner or delegate. Current owners={list(state.owners)}. Delegates=[]"
        )
    return owners[0]


def _proposal_signers(
    service: Service, safe: str, state: SafeState, signable: Signable, body: ProposalBody
) -> tuple[Signed, ...]:
    if body.signature is None:
        return ()
    signers = _standing(service, Address(safe), state, signable, body.signature, 422)
    if len(signers) > 1 and any(signed.owner not in state.owners for signed in signers):
        raise Invalid(422, "Just one signature is expected if using delegates")
    if body.sender not in [signed.owner for signed in signers]:
        raise Invalid(
            422,
            f"Signature does not match sender={body.sender}. Calculated owners={[signed.owner for signed in signers]}",
        )
    return signers


def _standing(
    service: Service, safe: Address, state: SafeState, signable: Signable, signatures: bytes, status: int
) -> tuple[Signed, ...]:
    """The signatures, each one by another signer and each one such that the Safe would take it."""
    field = "nonFieldErrors" if status == 422 else "signature"
    try:
        signers = split_signatures(signatures, signable.digest)
    except ValueError as error:
        raise InvalidField(status, field, f"Signature=0x{signatures.hex()} is not valid") from error
    if len({signed.owner for signed in signers}) < len(signers):
        raise InvalidField(status, field, "Signature for the same owner is duplicated")
    head = service.chain.head()
    for signed in signers:
        if not stands(signed, signable, safe, state.version, service.chain, head):
            raise InvalidField(
                status, field, f"Signature=0x{signed.signature.hex()} for owner={signed.owner} is not valid"
            )
    return signers


def _keep(service: Service, safe: str, body: ProposalBody, represented: str | None) -> None:
    now, trusted = service.now(), body.signature is not None
    safe_tx_hash = to_digest(body.contract_transaction_hash)
    row = transaction_row(safe, safe_tx_hash, message_of(body), now)
    row["origin"] = _origin(body.origin)
    row["proposer"] = represented or body.sender
    row["proposed_by_delegate"] = body.sender if represented else None
    row["trusted"] = int(trusted)
    known = service.store.rows("transactions", "safe_tx_hash = ?", [safe_tx_hash])
    if not known:
        service.store.add("transactions", row)
    elif trusted and not known[0]["trusted"]:
        # Anybody may have posted it unsigned, in any owner's name: only the signed proposal says who proposes.
        service.store.put("transactions", {**row, "id": known[0]["id"], "created": known[0]["created"]})


def _origin(text: str | None) -> str:
    """Kept as JSON text; text that is no JSON stays as it stands, nothing becomes `{}`."""
    if not text:
        return "{}"
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else json.dumps(value)


def _keep_confirmations(service: Service, safe_tx_hash: str, signers: Sequence[Signed]) -> None:
    for signed in signers:
        service.store.add("confirmations", confirmation_row(safe_tx_hash, signed, service.now()))


def confirm(service: Service, safe_tx_hash: str, body: ConfirmationBody) -> None:
    """Keep owners' signatures over a known transaction; the same one again changes nothing."""
    row = stored(service, safe_tx_hash)
    follow(service, row["safe"])
    if execution_of(service, row["safe"], safe_tx_hash):
        raise InvalidField(400, "signature", f"Transaction with safe-tx-hash={safe_tx_hash} was already executed")
    state = service.safe_state(row["safe"], 400)
    signable = signable_of(service.chain.chain_id(), row)
    signers = _standing(service, Address(row["safe"]), state, signable, body.signature, 400)
    for signed in signers:
        if signed.owner not in state.owners:
            why = f"Signer={signed.owner} is not an owner. Current owners={list(state.owners)}"
            raise InvalidField(400, "signature", why)
    with service.store.writing():
        _keep_confirmations(service, safe_tx_hash, signers)
        service.store.put("transactions", {**row, "trusted": 1, "modified": service.now()})


def delete(service: Service, safe_tx_hash: str, body: DeletionBody) -> None:
    """Forget a proposal that is not executed, signed for by its proposer or by the delegate who still may propose."""
    row = stored(service, safe_tx_hash)
    follow(service, row["safe"])
    if execution_of(service, row["safe"], safe_tx_hash):
        raise Invalid(400, "Executed transactions cannot be deleted")
    if not _may_delete(service, row, body.signature):
        raise Invalid(400, "Provided signer is not the proposer or the delegate user who proposed the transaction")
    with service.store.writing():
        service.store.delete("confirmations", "safe_tx_hash = ?", [safe_tx_hash])
        service.store.delete("transactions", "safe_tx_hash = ?", [safe_tx_hash])


def _may_delete(service: Service, row: Row, signature: bytes) -> bool:
    """Only keys sign deletions: nothing on chain would tell which contract call stands for one."""
    allowed = {row["proposer"]} - {None}
    if row["proposed_by_delegate"] and row["proposer"] in delegators(
        service, row["safe"], [row["proposer"]], row["proposed_by_delegate"]
    ):
        allowed.add(row["proposed_by_delegate"])
    raw = bytes.fromhex(row["safe_tx_hash"][2:])
    chain_id = service.chain.chain_id()
    for hour in typed.hours_accepted(service.clock.now()):
        try:
            signers = split_signatures(signature, typed.deletion(chain_id, row["safe"], raw, hour).digest)
        except ValueError:
            continue
        if len(signers) == 1 and signers[0].kind in (EOA, ETH_SIGN) and signers[0].owner in allowed:
            return True
    return False


def stored(service: Service, safe_tx_hash: str) -> Row:
    """The transaction's row. Raises `NotFound`."""
    rows = service.store.rows("transactions", "safe_tx_hash = ?", [safe_tx_hash])
    if not rows:
        raise NotFound("MultisigTransaction")
    return rows[0]
