"""Whether what was mined moved what was rehearsed: exactly, but for shares of lending markets, which grow meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policies.markets import ROUNDING_UNITS
from strongroom.model import Address, Delta, TokenId

_YEAR_SECONDS = 365 * 86_400
_ROUNDING = 2 * ROUNDING_UNITS
"""Rehearsed and mined are two measurements, each with the market's own rounding."""


def as_rehearsed(
    rehearsed: Iterable[Delta], moved: Iterable[Delta], safe: Address, positions: Mapping[TokenId, int], seconds: int
) -> bool:
    """Whether `moved` is what was `rehearsed`. `positions` are all shares with the Safe's units of each before the
    block in which it happened, `seconds` the time from there to that block.

    A share of the Safe's may have grown beyond the rehearsed change by what interest can be in that time, and differ by
    rounding. Interest is taken for a position doubled in a year at most: no market of stable coins pays more, and its
    own word for the rate is not needed. Others' shares are not compared: they earn as well, and what left the Safe for
    them shows in the Safe's own."""
    said, did = _by_holder(rehearsed), _by_holder(moved)
    exact = {key for key in said.keys() | did.keys() if key[1] not in positions}
    if any(said.get(key, 0) != did.get(key, 0) for key in exact):
        return False
    grown = {share: did.get((safe, share), 0) - said.get((safe, share), 0) for share in positions}
    return all(-_ROUNDING <= grown[share] <= _interest(positions[share], seconds) + _ROUNDING for share in positions)


def _by_holder(deltas: Iterable[Delta]) -> dict[tuple[Address, TokenId], int]:
    return {(delta.holder, delta.token): delta.units for delta in deltas}


def _interest(units: int, seconds: int) -> int:
    """Rounded up."""
    return -(-units * seconds // _YEAR_SECONDS)
