"""How much better than a given split any other could be: proven from exact marginal prices, in integers.

Each side's output is concave in its input, so for every split x* of the same order
out* - out <= sum_k (m - l_k)+ x_k, with l_k the marginal price that side k came from, and m the best price at which any
side would go on. Both are exact, floor and all: `left` where a side ended, `right` where it would begin again, which
differ only at the edge of a gap in the liquidity.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import ceil, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from simulations.pools.uniswap_v2 import PairQuote, PairSide
from simulations.pools.uniswap_v3 import PoolQuote, Side
from simulations.pools.uniswap_v3_math import ONE_PIPS
from simulations.water_filling import AnySide, Curve

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


def net_bound(curves: Sequence[Curve], units: int, leg_cost_units: int) -> int:
    """No split of `units` over any of these sides nets more than this after `leg_cost_units` for each side used after
    the first, rounded up. It is the least value, over the common marginal price p, of the Lagrangian

    p * units + sum_k max(0, e_k - cost) + min(cost, max_k e_k),    e_k = max_x out_k(x) - p * x,

    which any p bounds from above; a golden section looks for the least. In floats, with a part in 10^12 added for
    them."""
    levels = [level for each in curves for level in each.levels]
    low, high = 1 / max(levels) ** 2, 1 / min(levels) ** 2

    def value(price: float) -> float:
        return price * units + after_gas(np.array([earned(each, price) for each in curves]), leg_cost_units)

    return ceil(golden(value, low, high) * (1 + 1e-12))


def after_gas(earnings: NDArray[np.float64], leg_cost_units: int) -> float:
    """The most that a choice of sides (one at least) earns together, each after the first less its gas."""
    above = float(np.maximum(earnings - leg_cost_units, 0.0).sum())
    return above + min(float(leg_cost_units), float(earnings.max()))


def earned(curve: Curve, price: float) -> float:
    """max_x out(x) - price * x of one side: the sum over its ranges of w * a * (1/a - 1/s)^2 where the level s = 1 /
    sqrt(price) lies within [a, b], and w * (b - a) * (1 / (a b) - price) where it lies beyond."""
    level, total = 1 / sqrt(price), 0.0
    for start, end, weight in zip(curve.levels, curve.levels[1:], curve.weights, strict=False):
        if start >= level:
            break
        inside = weight * start * (1 / start - 1 / level) ** 2
        total += inside if level < end else weight * (end - start) * (1 / (start * end) - price)
    return total


def golden(value: Callable[[float], float], low: float, high: float) -> float:
    """The least of a convex function found between two positive bounds, by golden section on the logarithm."""
    left_end, right_end, least = log(low), log(high), min(value(low), value(high))
    for _ in range(_SECTIONS):
        first, second = right_end - _GOLDEN * (right_end - left_end), left_end + _GOLDEN * (right_end - left_end)
        at_first, at_second = value(exp(first)), value(exp(second))
        least = min(least, at_first, at_second)
        left_end, right_end = (left_end, second) if at_first < at_second else (first, right_end)
    return least


_GOLDEN = (sqrt(5) - 1) / 2
_SECTIONS = 100


def _at_price(side: Side, sqrt_price_x96: int) -> int:
    squared = sqrt_price_x96 * sqrt_price_x96
    price = squared if side.zero_for_one else (1 << 2 * SCALE_BITS) // squared
    return price * (ONE_PIPS - side.fee_pips) // ONE_PIPS
