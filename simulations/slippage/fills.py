"""One fill, taken apart: where each unit between the price on the screen and the amount received went."""

from __future__ import annotations

from dataclasses import dataclass, fields

from simulations.pools.uniswap_v2 import PairSide
from simulations.pools.uniswap_v3 import Side
from simulations.pools.uniswap_v3_math import ONE_PIPS
from strongroom.valuation import BPS

_Q192_BITS = 192


@dataclass(frozen=True, slots=True)
class Parts:
    """Units of the token bought, by what took them; below zero where it gave. They sum to what the fill lost against
    the marginal price before it."""

    fee: int
    impact: int
    gas: int
    adverse: int
    ordering: int

    @property
    def total(self) -> int:
        return self.fee + self.impact + self.gas + self.adverse + self.ordering

    def bps_of(self, whole: int) -> dict[str, float]:
        """Each part in 1/10,000 of `whole` (> 0), for display."""
        return {field.name: getattr(self, field.name) * BPS / whole for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Fill:
    """A swap as it went, in units of the token bought. `spot` is the input at the marginal price when it was quoted, no
    fee; `kept` what the fee leaves of that; `quoted` the exact quote; `before` the exact quote on the state that the
    block of inclusion was built on; `received` what came. `gas` is what the transaction cost, at the price of then.
    `waited_seconds` lie between the quote's block and the inclusion's."""

    spot: int
    kept: int
    quoted: int
    before: int
    received: int
    gas: int
    waited_seconds: int

    def __post_init__(self) -> None:
        for name in ("spot", "kept", "quoted", "before", "received"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` is {getattr(self, name)}; a fill gives and gets something")
        if self.gas < 0 or self.waited_seconds < 0:
            raise ValueError("neither gas nor time is below zero")

    @property
    def shortfall(self) -> float:
        """What the quote promised and did not come, as a share of the quote; below zero where more came."""
        return (self.quoted - self.received) / self.quoted


def decompose(fill: Fill) -> Parts:
    """The fee; the move along the curve that the order itself makes; gas; the move of the market until the block of
    inclusion; and who came first within that block, sandwiches among them."""
    return Parts(
        fee=fill.spot - fill.kept,
        impact=fill.kept - fill.quoted,
        gas=fill.gas,
        adverse=fill.quoted - fill.before,
        ordering=fill.before - fill.received,
    )


def spot_units(side: Side | PairSide, units_in: int) -> int:
    """`units_in` at the side's marginal price, no fee, rounded down."""
    if isinstance(side, PairSide):
        return units_in * side.reserve_out // side.reserve_in
    squared = side.prices[0] * side.prices[0]
    return units_in * squared >> _Q192_BITS if side.zero_for_one else (units_in << _Q192_BITS) // squared


def kept_units(side: Side | PairSide, units_in: int) -> int:
    """`spot_units` less the pool's fee, rounded down."""
    return spot_units(side, units_in) * (ONE_PIPS - side.fee_pips) // ONE_PIPS
