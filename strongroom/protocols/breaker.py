"""The breaker's events: who paused the Kernel, who saw a fall, and what ended it. Source: `IKernelEvents`, `IWatch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import keccak
from strongroom.model import Address
from strongroom.protocols.abi import argument_types, decode_values


@dataclass(frozen=True, slots=True)
class Paused:
    """`at_limit`: no human did it, a bucket reached its soft limit."""

    by: Address
    at_limit: bool


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """`old_agent` is burned for ever; the Kernel is live again."""

    old_agent: Address
    new_agent: Address


@dataclass(frozen=True, slots=True)
class Observed:
    """The watch counted less than its floor for the first time, USD 1e-8; a second observation pauses."""

    by: Address
    wealth_e8: int
    floor_e8: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """The watch counted its floor or more again, USD 1e-8: the observation is void."""

    by: Address
    wealth_e8: int
    floor_e8: int


@dataclass(frozen=True, slots=True)
class Tripped:
    """The watch paused the Kernel; what it counted and its floor, USD 1e-8."""

    by: Address
    wealth_e8: int
    floor_e8: int


@dataclass(frozen=True, slots=True)
class Rebased:
    """The watch's mark, USD 1e-8, of its birth or set by the Safe."""

    mark_e8: int


BreakerEvent = Paused | Rekeyed | Observed | Recovered | Tripped | Rebased

_MADE: dict[str, Callable[..., BreakerEvent]] = {
    "Paused(uint32,address,bytes32)": lambda epoch, by, limit: Paused(by, any(limit)),
    "Rekeyed(uint32,address,address,bytes32)": lambda epoch, old, new, code: Rekeyed(old, new),
    "Observed(address,uint256,uint256,uint256)": lambda by, wealth, floor, block: Observed(by, wealth, floor),
    "Recovered(address,uint256,uint256)": Recovered,
    "Tripped(address,uint256,uint256)": Tripped,
    "Rebased(uint256)": Rebased,
}
_BY_TOPIC = {"0x" + keccak(signature.encode()).hex(): signature for signature in _MADE}
TOPICS = tuple(_BY_TOPIC)


def decode_event(topics: Sequence[str], data: bytes) -> BreakerEvent:
    """The event of a log. Every argument is one word and the indexed ones come first, so that topics and data are one
    tuple. Raises `ValueError` for anything else."""
    signature = _BY_TOPIC.get(topics[0]) if topics else None
    if signature is None:
        raise ValueError("not an event of the breaker")
    words = b"".join(bytes.fromhex(topic[2:]) for topic in topics[1:]) + data
    values: tuple[Any, ...] = decode_values(argument_types(signature), words)
    return _MADE[signature](*values)
