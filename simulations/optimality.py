"""How much better than a given split any other could be: proven from exact marginal prices, in integers.

Each side's output is concave in its input, so for every split x* of the same order
out* - out <= sum_k (m - l_k)+ x_k, with l_k the marginal price that side k came from, and m the best price at which any
side would go on. Both are exact, floor and all: `left` where a side ended, `right` where it would begin again, which
differ only at the edge of a gap in the liquidity.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from simulations.pools.uniswap_v2 import PairQuote, PairSide
from simulations.pools.uniswap_v3 import PoolQuote, Side
from simulations.pools.uniswap_v3_math import ONE_PIPS
from simulations.water_filling import AnySide

AnyQuote = PoolQuote | PairQuote

SCALE_BITS = 192
"""Marginal prices are output per unit of input, fee included, times 2^192."""


def gap(sides: Sequence[AnySide], quotes: Sequence[AnyQuote | None]) -> int:
    """The most that any other split of the same order could give beyond `quotes` (`None` for a side left out), rounded
    up, up to the pools' own rounding."""
    shares = list(zip(sides, quotes, strict=True))
    best = max((right(each, quote) for each, quote in shares), default=0)
    lost = sum(quote.units_in * max(best - left(each, quote), 0) for each, quote in shares if quote)
    return -(-lost >> SCALE_BITS)


def left(side: AnySide, quote: AnyQuote) -> int:
    """The marginal price, scaled, of the last unit sold; rounded down."""
    if isinstance(side, PairSide):
        return side.marginal(quote.units_in, 1 << SCALE_BITS)
    assert isinstance(quote, PoolQuote)
    return _at_price(side, quote.sqrt_price_after_x96)


def right(side: AnySide, quote: AnyQuote | None) -> int:
    """The marginal price, scaled, of the next unit; zero where the side takes no more."""
    sold = quote.units_in if quote else 0
    if isinstance(side, PairSide):
        return side.marginal(sold, 1 << SCALE_BITS) if sold < side.most_in else 0
    row = bisect_right(side.taken, sold) - 1
    if row == len(side.taken) - 1:
        return 0
    # Within a step the price is the quote's own; at its edge the next step that holds anything decides.
    inside = isinstance(quote, PoolQuote) and side.taken[row] < sold
    return _at_price(side, quote.sqrt_price_after_x96 if inside and isinstance(quote, PoolQuote) else side.prices[row])


def surplus(sides: Sequence[AnySide], quotes: Sequence[AnyQuote]) -> list[int]:
    """What each used side gives beyond the worst marginal price among them, in units of output, rounded down: the least
    that the split would lose without it."""
    price = min((left(each, quote) for each, quote in zip(sides, quotes, strict=True)), default=0)
    return [quote.units_out - (-(-price * quote.units_in >> SCALE_BITS)) for quote in quotes]


def _at_price(side: Side, sqrt_price_x96: int) -> int:
    squared = sqrt_price_x96 * sqrt_price_x96
    price = squared if side.zero_for_one else (1 << 2 * SCALE_BITS) // squared
    return price * (ONE_PIPS - side.fee_pips) // ONE_PIPS
