"""One limit of the policy, with how to write another number there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from policies.terms import PolicyDocument

WIDE_UNITS = 2**95
"""More than anything moves, and what the Kernel can still count."""
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Lever:
    """One number of policy.toml. Moving it from `value` towards `widest` only ever lets more through."""

    table: str
    key: str
    unit: str
    value: int
    widest: int
    write: Callable[[PolicyDocument, int], PolicyDocument]


def with_room(cap_units: int, at_once_units: int, more_at_once_units: int) -> int:
    """The `cap` that goes with a larger `at_once`: as much flows back in a window as before, and never less than the
    tenth that a policy must leave to flow back, rounded up."""
    return max(cap_units + more_at_once_units - at_once_units, -(-more_at_once_units * 10 // 9))


def with_entry(mapping: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """The mapping with one more entry, or another one."""
    return {**mapping, key: value}
