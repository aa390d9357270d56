"""When a large order is better sold in clips: impact, which time heals, against the price's swings, which time feeds.

The impact is the pools' own: F(x) is the exact output of selling x at once. After a clip the pools stand displaced by
D units of input; arbitrage brings them back by half every half-life, so that the next clip of x gives F(D + x) - F(D).
Clips without a pause therefore give what one order gives, and far apart each starts afresh. Meanwhile the price S is a
martingale with log-normal steps: it leaves the expected output alone, and with g_j what clip j gives at S = 1,

    Var = sum_i (exp(v t_i) - exp(v t_(i-1))) * (sum of g_j from j = i)^2,    v the variance per second.

Chosen are number, pause and sizes that make cost + risk_aversion * variance least (shares of the order's worth), as in
Almgren and Chriss, "Optimal Execution of Portfolio Transactions" (2000); the decaying impact is Obizhaeva and Wang's
(2013). Assumed, and worth doubting: one half-life for all pools, no drift, nobody who trades against the clips.

Floats throughout: a forecast. Sizes are integers that sum to the order; each clip is quoted anew before it is sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from strongroom.errors import BadValue

Floats = NDArray[np.float64]

HOURS_A_YEAR = 8_766
_MINUTE = 60
_BPS = 10_000
_PAUSES, _STEPS = 16, tuple(2.0**-power for power in range(3, 12))
_LEANS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""How much a first guess leans to early clips: sizes fall like exp(-lean * i / n)."""


@dataclass(frozen=True, slots=True)
class Market:
    """What selling `units` meets: `given`, the outputs of selling 0, 1/k, 2/k ... and all of the order at once, in
    units of the token bought; `worth`, the output at the price before the order; `volatility` of the price in a year
    (1.0 is 100 %); seconds in which the pools recover by half; gas of one clip, in units of the token bought."""

    units: int
    given: tuple[float, ...]
    worth: float
    volatility: float
    half_life_seconds: float
    clip_cost: float


@dataclass(frozen=True, slots=True)
class Wishes:
    """`risk_aversion` a: a spread of 1 % weighs like a cost of a basis points, one of 2 % like four times as much.
    `pause_seconds` lie between clips where somebody else's clock decides that; `None` leaves the choice."""

    risk_aversion: float
    fewest_clips: int
    most_clips: int
    most_seconds: int
    pause_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """So many units, so many seconds after the first clip."""

    after_seconds: int
    units: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Clips in order. `cost_bps` is what is expected to be lost of the order's worth, impact and gas; `spread_bps` the
    standard deviation of the output, likewise."""

    clips: tuple[Clip, ...]
    cost_bps: float
    spread_bps: float
    gas_bps: float

    @property
    def seconds(self) -> int:
        """From the first clip to the last."""
        return self.clips[-1].after_seconds

    def weighed(self, risk_aversion: float) -> float:
        """Cost and spread as one number, in basis points; without any spread, however averse, the cost."""
        return self.cost_bps + (risk_aversion * self.spread_bps**2 / _BPS if self.spread_bps else 0.0)


def best_schedule(schedules: Sequence[Schedule], risk_aversion: float) -> Schedule:
    """The schedule that weighs least, of those that weigh the same the first."""
    return min(schedules, key=lambda each: each.weighed(risk_aversion))


def frontier(market: Market, wishes: Wishes) -> list[Schedule]:
    """For each number of clips the schedule that weighs least, fewest first. Raises `BadValue` on what is no market."""
    _require(market, wishes)
    averse = wishes.risk_aversion == inf and market.volatility > 0
    most = wishes.fewest_clips if averse else wishes.most_clips
    most = min(most, wishes.most_seconds // (wishes.pause_seconds or _MINUTE) + 1, market.units)
    counts = range(min(wishes.fewest_clips, most), most + 1)
    return [_best_of(market, wishes, count) for count in counts]


def evaluate(market: Market, shares: Floats, pauses: Floats) -> tuple[Floats, Floats]:
    """Expected output (gas aside) and its variance of each row of `shares` (m, clips), which sum to 1, with a pause of
    so many seconds (m) between clips; as shares of the order's worth."""
    marks, given = np.linspace(0.0, 1.0, len(market.given)), np.array(market.given) / market.worth
    left = 0.5 ** (pauses / market.half_life_seconds)
    moved, outputs = np.zeros(len(shares)), np.empty_like(shares)
    for place in range(shares.shape[1]):
        after = moved + shares[:, place]
        outputs[:, place] = np.interp(after, marks, given) - np.interp(moved, marks, given)
        moved = after * left
    remaining = np.cumsum(outputs[:, ::-1], axis=1)[:, ::-1]
    rate = market.volatility**2 / (HOURS_A_YEAR * 3_600)
    times = pauses[:, None] * np.arange(shares.shape[1])
    swings = np.diff(np.expm1(np.minimum(rate * times, 700.0)), axis=1)
    return remaining[:, 0], (swings * remaining[:, 1:] ** 2).sum(axis=1)


