"""The Safe transactions that announce changes at the owners' guard or at the Kernel, and make them: built here, signed
by guardians."""

from __future__ import annotations

from collections.abc import Sequence

from guardians.acts import ORIGIN
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, Call, Operation, Queued, SafeState, SafeTx
from strongroom.ports import Queue
from strongroom.protocols.kernel import encode_announce
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.owner_guard import GuardState, encode_announce_change, encode_announce_removal
from strongroom.protocols.safe import safe_tx_hash
from strongroom.protocols.safe_changes import REMOVAL, Change, encode_changes


def announcing(
    changes: Sequence[Change], safe: SafeState, guard: GuardState, document: PolicyDocument, queue: Queue
) -> Queued:
    """All in one transaction, at the next free nonce. Raises `BadValue` or `ServiceError`."""
    _require_alone(changes)
    datas = [
        encode_announce_removal() if change == REMOVAL else encode_announce_change(call)
        for change, call in zip(changes, encode_changes(changes, safe), strict=True)
    ]
    return _unsigned([Call(document.account, guard.address, 0, data) for data in datas], safe, document, queue)


def making(changes: Sequence[Change], safe: SafeState, document: PolicyDocument, queue: Queue) -> Queued:
    """All in one transaction, at the next free nonce. Raises `BadValue` or `ServiceError`."""
    _require_alone(changes)
    account = document.account
    calls = [Call(account, account.safe, 0, data) for data in encode_changes(changes, safe)]
    return _unsigned(calls, safe, document, queue)


def at_kernel(
    changes: Sequence[KernelChange],
    kernel: Address,
    safe: SafeState,
    document: PolicyDocument,
    queue: Queue,
    makes: bool,
) -> Queued:
    """What the Safe tells its Kernel: announcements of `changes`, or, if it `makes` them, the changes themselves; all
    in one transaction, at the next free nonce. Raises `BadValue` or `ServiceError`."""
    for change in changes:
        _require_fit(change, makes)
    datas = [change.data if makes else encode_announce(change.data) for change in changes]
    calls = [Call(document.account, kernel, 0, data) for data in datas]
    return _unsigned(calls, safe, document, queue)


def _require_fit(change: KernelChange, makes: bool) -> None:
    if change.function == "rekey":
        mend = "`strongroom rekey ADDRESS` plans it, with the watch's new mark"
        raise BadValue(str(change), "a change of the Kernel here", mend)
    if not makes and not change.is_announced:
        mend = f"it is made at once: `strongroom guardian make '{change}'`"
        raise BadValue(str(change), "a change to be announced", mend)


def _require_alone(changes: Sequence[Change]) -> None:
    """The guard's way out is the Safe's own call, never one of a batch: so it works with a guard that is broken."""
    if REMOVAL in changes and len(changes) > 1:
        raise BadValue("removeGuard()", "one of several changes", "announce it, and make it, alone")


def _unsigned(calls: Sequence[Call], safe: SafeState, document: PolicyDocument, queue: Queue) -> Queued:
    waiting = queue.pending(safe.nonce)
    nonce = max([safe.nonce, *(each.tx.nonce + 1 for each in waiting)])
    (first, *others), account = calls, document.account
    if others:
        data = encode_multisend(calls)
        tx = SafeTx(account, document.multisend, 0, data, Operation.DELEGATECALL, nonce)
    else:
        tx = SafeTx(account, first.to, 0, first.data, Operation.CALL, nonce)
    return Queued(tx, safe_tx_hash(tx), NATIVE, (), ORIGIN)
