"""The OwnerGuard: a Safe's transaction guard, under which who commands the Safe changes only late, in the open and
against no owner's veto. Source: `IOwnerGuard.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import NATIVE, Address, Call, Digest, Operation, SafeTx
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, decode_values, encode_arguments, encode_call, selector, view
from strongroom.protocols.multisend import decode_multisend

_ANNOUNCED = ["address", "uint40", "uint40", "uint16", "uint32", "uint16"]
_ERRORS = (
    "NotSafe(address)",
    "BadGuard(bytes32)",
    "RemovalNotReady(uint256)",
    "RemovalPending()",
    "NoRemoval()",
    "NotOwner(address)",
    "NotAnnounceable(bytes4)",
    "AlreadyAnnounced(bytes32)",
    "NotAnnounced(bytes32)",
    "NotReady(bytes32,uint256)",
    "NotVetoable(bytes32)",
    "AlreadyVetoed(bytes32,address)",
    "RefundNotAllowed(uint256)",
    "KernelBusy()",
    "Nested()",
    "DelegatecallNotAllowed(address,bytes32)",
    "BadBatch(uint256)",
    "ChangeFailed()",
    "TooManyModules()",
    "ShapeChanged(bytes32,bytes32)",
)


@dataclass(frozen=True, slots=True)
class GuardBirth:
    """All that a guard is born with. Its Safe is the Kernel's. Changes wait `delay_seconds` (1 hour to 30 days), a
    removal twice as long; both are usable for `window_seconds` (1 to 30 days) then."""

    kernel: Address
    delay_seconds: int
    window_seconds: int

    @property
    def encoded(self) -> bytes:
        """The constructor's arguments."""
        types = ["address", "uint32", "uint32"]
        return encode_arguments(types, [self.kernel, self.delay_seconds, self.window_seconds])


@dataclass(frozen=True, slots=True)
class GuardState:
    """A guard as the chain has it. `removal_ready_at`: Unix time from which it may be taken out; 0 while no removal is
    in force."""

    address: Address
    safe: Address
    kernel: Address
    delay_seconds: int
    window_seconds: int
    removal_ready_at: int


@dataclass(frozen=True, slots=True)
class AnnouncedChange:
    """May be made from `ready_at` until `expires_at`, Unix time, both inclusive, unless `vetoes` reach `needed` before.
    The veto of `subject`, whom it takes an owner's rights from, does not count; zero for nobody."""

    subject: Address
    ready_at: int
    expires_at: int
    vetoes: int
    serial: int
    needed: int


def change_hash(call: bytes) -> Digest:
    """What names a change: Keccak-256 of the calldata the Safe will send to itself."""
    return to_digest(keccak(call))


def encode_announce_change(call: bytes) -> bytes:
    """For the Safe to send: the exact calldata it will send to itself."""
    return encode_call("announce(bytes)", call)


def decode_announce_change(data: bytes) -> bytes:
    """The change that calldata to the guard announces. Raises `ValueError` on anything else. The Kernel's `announce`
    has the same selector: who is called tells them apart."""
    return bytes(decode_call("announce(bytes)", data)[0])


def encode_cancel_change(change: Digest) -> bytes:
    """For the Safe to send."""
    return encode_call("cancel(bytes32)", from_digest(change))


def decode_cancel_change(data: bytes) -> Digest:
    """The hash of the change that calldata to the guard takes back. Raises `ValueError` on anything else."""
    return to_digest(decode_call("cancel(bytes32)", data)[0])


def encode_veto(change: Digest) -> bytes:
    """For one owner to send, at any time before the change is made."""
    return encode_call("veto(bytes32)", from_digest(change))


def encode_announce_removal() -> bytes:
    """For the Safe to send, alone: in a batch it is a transaction like any other, and a broken guard refuses it."""
    return encode_call("announceRemoval()")


def encode_cancel_removal() -> bytes:
    """For the Safe to send."""
    return encode_call("cancelRemoval()")


def encode_set_guard(guard: Address) -> bytes:
    """For the Safe to send to itself. Zero takes the guard out: alone, twice the delay after that was announced."""
    return encode_call("setGuard(address)", guard)


def changes_in(tx: SafeTx) -> tuple[bytes, ...]:
    """The calls of `tx` that must have been announced, in order: whatever the Safe sends itself with data, also within
    a batch. Taking the guard out, alone, is none. Raises `ValueError` on a batch that the guard cannot read."""
    own = Call(tx.account, tx.to, tx.value_wei, tx.data)
    if tx.operation is Operation.CALL and tx.data == encode_set_guard(NATIVE):
        return ()
    calls = (own,) if tx.operation is Operation.CALL else decode_multisend(tx.account, tx.data)
    # MultiSendCallOnly 1.5.0 takes a target of zero for the Safe itself.
    itself = {tx.account.safe} if tx.operation is Operation.CALL else {tx.account.safe, NATIVE}
    return tuple(call.data for call in calls if call.to in itself and call.data)


def guard_reads(guard: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `guard_from` takes."""
    return (
        view(guard, "safe()", ["address"], str),
        view(guard, "kernel()", ["address"], str),
        view(guard, "delay()", ["uint32"], int),
        view(guard, "window()", ["uint32"], int),
        view(guard, "removalReadyAt()", ["uint256"], int),
    )


def guard_from(guard: Address, values: Sequence[Any]) -> GuardState | None:
    """The state from what `guard_reads` gave, or `None` when any read failed: then this is no guard of ours."""
    return None if any(value is None for value in values) else GuardState(guard, *values)


def announced_read(guard: Address, change: Digest) -> Read[AnnouncedChange | None]:
    """The announcement of a change that is in force, or `None`."""
    return Read(guard, encode_call("pending(bytes32)", from_digest(change)), _announced)


def _announced(data: bytes) -> AnnouncedChange | None:
    subject, *numbers = decode_values(_ANNOUNCED, data)
    return AnnouncedChange(to_address(subject), *numbers) if any(numbers) else None


def refusal_name(data: bytes) -> str | None:
    """The name of the guard's error in revert bytes, or `None` for anybody else's."""
    return next((error.partition("(")[0] for error in _ERRORS if selector(error) == data[:4]), None)
