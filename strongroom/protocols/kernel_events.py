"""The Kernel's events that say what its getters are to be asked about: they list nothing by themselves. Source:
`IKernelEvents.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.ports import LoggedEvent, Read
from strongroom.protocols.abi import decode_values, encode_call
from strongroom.protocols.kernel import bucket_key
from strongroom.protocols.owner_guard import AnnouncedChange

_ADDED, _BLOCKED = "GuardianAdded(address)", "AddressBlocked(address,address)"
_REVOKED, _ANNOUNCED = "RuleRevoked(bytes32,uint32)", "ChangeAnnounced(bytes32,uint32,bytes,uint40,uint40,uint16)"
_BY_TOPIC = {"0x" + keccak(event.encode()).hex(): event for event in (_ADDED, _BLOCKED, _REVOKED, _ANNOUNCED)}
KERNEL_TOPICS = tuple(_BY_TOPIC)
BUCKET_SET_TOPIC = to_digest(keccak(b"BucketSet(address,uint32,uint96,uint96,uint32)"))
"""First topic."""
_PENDING = ["address", "uint40", "uint40", "uint32", "uint32", "uint16", "uint16"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was ever a guardian, blocked, revoked (leaves) or announced (calldata by hash), in order of appearance."""

    guardians: tuple[Address, ...]
    blocked: tuple[Address, ...]
    revoked: tuple[Digest, ...]
    announced: dict[Digest, bytes]


def candidates(logs: Sequence[tuple[Sequence[str], bytes]]) -> Candidates:
    """From (topics, data) of logs under `KERNEL_TOPICS`, oldest first. Raises `ValueError` for any other log."""
    found: dict[str, list[tuple[bytes, bytes]]] = {event: [] for event in _BY_TOPIC.values()}
    for topics, data in logs:
        if len(topics) < 2 or topics[0] not in _BY_TOPIC:
            raise ValueError("not such an event of the Kernel")
        found[_BY_TOPIC[topics[0]]].append((bytes.fromhex(topics[1][2:]), data))
    return Candidates(
        guardians=tuple(dict.fromkeys(to_address(word[12:]) for word, _ in found[_ADDED])),
        blocked=tuple(dict.fromkeys(to_address(word[12:]) for word, _ in found[_BLOCKED])),
        revoked=tuple(dict.fromkeys(to_digest(word) for word, _ in found[_REVOKED])),
        announced={to_digest(word): _call(data) for word, data in found[_ANNOUNCED]},
    )


def _call(data: bytes) -> bytes:
    return bytes(decode_values(["uint32", "bytes", "uint40", "uint40", "uint16"], data)[1])


def pending_read(kernel: Address, change: Digest) -> Read[AnnouncedChange | None]:
    """The announcement of a change that is in force, or `None`. A re-key takes no vetoes: it needs zero."""
    return Read(kernel, encode_call("pending(bytes32)", from_digest(change)), _pending)


def _pending(data: bytes) -> AnnouncedChange | None:
    subject, ready_at, expires_at, serial, _, vetoes, needed = decode_values(_PENDING, data)
    return AnnouncedChange(to_address(subject), ready_at, expires_at, vetoes, serial, needed) if ready_at else None


def read_bucket_set(logged: LoggedEvent) -> tuple[Digest, int]:
    """Which bucket a log under `BUCKET_SET_TOPIC` is about, and its level in units. Raises `ValueError` for another."""
    kind, *indexed = map(from_digest, logged.topics)
    if to_digest(kind) != BUCKET_SET_TOPIC or len(indexed) != 2:
        raise ValueError("not a bucket that was set")
    token, bucket_class = decode_values(["address", "uint32"], b"".join(indexed))
    _, level, _ = decode_values(["uint96", "uint96", "uint32"], logged.data)
    return bucket_key(token, bucket_class), level
