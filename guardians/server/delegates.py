"""Delegates: who may propose in an owner's name, by a signature that is good for the running hour and the one after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from guardians.server import typed
from guardians.server.bodies import DelegateBody, DelegateRemovalBody
from guardians.server.refusals import Invalid, InvalidField, Refusal
from guardians.server.rows import iso
from guardians.server.service import Service
from guardians.server.store import Row
from strongroom.model import Address
from strongroom.wallet.signatures import Signable, Signed, split_signatures, stands

GLOBAL = ""
"""Stored in place of the Safe for a delegate of all its delegator's Safes."""


def delegators(service: Service, safe: str, owners: Sequence[str], delegate: str) -> list[str]:
    """The owners in whose name `delegate` may propose to `safe` now."""
    rows = service.store.rows(
        "delegates", "safe IN (?, ?) AND delegate = ?", [safe, GLOBAL, delegate], "ORDER BY rowid"
    )
    now = service.now()
    return [row["delegator"] for row in rows if row["delegator"] in owners and not _expired(row, now)]


def _expired(row: Row, now: str) -> bool:
    return row["expiry_date"] is not None and row["expiry_date"] <= now


def add(service: Service, body: DelegateBody) -> Row:
    """Keeps the delegate, replacing the same one's label and expiry."""
    expiry_date = _expiry(body.expiry_date, service.now())
    _check_owner(service, body.safe, body.delegator)
    _check_signed(service, body.delegate, body.signature, [body.delegator])
    row = {
        "safe": body.safe or GLOBAL,
        "delegate": body.delegate,
        "delegator": body.delegator,
        "label": body.label,
        "expiry_date": expiry_date,
    }
    service.store.put("delegates", row)
    return {**shown(row), "signature": "0x" + body.signature.hex()}


def remove(service: Service, delegate: str, body: DelegateRemovalBody) -> None:
    """Without a Safe, removes the delegator's delegate everywhere."""
    _check_owner(service, body.safe, body.delegator)
    _check_signed(service, delegate, body.signature, [body.delegator, delegate])
    where, values = "delegate = ? AND delegator = ?", [delegate, body.delegator]
    if body.safe:
        where, values = where + " AND safe = ?", [*values, body.safe]
    if not service.store.delete("delegates", where, values):
        raise Refusal(404, None)


def shown(row: Row) -> dict[str, Any]:
    """A delegate as JSON."""
    return {
        "safe": row["safe"] or None,
        "delegate": row["delegate"],
        "delegator": row["delegator"],
        "label": row["label"],
        "expiryDate": row["expiry_date"],
    }


def _expiry(text: str | None, now: str) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidField(400, "expiryDate", "Datetime has wrong format, use ISO 8601.") from error
    expiry = iso(int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))
    if expiry <= now:
        raise InvalidField(400, "expiryDate", "`expiry_date` cannot be previous to the current timestamp")
    return expiry


def _check_owner(service: Service, safe: str | None, delegator: str) -> None:
    if safe is not None and delegator not in service.safe_state(safe, 400).owners:
        raise Invalid(400, f"Provided delegator={delegator} is not an owner of Safe={safe}")


def _check_signed(service: Service, delegate: str, signature: bytes, signers: Iterable[str]) -> None:
    """One of `signers` must have signed for the running or the previous hour, and for this chain."""
    chain_id = service.chain.chain_id()
    for hour in typed.hours_accepted(service.clock.now()):
        message = typed.delegate(chain_id, delegate, hour)
        signed = _only(signature, message.digest)
        if signed.owner in signers and _stands(service, signed, message):
            return
    raise Invalid(400, f"Signature does not match provided delegator or delegate={delegate}")


def _only(signature: bytes, digest: bytes) -> Signed:
    try:
        (signed,) = split_signatures(signature, digest)
    except ValueError as error:
        raise Invalid(400, "Signature is not valid, exactly one is expected") from error
    return signed


def _stands(service: Service, signed: Signed, message: Signable) -> bool:
    """No Safe will ever judge this signature, so a contract may answer in either form of EIP-1271."""
    signer, head = Address(signed.owner), service.chain.head()
    return any(stands(signed, message, signer, version, service.chain, head) for version in ("1.5.0", "1.4.1"))
