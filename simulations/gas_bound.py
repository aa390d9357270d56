"""What no choice of pools nets once each further one costs gas: a bound on a problem whose choices are discrete, from
its Lagrangian, which leaves them to each pool alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from simulations.water_filling import Curve


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
