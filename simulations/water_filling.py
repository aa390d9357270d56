"""One level for many pools: how an order is shared so that every pool used ends at the same marginal price.

Write s = 1 / sqrt(marginal price) for a side's *level*: it rises as the side is sold into, and within one range of
liquidity L the input is linear in it, x = x_i + L / sqrt(1 - fee) * (s - s_i). So the common level is where a sum of
piecewise linear functions reaches the order: a bisection over all breakpoints, one division. `Depth` keeps that sum at
every breakpoint, so that further orders at the same block cost one bisection and a look into each pool.

Levels are floats, for searching only; the amounts are integers that sum to the order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

from simulations.pools.uniswap_v2 import PairSide
from simulations.pools.uniswap_v3 import Side
from simulations.pools.uniswap_v3_math import ONE_PIPS, Q96

if TYPE_CHECKING:
    from simulations.level_kernel import Floats, Ints

AnySide = Side | PairSide


@dataclass(frozen=True, slots=True)
class Curve:
    """One side's input as a piecewise linear function of its level: levels ascend, `taken` is the exact input at each,
    `weights` the slope from there on; the last is zero, since nothing is known beyond it."""

    levels: tuple[float, ...]
    taken: tuple[int, ...]
    weights: tuple[float, ...]

    def at(self, level: float) -> tuple[float, float]:
        """Input that brings the side to `level`, and its slope there."""
        row = bisect_right(self.levels, level) - 1
        if row < 0:
            return 0.0, 0.0
        weight = self.weights[row]
        # A gap, or the end: the exact integer, so that a side which is sold out is so to the last unit.
        if weight == 0.0:
            return self.taken[row], 0.0
        return self.taken[row] + weight * (level - self.levels[row]), weight


def curve(side: AnySide) -> Curve:
    """The side as a function of its level, each tick range and the whole of a pair alike."""
    if isinstance(side, PairSide):
        return _pair_curve(side)
    keep = sqrt(1 - side.fee_pips / ONE_PIPS)
    levels = tuple((Q96 / price if side.zero_for_one else price / Q96) / keep for price in side.prices)
    weights = (*(liquidity / keep for liquidity in side.liquidity[:-1]), 0.0)
    return Curve(levels, side.taken, weights)


def _pair_curve(side: PairSide) -> Curve:
    """One range of liquidity sqrt(in * out): s = sqrt(in / out) before anything is sold, the fee as above."""
    keep = sqrt(1 - side.fee_pips / ONE_PIPS)
    level, weight = sqrt(side.reserve_in / side.reserve_out) / keep, sqrt(side.reserve_in * side.reserve_out) / keep
    return Curve((level, level + side.most_in / weight), (0, side.most_in), (weight, 0.0))


@dataclass(frozen=True, slots=True)
class Depth:
    """Several sides at one block, made ready for many orders: all their breakpoints in order, what all of them together
    have taken at each, and their rows one after the other, as `level_kernel` takes them."""

    curves: tuple[Curve, ...]
    levels: tuple[float, ...]
    reached: tuple[float, ...]
    most_units: int
    _rows: tuple[Floats, Floats, Floats, Ints] = field(repr=False, compare=False)

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> Depth:
        """Raises `ValueError` without any curve."""
        import numpy as np

        ends, taken, weights = (np.concatenate([np.array(part, dtype=float) for part in p]) for p in _columns(curves))
        starts = np.cumsum([0, *(len(each.levels) for each in curves)])
        levels = np.unique(ends)
        reached = np.zeros_like(levels)
        # Interpolated side by side: a running sum of slopes would lose a thin pool behind a deep one.
        for start, end in pairwise(starts):
            reached += np.interp(levels, ends[start:end], taken[start:end])
        sums, most = tuple(np.maximum.accumulate(reached).tolist()), sum(each.taken[-1] for each in curves)
        return cls(tuple(curves), tuple(levels.tolist()), sums, most, (ends, taken, weights, starts))

    def amounts(self, units: int) -> list[int] | None:
        """As `water_fill`."""
        from simulations.level_kernel import shared

        if not 0 < units <= self.most_units:
            return None
        below = max(bisect_right(self.reached, units), 1)
        found, rows, largest = shared(*self._rows, self.levels[below - 1], float(units))
        whole = list(map(int, found.tolist()))
        for place in (rows >= 0).nonzero()[0].tolist():
            whole[place] = self.curves[place].taken[rows[place]]
        rest = units - sum(whole)
        if 0 <= whole[largest] + rest <= self.curves[largest].taken[-1]:
            whole[largest] += rest
            return whole
        return _with_rest(self.curves, whole, rest)


def _columns(curves: Sequence[Curve]) -> Iterator[list[tuple[float, ...]]]:
    yield [each.levels for each in curves]
    yield [each.taken for each in curves]
    yield [each.weights for each in curves]


def water_fill(curves: Sequence[Curve], units: int) -> list[int] | None:
    """Integer inputs that sum to `units` and bring all used curves to one level; `None` when they cannot take so
    much."""
    if units <= 0 or sum(each.taken[-1] for each in curves) < units:
        return None
    breaks = sorted(level for each in curves for level in each.levels)
    below = max(bisect_right(breaks, float(units), key=lambda level: _total(curves, level)), 1)
    return _shared(curves, breaks[below - 1], units)


def _total(curves: Sequence[Curve], level: float) -> float:
    return sum(each.at(level)[0] for each in curves)


def _shared(curves: Sequence[Curve], level: float, units: int) -> list[int]:
    """Each at the breakpoint below the order, and the rest by slope. Not evaluated at the level found: an order may be
    too small to move a float level at all."""
    reached = [each.at(level) for each in curves]
    amounts, weights = zip(*reached, strict=True)
    slope = sum(weights)
    share = (units - sum(amounts)) / slope if slope else 0.0
    whole = [int(amount + share * weight) if weight else int(amount) for amount, weight in reached]
    rest = units - sum(whole)
    return _with_rest(curves, whole, rest) if rest else whole


def _with_rest(curves: Sequence[Curve], whole: list[int], rest: int) -> list[int]:
    """What rounding left goes to the largest first, as far as it can take it: its marginal price moves least."""
    bounded = [min(max(amount, 0), each.taken[-1]) for amount, each in zip(whole, curves, strict=True)]
    rest += sum(whole) - sum(bounded)
    for place in sorted(range(len(bounded)), key=bounded.__getitem__, reverse=True):
        step = max(-bounded[place], min(rest, curves[place].taken[-1] - bounded[place]))
        bounded[place], rest = bounded[place] + step, rest - step
    return bounded
