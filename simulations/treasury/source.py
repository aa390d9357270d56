"""Where returns come from: any generator that fills a block of paths can drive the treasury."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from strongroom.errors import BadValue

Floats = NDArray[np.float64]
LEAST_DAYS = 30
"""Below so many real days a forecast knows next to nothing: from one alone, that nothing ever moves."""
_ITERATIONS = 500
"""Of the power method: fifty stretches of ten days long, far past where it stands still."""


class Source(Protocol):
    """Joint daily log-returns of some price series."""

    def block_returns(self, first_path: int, count: int, days: int, out: Floats) -> None:
        """Fill `out`, float64 of shape (days, series, count), with the returns of the paths from `first_path` on. Path
        k has the same returns whatever block it is asked in: so no result depends on how the work is cut."""


class Fixed:
    """`Source` of one given path, log-returns of shape (days, series): a scenario, or what really happened."""

    def __init__(self, returns: Floats) -> None:
        self._returns = returns

    def block_returns(self, first_path: int, count: int, days: int, out: Floats) -> None:
        """The one path, `count` times; raises `ValueError` beyond its last day."""
        if days > len(self._returns):
            raise ValueError(f"{days} days asked of a path of {len(self._returns)}")
        out[:] = self._returns[:days, :, None]


class Bootstrap:
    """`Source` of stretches of real days, drawn with replacement and laid end to end: what happened together, and one
    day after the other, stays so. The stationary bootstrap of Politis and Romano (1994), stretches of `mean_days` on
    average, without its wrap-around: a stretch ends where the history does, or at a gap in it.

    `returns` are real log-returns, shape (days, series), NaN in every series of a day behind a gap. Each series is
    shifted so that in the long run its expected price grows by `drift_bps` a year, whatever its days had in common with
    those before them: a history's own trend is no forecast. Raises `BadValue` below `LEAST_DAYS`."""

    def __init__(self, returns: Floats, seed: int, mean_days: int = 10, drift_bps: int = 0) -> None:
        whole: NDArray[np.bool_] = np.isfinite(returns).all(axis=1)  # type: ignore[assignment]
        self._returns = np.where(whole[:, None], returns, 0.0)
        self._starts = np.flatnonzero(whole)
        if len(self._starts) < LEAST_DAYS:
            mend = f"give {LEAST_DAYS} at least, one a day: across a missing day nothing is known"
            raise BadValue(len(self._starts), "daily returns of a history", mend)
        # Followed by a real day of the same stretch, or not.
        self._goes_on = np.append(whole[1:] & whole[:-1], False)
        self._seed, self._ends = seed, 1.0 / mean_days
        self._shift = np.log1p(drift_bps / 10_000) / 365 - np.log(self._growth())

    def _growth(self) -> Floats:
        """By what factor a day raises each series' expected price in the long run: the largest eigenvalue of the chain
        of days, each weighed by its own growth. One day's mean would leave out that days follow each other."""
        daily = np.exp(self._returns)
        ahead = np.ones_like(daily)
        for _ in range(_ITERATIONS):
            fresh = ahead[self._starts].mean(axis=0)
            after = np.where(self._goes_on[:, None], np.roll(ahead, -1, axis=0), fresh)
            reached = daily * (self._ends * fresh + (1 - self._ends) * after)
            factor: Floats = reached[self._starts].mean(axis=0) / fresh
            ahead = reached / reached[self._starts].mean(axis=0)
        return factor

    def block_returns(self, first_path: int, count: int, days: int, out: Floats) -> None:
        """See `Source`; each path has a Philox stream of its own, keyed by seed and path."""
        ends, fresh = np.empty((days, count), np.bool_), np.empty((days, count), np.int64)
        for each in range(count):
            stream = np.random.Generator(np.random.Philox(key=[self._seed, first_path + each]))
            ends[:, each] = stream.random(days) < self._ends
            fresh[:, each] = self._starts[stream.integers(len(self._starts), size=days)]
        drawn = fresh[0]
        for day in range(days):
            if day:
                drawn = np.where(ends[day] | ~self._goes_on[drawn], fresh[day], drawn + 1)
            out[day] = (self._returns[drawn] + self._shift).T
