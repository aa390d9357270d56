"""What a forecast says, each number with its sampling error: how far off it may be because only so many paths were
drawn. The intervals hold the model's own true value in 95 of 100 seeds; that the model is right they do not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import beta, binom

from simulations.treasury.forecast import Forecast
from simulations.treasury.source import Floats

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_NORMAL = 1.959963984540054
_LEAST = 20
"""So many paths must tell of a mean what is not the same on all: of fewer, a normal interval is far too narrow."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; a side is `None` where so few paths bound it on that side not at all."""

    value: float
    low: float | None
    high: float | None

    def told(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


def probability(hits: int, count: int) -> Estimate:
    """The share of paths with the exact interval of Clopper and Pearson (1934): none of 10,000 is not never."""
    if not 0 <= hits <= count or count < 1:
        raise ValueError(f"{hits} of {count} is no share")
    low = float(beta.ppf(_TAIL, hits, count - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - _TAIL, hits + 1, count - hits)) if hits < count else 1.0
    return Estimate(hits / count, low, high)


def quantile(samples: Floats, level: float) -> Estimate:
    """The `level` quantile, the smallest sample that at least so large a share does not exceed, between the order
    statistics that enclose the true one: whatever the distribution is (David and Nagaraja, Order Statistics, 7.1)."""
    ordered = np.sort(_finite(samples))
    count = len(ordered)
    # A rank that floats put a hair above a whole number is that number.
    rank = int(np.ceil(level * count - 1e-9))
    low, high = int(binom.ppf(_TAIL, count, level)), int(binom.ppf(1 - _TAIL, count, level)) + 1
    return Estimate(
        float(ordered[max(rank, 1) - 1]),
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= count else None,
    )


def value_at_risk(losses: Floats, level: float) -> Estimate:
    """The loss that is not exceeded with probability `level`, such as 0.95."""
    return quantile(losses, level)


def conditional_value_at_risk(losses: Floats, level: float) -> Estimate:
    """The mean of the worst `1 - level` of losses: VaR + E[(L - VaR)+] / (1 - level) (Rockafellar and Uryasev, 2000,
    equation 4). The interval is normal, from the spread of that mean; the error of VaR enters it in second order. With
    fewer than 20 paths in that tail there is none: it would hold the truth in 75 to 90 of 100 seeds."""
    at = quantile(losses, level).value
    beyond = np.clip(_finite(losses) - at, 0.0, None) / (1 - level)
    return _normal(at + float(beyond.mean()), beyond, len(beyond) * (1 - level) + 1e-9)


def mean(samples: Floats) -> Estimate:
    """The mean with its normal interval; without one where all but a few samples are the same, for those few say too
    little: that none of them had a cost does not make it nothing."""
    found = _finite(samples)
    _, counts = np.unique(found, return_counts=True)
    return _normal(float(found.mean()), found, len(found) - int(counts.max()))


def _normal(value: float, samples: Floats, telling: float) -> Estimate:
    if telling < _LEAST:
        return Estimate(value, None, None)
    error = _NORMAL * float(samples.std(ddof=1)) / len(samples) ** 0.5
    return Estimate(value, value - error, value + error)


def losses(made: Forecast) -> Floats:
    """USD that each path lost, below zero gained: payments are no loss, income no gain."""
    out = made.outcomes
    lost: Floats = made.nav - (out.nav + out.spent - out.received)
    return lost


def measures(made: Forecast) -> Mapping[str, Estimate]:
    """Every measure by its name; USD, shares of 1, months, days or counts, as the name says."""
    return dict(_measures(made))


def _measures(made: Forecast) -> Iterator[tuple[str, Estimate]]:
    out, lost, count = made.outcomes, losses(made), made.paths
    for level in (0.05, 0.5, 0.95):
        yield f"nav_usd_p{level * 100:02.0f}", quantile(out.nav, level)
    for level in (0.95, 0.99):
        yield f"var_{level * 100:.0f}_usd", value_at_risk(lost, level)
        yield f"cvar_{level * 100:.0f}_usd", conditional_value_at_risk(lost, level)
    yield "drawdown_p50", quantile(out.drawdown, 0.5)
    yield "drawdown_p95", quantile(out.drawdown, 0.95)
    if made.has_payroll:
        for level in (0.05, 0.5):
            yield f"runway_months_p{level * 100:02.0f}", quantile(out.runway, level)
        yield "runway_below_mandate", probability(int((out.below_day >= 0).sum()), count)
    yield "payment_late", probability(int((out.late_day >= 0).sum()), count)
    yield "unpaid_usd_mean", mean(out.unpaid)
    yield "ruin", probability(int((out.ruin_day >= 0).sum()), count)
    yield "paused", probability(int((out.paused_days > 0).sum()), count)
    yield "paused_days_mean", mean(out.paused_days.astype(np.float64))
    for name in ("allowed", "asked", "denied"):
        yield f"trades_{name}_mean", mean(getattr(out, name).astype(np.float64))
    yield "turnover_usd_mean", mean(out.turnover)
    yield "swap_cost_usd_mean", mean(out.cost)
    yield "gas_usd_mean", mean(out.gas)


def fan(made: Forecast, name: str, levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> dict[str, Any]:
    """The quantiles of `navs`, `runways` or `falls` on the marked evenings, for charts and `--json`."""
    rows = np.quantile(getattr(made.outcomes, name), levels, axis=1, method="inverted_cdf")
    levels_told = {f"p{level * 100:02.0f}": row.tolist() for level, row in zip(levels, rows, strict=True)}
    return {"day": list(made.marks), **levels_told}


def _finite(samples: Floats) -> Floats:
    """Raises `ValueError` for no sample, and for one that is no number."""
    if not len(samples) or not np.isfinite(samples).all():
        raise ValueError("a measure needs samples, all of them finite")
    return samples
