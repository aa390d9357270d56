"""The AuditRegistry: a Kernel's log on chain, its anchors and its gate. Source: `IAuditRegistry.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, encode_arguments, encode_call, view

MOST_ACTIONS, MOST_SECONDS = 256, 7 * 86_400
"""What `strongroom policy deploy` opens a log with: a registry takes no more actions, and any number of seconds."""
COVERING_TYPE = "anchor.bound"
"""The type of an entry that is recorded to carry an accumulator; the registry looks at the binding alone."""

_OPEN = "open(address,bytes32,address,uint32,uint32,uint64,bytes32)"
_ANCHOR = "anchor(address,uint64,bytes32,bytes32[],(bytes,uint64,bytes32[]))"
_LOG = ["address", "uint32", "uint32", "uint64", "uint64", "uint64", "bytes32", "bytes32"]


class NewHead(Protocol):
    """A head to anchor: `size` entries under `root` (32 bytes), `proof` that they begin with those anchored before."""

    @property
    def size(self) -> int: ...

    @property
    def root(self) -> bytes: ...

    @property
    def proof(self) -> tuple[bytes, ...]: ...


@dataclass(frozen=True, slots=True)
class Coverage:
    """An entry whose binding is an accumulator: its exact bytes, its index, and its path to the new head's root."""

    entry: bytes
    index: int
    inclusion: tuple[bytes, ...]


NO_COVERAGE = Coverage(b"", 0, ())
"""Claims nothing: the head moves, and the actions that wait go on waiting."""


@dataclass(frozen=True, slots=True)
class AnchoredLog:
    """A Kernel's log as the registry knows it. `bound` actions so far, the first `covered` of them committed to by an
    anchored entry. `max_actions` 0: the log was never opened."""

    anchorer: Address
    max_actions: int
    max_seconds: int
    size: int
    bound: int
    covered: int
    root: bytes
    accumulator: Digest

    @property
    def is_open(self) -> bool:
        return self.max_actions != 0

    @property
    def waiting(self) -> int:
        """Actions that no anchor covers yet; at `max_actions` the Kernel's agent is stopped."""
        return self.bound - self.covered


@dataclass(frozen=True, slots=True)
class Opening:
    """What the Kernel's Safe opens a log with, once.

    `genesis` is the leaf hash of the log's first entry, which holds log id, key, chain id, Safe and policy hash.
    `max_actions` is 1 to 256, `max_seconds` at least 1; (`size`, `root`) is the first head, taken as it is.
    """

    kernel: Address
    genesis: Digest
    anchorer: Address
    max_actions: int
    max_seconds: int
    size: int
    root: bytes


def encode_open(opening: Opening) -> bytes:
    """For the Safe to send; refused with `NotAnchorer` where the anchorer is the Kernel's agent."""
    limits = opening.max_actions, opening.max_seconds, opening.size, opening.root
    return encode_call(_OPEN, opening.kernel, from_digest(opening.genesis), opening.anchorer, *limits)


def decode_open(data: bytes) -> Opening:
    """The inverse of `encode_open`. Raises `ValueError` on any other bytes."""
    kernel, genesis, anchorer, *limits = decode_call(_OPEN, data)
    return Opening(kernel, to_digest(genesis), anchorer, *limits)


def encode_set_anchorer(kernel: Address, anchorer: Address) -> bytes:
    """For the Safe to send; the zero address stops anchoring."""
    return encode_call("setAnchorer(address,address)", kernel, anchorer)


def encode_anchor(kernel: Address, head: NewHead, coverage: Coverage = NO_COVERAGE) -> bytes:
    """For the anchorer to send; `coverage` is of the tree of `head`."""
    covering = coverage.entry, coverage.index, list(coverage.inclusion)
    return encode_call(_ANCHOR, kernel, head.size, head.root, list(head.proof), covering)


def log_read(registry: Address, kernel: Address) -> Read[AnchoredLog]:
    """The Kernel's log: head, limits, how many actions are bound and covered, newest accumulator."""
    return view(registry, "log(address)", _LOG, _log, [kernel])


def _log(anchorer: str, *rest: int | bytes) -> AnchoredLog:
    *numbers, root, accumulator = rest
    max_actions, max_seconds, size, bound, covered = (int(number) for number in numbers)
    words = bytes(root), to_digest(bytes(accumulator))
    return AnchoredLog(to_address(anchorer), max_actions, max_seconds, size, bound, covered, *words)


def accumulator_read(registry: Address, kernel: Address, number: int) -> Read[Digest]:
    """The accumulator after `number` actions, or zeros where the registry has forgotten it or it is yet to come."""
    return view(registry, "accumulator(address,uint64)", ["bytes32"], to_digest, [kernel, number])


def next_accumulator(accumulator: Digest, ledger_leaf: Digest, data: bytes) -> Digest:
    """keccak(abi.encode(accumulator, leaf, keccak(calldata))): what binding one Kernel call makes of `accumulator`.

    `data` is the call as sent, with the leaf in it.
    """
    words = [from_digest(accumulator), from_digest(ledger_leaf), keccak(data)]
    return to_digest(keccak(encode_arguments(["bytes32"] * 3, words)))


def accumulate(genesis: Digest, calls: Sequence[tuple[Digest, bytes]]) -> Digest:
    """The accumulator after these (leaf, calldata) of a Kernel's calls, in the order they were mined."""
    accumulator = genesis
    for leaf, data in calls:
        accumulator = next_accumulator(accumulator, leaf, data)
    return accumulator
