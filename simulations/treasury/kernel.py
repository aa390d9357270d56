"""The plain treasury on many paths, drawn and stepped in one pass over blocks that stay in the first-level cache.

US dollars as floats here: these are statistics over imagined prices, no payment is ever made of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.treasury.compiled import borrowing, compiled
from simulations.treasury.paths import LANES, Floats, Model, check_range, constants, fill_day, new_buffers
from simulations.treasury.random import exp
from strongroom.errors import BadValue

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Treasury:
    """What is held at the start, in USD, in the order of a model's assets, and how it is run.

    `payment_usd` is due at the end of each `every_days`-th day: from the asset numbered `stable` first, the rest from
    the others in proportion to their value. With `weights` (shares of 1) all is traded to them at the end of a day when
    one has strayed by more than `band_bps` of NAV, at `cost_bps` of what is sold; with `None` nothing is traded. A
    treasury that cannot pay in full has paid what it had, and holds nothing from then on. It is ruined on the first day
    that ends at or below `floor_bps` of its first NAV. Raises `BadValue`.
    """

    values_usd: tuple[float, ...]
    stable: int
    payment_usd: float
    every_days: int = 30
    weights: tuple[float, ...] | None = None
    band_bps: int = 500
    cost_bps: int = 30
    floor_bps: int = 1_000

    def __post_init__(self) -> None:
        for value in (*self.values_usd, self.payment_usd):
            if not 0 <= value <= 1e18:
                raise BadValue(value, "USD in a treasury", "give a number from 0 to 1e18")
        if not sum(self.values_usd) > 0:
            raise BadValue(self.values_usd, "what a treasury holds", "give at least one asset above zero")
        if not 0 <= self.stable < len(self.values_usd):
            raise BadValue(self.stable, "the asset that pays", f"give a number below {len(self.values_usd)}")
        if self.every_days < 1:
            raise BadValue(self.every_days, "days between payments", "give 1 or more")
        for bps in (self.band_bps, self.cost_bps, self.floor_bps):
            if not 0 <= bps <= 10_000:
                raise BadValue(bps, "basis points of a treasury", "give 0 to 10000")
        self._check_weights()

    def _check_weights(self) -> None:
        if self.weights is None:
            return
        if len(self.weights) != len(self.values_usd) or not all(0 <= each <= 1 for each in self.weights):
            raise BadValue(self.weights, "weights", f"give one from 0 to 1 for each of {len(self.values_usd)} assets")
        if not math.isclose(math.fsum(self.weights), 1.0, abs_tol=1e-9):
            raise BadValue(math.fsum(self.weights), "the sum of weights", "give weights that add up to 1")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each path, every array of shape (paths): NAV in USD after the last day; the largest fall of NAV
    below its highest close before, a share of 1, payments included; the day of the first payment not made in full and
    the first day of ruin, counted from 1, 0 for never."""

    nav_usd: Floats
    drawdown: Floats
    unpaid_day: Days
    ruin_day: Days
    days: int

    @property
    def runway_days(self) -> Days:
        """Days until a payment was not made in full; the horizon where all were, so a lower bound there."""
        return np.where(self.unpaid_day == 0, self.days, self.unpaid_day)


class _Plan(NamedTuple):
    values: Floats
    weights: Floats
    stable: int
    payment: float
    every: int
    band: float
    cost: float
    floor: float
    trades: bool


def simulate(model: Model, treasury: Treasury, seed: int, paths: int, days: int, first_path: int = 0) -> Outcomes:
    """The outcomes of `paths` paths from `first_path` on, each the same to the last bit in whatever range it is asked.
    Runs on one thread, outside the interpreter's lock; `workers.spread` uses several. Raises `BadValue`."""
    check_range(seed, first_path, paths, days)
    if len(treasury.values_usd) != len(model.names):
        raise BadValue(len(treasury.values_usd), "assets of a treasury", f"give its model's {len(model.names)}")
    unpaid, ruin = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
    out = Outcomes(np.zeros(paths), np.zeros(paths), unpaid, ruin, days)
    arrays = (out.nav_usd, out.drawdown, out.unpaid_day, out.ruin_day)
    _simulate(constants(model), _plan(treasury), np.uint64(seed), np.uint64(first_path), days, arrays)
    return out


