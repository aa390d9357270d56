"""The owners' guard's events: what the Safe announced, who vetoed it, and what became of it. Source: `IOwnerGuard.sol`,
`IOwnerGuardRemoval`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import keccak, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols.abi import argument_types, decode_values


@dataclass(frozen=True, slots=True)
class ChangeAnnounced:
    """The Safe may send itself `call`, whose hash is `change`, from `ready_at` until `expires_at`, both inclusive."""

    change: Digest
    serial: int
    call: bytes
    ready_at: int
    expires_at: int
    needed: int


@dataclass(frozen=True, slots=True)
class ChangeVetoed:
    """By `owner`; it is dead once `vetoes` equals `needed`."""

    change: Digest
    owner: Address
    vetoes: int
    needed: int


@dataclass(frozen=True, slots=True)
class ChangeCancelled:
    """The Safe took its announcement back."""

    change: Digest


@dataclass(frozen=True, slots=True)
class ChangeMade:
    change: Digest
    serial: int


@dataclass(frozen=True, slots=True)
class RemovalAnnounced:
    """The guard itself may be taken out from `ready_at` until `expires_at`, both inclusive; nobody can veto that."""

    ready_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class RemovalCancelled:
    """The Safe took the removal back."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The guard is out of the Safe."""


GuardEvent = (
    ChangeAnnounced | ChangeVetoed | ChangeCancelled | ChangeMade | RemovalAnnounced | RemovalCancelled | Removed
)

_MADE: dict[str, Callable[..., GuardEvent]] = {
    "ChangeAnnounced(bytes32,uint32,bytes,uint40,uint40,uint16)": lambda change, *rest: ChangeAnnounced(
        to_digest(change), *rest
    ),
    "ChangeVetoed(bytes32,address,uint16,uint16)": lambda change, *rest: ChangeVetoed(to_digest(change), *rest),
    "ChangeCancelled(bytes32)": lambda change: ChangeCancelled(to_digest(change)),
    "ChangeMade(bytes32,uint32)": lambda change, serial: ChangeMade(to_digest(change), serial),
    "RemovalAnnounced(uint40,uint40)": RemovalAnnounced,
    "RemovalCancelled()": RemovalCancelled,
    "Removed()": Removed,
}
_BY_TOPIC = {"0x" + keccak(signature.encode()).hex(): signature for signature in _MADE}
GUARD_TOPICS = tuple(_BY_TOPIC)
CHANGE_TOPICS = GUARD_TOPICS[:2]
"""Of changes announced and vetoed. The Kernel tells of its own by events of the same signatures."""


def decode_guard_event(topics: Sequence[str], data: bytes) -> GuardEvent:
    """The event of a log. Indexed arguments come first and are one word each. Raises `ValueError` for anything else."""
    signature = _BY_TOPIC.get(topics[0]) if topics else None
    if signature is None:
        raise ValueError("not an event of the owners' guard")
    types, words = argument_types(signature), [bytes.fromhex(topic[2:]) for topic in topics[1:]]
    indexed = decode_values(types[: len(words)], b"".join(words))
    values: tuple[Any, ...] = (*indexed, *decode_values(types[len(words) :], data))
    return _MADE[signature](*values)