def _best_of(market: Market, wishes: Wishes, count: int) -> Schedule:
    """Of so many clips: the best of a coarse grid, then moved as long as that helps, in ever smaller steps."""
    if count == 1:
        return _schedule(market, np.ones(1), 0)
    if wishes.pause_seconds is not None:
        return _paced(market, wishes, count, wishes.pause_seconds)
    longest = wishes.most_seconds / (count - 1)
    pauses = np.geomspace(min(_MINUTE, longest), longest, _PAUSES)
    leans = _leaning(count)
    shares, pause = np.repeat(leans, _PAUSES, axis=0), np.tile(pauses, len(_LEANS))
    place = int(np.argmin(_weighed(market, wishes, shares, pause)))
    best = _moved(market, wishes, shares[place], float(pause[place]), longest)
    whole = int(min(max(round(best[1] / _MINUTE), 1), longest // _MINUTE)) * _MINUTE
    settled, _ = _moved(market, wishes, best[0], float(whole), float(whole), still=True)
    return _schedule(market, settled, whole)


def _paced(market: Market, wishes: Wishes, count: int, pause: int) -> Schedule:
    """Of so many clips with this pause: only the sizes are sought."""
    leans = _leaning(count)
    place = int(np.argmin(_weighed(market, wishes, leans, np.full(len(leans), float(pause)))))
    settled, _ = _moved(market, wishes, leans[place], float(pause), float(pause), still=True)
    return _schedule(market, settled, pause)


def _leaning(count: int) -> Floats:
    """First guesses of the shares, one a row."""
    leans = np.array([np.exp(-lean * np.arange(count) / count) for lean in _LEANS])
    return np.asarray(leans / leans.sum(axis=1, keepdims=True))


def _weighed(market: Market, wishes: Wishes, shares: Floats, pauses: Floats) -> Floats:
    output, variance = evaluate(market, shares, pauses)
    # Of no use where the aversion has no bound: then any spread weighs alike, and the expected output decides.
    risk = wishes.risk_aversion if isfinite(wishes.risk_aversion) else 0.0
    return np.asarray(risk * variance - output)


def _moved(
    market: Market, wishes: Wishes, shares: Floats, pause: float, longest: float, still: bool = False
) -> tuple[Floats, float]:
    """Shares and pause from which no step from one clip to another, and no longer or shorter pause, weighs less. With
    `still` the pause stays."""
    weight = _weighed(market, wishes, shares[None], np.array([pause]))[0]
    for step in _STEPS:
        while True:
            tried = _neighbours(shares, step)
            pauses = [pause] if still else [pause, min(pause * (1 + step), longest), max(pause / (1 + step), _MINUTE)]
            rows, waits = np.tile(tried, (len(pauses), 1)), np.repeat(pauses, len(tried))
            weights = _weighed(market, wishes, rows, waits)
            place = int(np.argmin(weights))
            if not weights[place] < weight - 1e-12:
                break
            shares, pause, weight = rows[place], float(waits[place]), weights[place]
    return shares, pause


def _neighbours(shares: Floats, step: float) -> Floats:
    """The shares themselves, and with a step (or all there is) moved from any clip to any other."""
    count = len(shares)
    givers, takers = np.nonzero(~np.eye(count, dtype=bool))
    rows = np.tile(shares, (len(givers) + 1, 1))
    moved = np.minimum(shares[givers], step)
    places = np.arange(1, len(givers) + 1)
    rows[places, givers] -= moved
    rows[places, takers] += moved
    return rows


def _schedule(market: Market, shares: Floats, pause: int) -> Schedule:
    """In whole units, evaluated as it will be carried out; clips of nothing are none, and the first is at once."""
    units = list(dropwhile(lambda each: not each, _whole(shares, market.units)))
    output, variance = evaluate(market, np.array([[each / market.units for each in units]]), np.array([float(pause)]))
    clips = tuple(Clip(pause * place, each) for place, each in enumerate(units) if each)
    gas = market.clip_cost * len(clips) / market.worth
    cost, spread = 1 - float(output[0]) + gas, float(np.sqrt(variance[0]))
    return Schedule(clips, cost * _BPS, spread * _BPS, gas * _BPS)


def _whole(shares: Sequence[float] | Floats, units: int) -> list[int]:
    """Rounded down, the rest, which floats may leave below zero, with the largest clip."""
    whole = [int(units * float(share)) for share in shares]
    whole[whole.index(max(whole))] += units - sum(whole)
    return whole


def _require(market: Market, wishes: Wishes) -> None:
    bounds: list[tuple[float, str, bool, str]] = [
        (market.units, "the order", market.units > 0, "sell more than nothing"),
        (market.volatility, "the volatility", 0 <= market.volatility <= 10, "give 0 to 1,000 % a year"),
        (market.half_life_seconds, "the half-life", 1 <= market.half_life_seconds < inf, "give a second or more"),
        (market.clip_cost, "the gas of a clip", 0 <= market.clip_cost < inf, "give 0 or more"),
        (wishes.risk_aversion, "the risk aversion", wishes.risk_aversion >= 0, "give 0 or more"),
        (wishes.fewest_clips, "the clips", 1 <= wishes.fewest_clips <= wishes.most_clips <= 48, "give 1 to 48"),
        (
            wishes.pause_seconds or _MINUTE,
            "the pause",
            (wishes.pause_seconds or _MINUTE) >= _MINUTE,
            "give a minute or more",
        ),
        (wishes.most_seconds, "the time", 0 <= wishes.most_seconds <= 7 * 86_400, "give at most a week"),
    ]
    for value, where, holds, mend in bounds:
        if not holds:
            raise BadValue(value, where, mend)
