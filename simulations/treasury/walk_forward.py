"""Were forecasts of the past right? Each day in turn is the last one known, and what came is placed among the paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.treasury.source import Floats, Source

_SURE = 0.999
"""How sure bounds are: a right forecast exceeds one of a thousand."""


@dataclass(frozen=True, slots=True)
class Exceedances:
    """`below` of `windows` outcomes lay under the forecast's quantile `level`; under a right forecast of windows that
    know nothing of each other at most `most` do."""

    level: float
    below: int
    windows: int
    most: int

    @property
    def holds(self) -> bool:
        return self.below <= self.most


def walk_forward(
    returns: Floats, starts: Sequence[int], horizon_days: int, made: Callable[[Floats], Source], paths: int = 2_000
) -> Floats:
    """The share of paths that ended below what came, shape (starts, series), each from 0 to 1: uniform if forecasts
    are right (Rosenblatt, 1952).

    `returns` are real daily log-returns (days, series) without gaps. At each of `starts`, `made` sees the days before
    it and nothing else, and its paths of `horizon_days` are compared with the sum of the days that follow. Raises
    `ValueError` for a start with too few days behind it.
    """
    shares = np.empty((len(starts), returns.shape[1]))
    for row, start in enumerate(starts):
        came = returns[start : start + horizon_days]
        if len(came) < horizon_days:
            raise ValueError(f"{len(came)} days follow day {start}, not {horizon_days}")
        drawn = np.empty((horizon_days, returns.shape[1], paths))
        made(returns[:start].copy()).block_returns(0, paths, horizon_days, drawn)
        shares[row] = (drawn.sum(axis=0) < came.sum(axis=0)[:, None]).mean(axis=1)
    return shares


def exceedances(shares: Floats, level: float) -> Exceedances:
    """Of one series' `shares` (Kupiec, 1995, the side that hurts)."""
    from scipy.stats import binom

    return Exceedances(level, int((shares < level).sum()), len(shares), int(binom.ppf(_SURE, len(shares), level)))
