"""Announced runs as the Kernel knows them: shown first, whole, run later by the same bytes unless somebody objects.

Source: `contracts/src/KernelDelays.sol`, `IKernelAnnouncedRuns` and `IKernelEvents` in `contracts/src/interfaces`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.ports import LoggedEvent, Override, Read
from strongroom.protocols.abi import decode_call, decode_values, encode_arguments, encode_call, selector, view
from strongroom.protocols.kernel_legs import ANNOUNCE_RUN, LEG_TYPE, NO_LEAF, RUN, decode_all_legs, delay_of

COUNTERS_SLOT, ANNOUNCED_SLOT = 4, 15
"""Where the Kernel keeps its counters and what is announced (the compiler's storage layout of `Kernel`)."""

_ANNOUNCED = f"RunAnnounced(bytes32,uint32,uint32,{LEG_TYPE}[],uint40,uint40,bytes32)"
_VETOED = "RunVetoed(bytes32,address)"
_ANNOUNCED_FIELDS = ("uint32", "uint32", f"{LEG_TYPE}[]", "uint40", "uint40", "bytes32")
ANNOUNCED_TOPIC, VETOED_TOPIC = (to_digest(keccak(each.encode())) for each in (_ANNOUNCED, _VETOED))
"""First topics."""
_VOIDS_SHIFT, _EXPIRES_SHIFT, _COUNT = 80, 40, 2**32 - 1


@dataclass(frozen=True, slots=True)
class RunAnnounced:
    """The agent may run `run`, calldata with no ledger's leaf, from `ready_at` until `expires_at` (both inclusive, Unix
    time), under this epoch and version alone. `ledger_leaf` names the announcement's place in the log."""

    id: Digest
    epoch: int
    version: int
    run: bytes
    ready_at: int
    expires_at: int
    ledger_leaf: Digest

    def is_of(self, epoch: int, version: int) -> bool:
        """Whether it can be run under this epoch and version: under no others."""
        return (self.epoch, self.version) == (epoch, version)


@dataclass(frozen=True, slots=True)
class RunVetoed:
    """`guardian`, or an owner, ended the announcement `id`."""

    id: Digest
    guardian: Address


RunEvent = RunAnnounced | RunVetoed


def delay_seconds(data: bytes) -> int:
    """How long a `pay` or `run` call must have been announced: the longest delay among its legs, zero for none. Raises
    `ValueError` on any other call."""
    return max(map(delay_of, decode_all_legs(data)), default=0)


def encode_announce_run(run: bytes) -> bytes:
    """The announcement, with no leaf, of exactly what the `run` call does. Raises `ValueError` on another call, and on
    one that carries a leaf already."""
    legs, leaf = decode_call(RUN, run)
    if leaf != from_digest(NO_LEAF):
        raise ValueError("the calldata carries a leaf already")
    return encode_call(ANNOUNCE_RUN, legs, leaf)


def announced_run(data: bytes) -> bytes:
    """The inverse: the `run` call, with no leaf, that `data` announces. Raises `ValueError` on any other call."""
    legs, _ = decode_call(ANNOUNCE_RUN, data)
    return encode_call(RUN, legs, from_digest(NO_LEAF))


def is_announcement(data: bytes) -> bool:
    """Whether calldata is meant for `announceRun`."""
    return data[:4] == selector(ANNOUNCE_RUN)


def run_id(epoch: int, version: int, run: bytes) -> Digest:
    """keccak(abi.encode(epoch, version, legs)): what the Kernel calls this announcement, whatever leaf `run` carries.
    Raises `ValueError` on another call."""
    legs, _ = decode_call(RUN, run)
    return to_digest(keccak(encode_arguments(("uint32", "uint32", f"{LEG_TYPE}[]"), (epoch, version, legs))))


def encode_veto_run(id_: Digest) -> bytes:
    """For a guardian or owner to send; final, at once."""
    return encode_call("vetoRun(bytes32)", from_digest(id_))


def run_ready_read(kernel: Address, id_: Digest) -> Read[int]:
    """When an announced run is ready, Unix seconds; zero when it is not in force."""
    return view(kernel, "runReadyAt(bytes32)", ["uint256"], int, [from_digest(id_)])


def standing_reads(kernel: Address, id_: Digest) -> tuple[Read[int], ...]:
    """Epoch, version, and when the run `id_` is ready, zero when it is not in force."""
    return (
        view(kernel, "epoch()", ["uint32"], int),
        view(kernel, "version()", ["uint32"], int),
        run_ready_read(kernel, id_),
    )


def decode_run_event(topics: Sequence[str], data: bytes) -> RunEvent:
    """The event of a log, its legs understood to the last byte. Raises `ValueError` for anything else."""
    words = [bytes.fromhex(topic[2:]) for topic in topics]
    kind = to_digest(words[0]) if words else NO_LEAF
    if kind == VETOED_TOPIC and len(words) == 3 and not data:
        return RunVetoed(to_digest(words[1]), to_address(words[2][-20:]))
    if kind != ANNOUNCED_TOPIC or len(words) != 2:
        raise ValueError("not an event of announced runs")
    return _announced(to_digest(words[1]), decode_values(_ANNOUNCED_FIELDS, data))


def read_announced(logged: LoggedEvent) -> RunAnnounced | None:
    """The announcement in an event log; `None` for any other event. Raises `ValueError` for one that cannot be read."""
    event = decode_run_event(logged.topics, logged.data)
    return event if isinstance(event, RunAnnounced) else None


def _announced(id_: Digest, values: Sequence[Any]) -> RunAnnounced:
    epoch, version, legs, ready_at, expires_at, leaf = values
    run = encode_call(RUN, legs, from_digest(NO_LEAF))
    return RunAnnounced(id_, epoch, version, run, ready_at, expires_at, to_digest(leaf))


def voids_in(counters: bytes) -> int:
    """How often everything announced was voided so far, from the word at `COUNTERS_SLOT`."""
    return int.from_bytes(counters, "big") >> 32 & _COUNT


def announced_slot(id_: Digest) -> int:
    """Where the Kernel notes the run `id_`: zero there once it was run or vetoed. What voids it, and time, leave it."""
    return int.from_bytes(keccak(from_digest(id_) + ANNOUNCED_SLOT.to_bytes(32, "big")), "big")


def as_announced(kernel: Address, id_: Digest, voids: int, at: int) -> dict[Address, Override]:
    """The Kernel's storage as it is once the run `id_` was announced and is ready, for a rehearsal at `at` (Unix
    seconds). With another layout of storage nothing is announced by it: the rehearsed run then reverts."""
    word = voids << _VOIDS_SHIFT | (at + 86_400) << _EXPIRES_SHIFT | at
    return {kernel: Override({announced_slot(id_): word.to_bytes(32, "big")})}
