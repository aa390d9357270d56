"""A model of fills scored on later fills that it never saw: the older ones fit it, the newest say whether it held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.slippage.fills import Fill
from simulations.slippage.model import LEAST_FILLS, fit
from simulations.slippage.scoring import Coverage, calibration, coverage

LEAST_LATER = 20
LEAST_SCORED = LEAST_FILLS + LEAST_LATER
"""Fills that a score takes: so many to fit on, and so many later ones."""
BAND = 0.95


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of a model fitted on the `fitted` oldest fills: `points` are (share that it said, share that came) of each later
    fill, in order; `coverage` what its intervals held."""

    fitted: int
    points: tuple[tuple[float, float], ...]
    coverage: tuple[Coverage, ...]

    @property
    def holds(self) -> bool:
        return all(each.holds for each in self.coverage)

    @property
    def later(self) -> int:
        return len(self.points)


def calibrate(fills: Sequence[Fill]) -> Calibration | str:
    """`fills` oldest first; the newest third, and `LEAST_LATER` at least, is the score's. The reason where there are
    fewer than `LEAST_SCORED`, or no distribution fits the older ones."""
    if len(fills) < LEAST_SCORED:
        parts = f"the first {LEAST_FILLS} to fit it, {LEAST_LATER} later ones to hold it to"
        return f"{len(fills)} fills are known, at least {LEAST_SCORED} are needed: {parts}"
    split = min(len(fills) - LEAST_LATER, max(LEAST_FILLS, len(fills) * 2 // 3))
    model, later = fit(fills[:split]), fills[split:]
    if model.why:
        return model.why
    return Calibration(split, calibration(model, later), coverage(model, later))


def band(later: int, shares: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """For each share that a right model says, the least and the most of `later` fills, as shares, that come in 95 of
    100 cases: the exact binomial interval."""
    from scipy.stats import binom

    bounds = (binom.interval(BAND, later, share) for share in shares)
    return tuple((float(low) / later, float(high) / later) for low, high in bounds)