def _plan(treasury: Treasury) -> _Plan:
    values = np.array(treasury.values_usd, np.float64)
    weights = np.zeros(len(values)) if treasury.weights is None else np.array(treasury.weights, np.float64)
    return _Plan(
        values=values,
        weights=weights,
        stable=treasury.stable,
        payment=float(treasury.payment_usd),
        every=treasury.every_days,
        band=treasury.band_bps / 10_000,
        cost=treasury.cost_bps / 10_000,
        floor=treasury.floor_bps / 10_000 * math.fsum(treasury.values_usd),
        trades=treasury.weights is not None,
    )


@compiled
def _simulate(model: Any, plan: Any, seed: Any, first_path: Any, days: Any, out: Any) -> None:
    navs, drawdowns, unpaid_days, ruin_days = out
    count = navs.shape[0]
    for start in range(0, count, LANES):
        end = min(start + LANES, count)
        part = navs[start:end], drawdowns[start:end], unpaid_days[start:end], ruin_days[start:end]
        _block(model, plan, seed, first_path + np.uint64(start), days, part)


@compiled
def _block(model: Any, plan: Any, seed: Any, first_path: Any, days: Any, out: Any) -> None:
    nav, drawdown, unpaid_day, ruin_day = out
    assets, lanes = plan.values.shape[0], nav.shape[0]
    buffers, returns = new_buffers(model, lanes), np.empty((assets, lanes))
    values, peak, scratch = np.empty((assets, lanes)), np.full(lanes, plan.values.sum()), np.empty((2, lanes))
    for asset in range(assets):
        values[asset, :] = plan.values[asset]
    for day in range(days):
        fill_day(model, seed, first_path, day, buffers, returns)
        _grow(returns, values, nav)
        if (day + 1) % plan.every == 0:
            _pay(plan, day + 1, values, nav, unpaid_day)
        if plan.trades:
            _rebalance(plan, values, nav, scratch[0], scratch[1])
        _mark(plan.floor, day + 1, nav, peak, drawdown, ruin_day)


@borrowing
def _grow(returns: Any, values: Any, nav: Any) -> None:
    for asset in range(values.shape[0]):
        for lane in range(nav.shape[0]):
            value = values[asset, lane] * exp(returns[asset, lane])
            values[asset, lane] = value
            nav[lane] = value if asset == 0 else nav[lane] + value


@borrowing
def _pay(plan: Any, day: Any, values: Any, nav: Any, unpaid_day: Any) -> None:
    assets = values.shape[0]
    for lane in range(nav.shape[0]):
        if nav[lane] < plan.payment:
            unpaid_day[lane] = day if unpaid_day[lane] == 0 else unpaid_day[lane]
            values[:, lane] = 0.0
        else:
            held = values[plan.stable, lane]
            rest, others = max(plan.payment - held, 0.0), nav[lane] - held
            kept = max(1.0 - rest / others, 0.0) if rest > 0.0 else 1.0
            for asset in range(assets):
                values[asset, lane] = values[asset, lane] * kept
            values[plan.stable, lane] = max(held - plan.payment, 0.0)
        nav[lane] = 0.0
        for asset in range(assets):
            nav[lane] = nav[lane] + values[asset, lane]


@borrowing
def _rebalance(plan: Any, values: Any, nav: Any, strayed: Any, sold: Any) -> None:
    assets, lanes = values.shape
    for asset in range(assets):
        weight = plan.weights[asset]
        for lane in range(lanes):
            off = abs(values[asset, lane] - weight * nav[lane])
            before = strayed[lane] if asset > 0 else 0.0
            strayed[lane] = off if off > before else before
            sold[lane] = 0.5 * off + (sold[lane] if asset > 0 else 0.0)
    trading = np.int64(0)
    for lane in range(lanes):
        trades, left = strayed[lane] > plan.band * nav[lane], nav[lane] - plan.cost * sold[lane]
        trading += np.int64(trades)
        nav[lane] = left if trades else nav[lane]
        # Below zero stands for a path that does not trade.
        sold[lane] = left if trades else -1.0
    if trading == 0:
        return
    for asset in range(assets):
        weight = plan.weights[asset]
        for lane in range(lanes):
            values[asset, lane] = weight * sold[lane] if sold[lane] >= 0.0 else values[asset, lane]


@borrowing
def _mark(floor: Any, day: Any, nav: Any, peak: Any, drawdown: Any, ruin_day: Any) -> None:
    for lane in range(nav.shape[0]):
        peak[lane] = nav[lane] if nav[lane] > peak[lane] else peak[lane]
        fall = 1.0 - nav[lane] / peak[lane]
        drawdown[lane] = fall if fall > drawdown[lane] else drawdown[lane]
        ruin_day[lane] = day if (nav[lane] <= floor and ruin_day[lane] == 0) else ruin_day[lane]
