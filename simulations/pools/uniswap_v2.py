"""Exact quotes of a Uniswap V2 pair from its reserves, wei for wei with the deployed router, and within what the pair
itself accepts.

An input of x against reserves (in, out) gives floor(997 x out / (1000 in + 997 x)), the most that the pair's own check
lets through. Source: Uniswap v2 Core paper, section 3.2; v2-periphery `UniswapV2Library.sol`, v2-core
`UniswapV2Pair.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from strongroom.model import Address, PairState

FEE_PIPS = 3_000
"""Every pair's fee in 1/1,000,000."""

_WHOLE, _KEPT = 1_000, 997
_MAX_RESERVE = 2**112 - 1


class PairQuote(NamedTuple):
    """What an order takes and gives, fee included."""

    units_in: int
    units_out: int


@dataclass(frozen=True, slots=True)
class PairSide:
    """One direction of a pair: the reserves of what is sold and of what is bought, in units, both > 0."""

    reserve_in: int
    reserve_out: int

    @property
    def fee_pips(self) -> int:
        return FEE_PIPS

    @property
    def most_in(self) -> int:
        """The largest input that the pair can book: a reserve has 112 bits."""
        return _MAX_RESERVE - self.reserve_in

    def quote_in(self, units: int) -> PairQuote | None:
        """What exactly `units` (> 0) of input give, or `None` when the pair refuses them: an output of nothing, or more
        than it can book."""
        given = amount_out(units, self.reserve_in, self.reserve_out) if 0 < units <= self.most_in else 0
        return PairQuote(units, given) if given else None

    def quote_out(self, units: int) -> PairQuote | None:
        """What exactly `units` (> 0) of output cost, or `None` when the pair does not hold them or cannot book their
        price."""
        if not 0 < units < self.reserve_out:
            return None
        taken = amount_in(units, self.reserve_in, self.reserve_out)
        return PairQuote(taken, units) if taken <= self.most_in else None

    def marginal(self, units_in: int, scale: int) -> int:
        """Output per further unit of input after `units_in`, times `scale`, rounded down: the derivative
        997 * 1000 in out / (1000 in + 997 x)^2."""
        swollen = _WHOLE * self.reserve_in + _KEPT * units_in
        return scale * _KEPT * _WHOLE * self.reserve_in * self.reserve_out // (swollen * swollen)


def pair_side(state: PairState, token_in: Address) -> PairSide:
    """The direction that sells `token_in`. Raises `ValueError` when the pair does not hold that token, or is empty."""
    reserves = {state.token0: state.reserve0_units, state.token1: state.reserve1_units}
    if token_in not in reserves:
        raise ValueError(f"pair `{state.pool}` does not hold `{token_in}`")
    if not all(reserves.values()):
        raise ValueError(f"pair `{state.pool}` is empty")
    bought = state.token1 if token_in == state.token0 else state.token0
    return PairSide(reserves[token_in], reserves[bought])


def amount_out(units_in: int, reserve_in: int, reserve_out: int) -> int:
    """`getAmountOut`: what an input gives, rounded down. All > 0."""
    net = _KEPT * units_in
    return net * reserve_out // (_WHOLE * reserve_in + net)


def amount_in(units_out: int, reserve_in: int, reserve_out: int) -> int:
    """`getAmountIn`: what an output costs, rounded down and one more, which is sometimes one more than enough. Needs
    0 < `units_out` < `reserve_out`."""
    return _WHOLE * reserve_in * units_out // (_KEPT * (reserve_out - units_out)) + 1
