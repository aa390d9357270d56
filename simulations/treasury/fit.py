"""A model from daily prices: jumps by a threshold, then GARCH(1,1) with Student-t shocks, then shrunk correlations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulations.treasury.garch import MOST_NU, Garch, garch
from simulations.treasury.paths import Floats, Model
from strongroom.errors import BadValue

LEAST_DAYS = 250
DAY_SECONDS = 86_400
JUMP_SIGMAS = 5.0
"""A day is a jump beyond so many of its own neighbourhood's standard deviations: for normal days one in 1.7 million."""
_WINDOW = 30
_WORST_DAYS = 90
_FALLBACK_NU = 3.0


@dataclass(frozen=True, slots=True)
class Prices:
    """Daily closes of `names`: `closes` (days, assets), above zero, at `times` (days), Unix seconds one day apart."""

    names: tuple[str, ...]
    times: Sequence[int]
    closes: Floats


@dataclass(frozen=True, slots=True)
class Fitted:
    """`standard_errors` by asset and parameter, in the model's units, where the fit knows them; `notes` are sentences
    on what was not fitted and what stands in its place."""

    model: Model
    standard_errors: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asset:
    drift: float
    volatility: float
    volatility_now: float
    alpha: float
    beta: float
    nu: float
    intensity: float
    mean: float
    size: float
    residuals: Floats
    errors: Mapping[str, float]
    notes: tuple[str, ...]


def fit(prices: Prices) -> Fitted:
    """The model of these prices; raises `BadValue` for a history that is thin or broken.

    Jumps are days beyond `JUMP_SIGMAS` of the bipower variation around them (Barndorff-Nielsen and Shephard, 2004); the
    rest is fitted as `simulations.treasury.garch` says. One `nu` serves all: the least, so the heaviest tail. The drift
    keeps each asset's mean return. Where nothing fits, volatility is that of the worst 90 days, for good. Notes say so.
    """
    returns = _returns(prices)
    found = [_asset(name, returns[:, each]) for each, name in enumerate(prices.names)]
    errors = {name: one.errors for name, one in zip(prices.names, found, strict=True)}
    return Fitted(_model(prices.names, found), errors, tuple(note for one in found for note in one.notes))


def _model(names: tuple[str, ...], found: Sequence[_Asset]) -> Model:
    return Model(
        names=names,
        drifts=tuple(one.drift for one in found),
        volatilities=tuple(one.volatility for one in found),
        volatilities_now=tuple(one.volatility_now for one in found),
        correlation=shrunk(np.stack([one.residuals for one in found], axis=1)),
        nu=min(one.nu for one in found),
        alphas=tuple(one.alpha for one in found),
        betas=tuple(one.beta for one in found),
        jump_intensities=tuple(one.intensity for one in found),
        jump_means=tuple(one.mean for one in found),
        jump_sizes=tuple(one.size for one in found),
    )


def _returns(prices: Prices) -> Floats:
    closes, times = np.asarray(prices.closes, np.float64), list(prices.times)
    if not prices.names or closes.shape != (len(times), len(prices.names)):
        raise BadValue(closes.shape, "the shape of prices", f"give {len(times)} days of {len(prices.names)} assets")
    if len(times) < LEAST_DAYS:
        raise BadValue(len(times), "days of prices", f"a fit needs {LEAST_DAYS} or more")
    for before, after in pairwise(times):
        _check_step(before, after)
    bad = np.argwhere(~(np.isfinite(closes) & (closes > 0)))
    if len(bad):
        day, asset = (int(each) for each in bad[0])
        where = f"the price of {prices.names[asset]} at {times[day]}"
        raise BadValue(
            float(closes[day, asset]), where, "give a finite number above zero, or a history without this day"
        )
    found: Floats = np.diff(np.log(closes), axis=0)
    return found


def _check_step(before: int, after: int) -> None:
    if after == before:
        raise BadValue(after, "the time of a price", "this day is there twice; keep one")
    if after < before:
        raise BadValue(after, "the time of a price", f"it follows {before}; sort the days, oldest first")
    if after - before != DAY_SECONDS:
        raise BadValue(
            after, "the time of a price", f"it follows {before}; give every day, {DAY_SECONDS} seconds apart"
        )


def _asset(name: str, returns: Floats) -> _Asset:
    jumps = jump_days(returns)
    quiet = returns[~jumps]
    if np.ptp(quiet) < 1e-9:
        note = f"{name} did not move but in jumps: its volatility is 0; put its risk into a stress"
        return _joined(returns, jumps, Garch(0.0, 0.0, 0.0, 0.0, MOST_NU, returns * 0.0, {}), (note,))
    # A jump would pass for the start of a wild spell; the median in its place is a day like others.
    calm = np.where(jumps, np.median(quiet), returns)
    fitted = garch(calm)
    if fitted is None:
        note = f"no GARCH(1,1) with a lasting mean fits {name}: its worst {_WORST_DAYS} days' volatility stands for all"
        return _joined(returns, jumps, _worst(calm), (note,))
    note = f"{name} swings for too long for a fit to say where it settles: at the volatility of its whole history"
    return _joined(returns, jumps, fitted, (note,) if fitted.targeted else ())


def _joined(returns: Floats, jumps: NDArray[np.bool_], found: Garch, notes: tuple[str, ...]) -> _Asset:
    sizes, intensity = returns[jumps], float(jumps.mean())
    mean = float(sizes.mean()) if len(sizes) else 0.0
    # One jump alone shows no spread: its own size stands for it.
    size = float(sizes.std(ddof=1)) if len(sizes) > 1 else abs(mean)
    errors = {**found.errors, "drift": float(returns.std(ddof=1)) / math.sqrt(len(returns))}
    errors["jump_intensity"] = math.sqrt(max(len(sizes), 1)) / len(returns)
    return _Asset(
        drift=float(returns.mean()) - intensity * mean,
        volatility=found.volatility,
        volatility_now=found.volatility_now,
        alpha=found.alpha,
        beta=found.beta,
        nu=found.nu,
        intensity=intensity,
        mean=mean,
        size=size,
        residuals=found.residuals,
        errors=errors,
        notes=notes,
    )


def jump_days(returns: Floats) -> NDArray[np.bool_]:
    """Which of `returns` (days) lie beyond `JUMP_SIGMAS` standard deviations of the 30 days either side, measured by
    bipower variation, pi / 2 times the mean of |r| |r before|, which one jump hardly moves."""
    centred = np.abs(returns - np.median(returns))
    products = np.pad(centred[1:] * centred[:-1], (1, 0), mode="edge")
    sums = np.cumsum(np.pad(products, (1, 0)))
    days = np.arange(len(returns))
    low, high = np.maximum(days - _WINDOW, 0), np.minimum(days + _WINDOW + 1, len(returns))
    variance = math.pi / 2 * np.maximum(sums[high] - sums[low], 0.0) / (high - low)
    found: NDArray[np.bool_] = centred > JUMP_SIGMAS * np.sqrt(variance) + 1e-12
    return found


def _worst(calm: Floats) -> Garch:
    """Heavy tails and no calmer days, for good."""
    spans = np.lib.stride_tricks.sliding_window_view(calm, _WORST_DAYS)
    worst = float(spans.std(axis=1, ddof=1).max())
    return Garch(worst, worst, 0.0, 0.0, _FALLBACK_NU, (calm - calm.mean()) / calm.std(), {})


def shrunk(residuals: Floats) -> tuple[tuple[float, ...], ...]:
    """The correlation matrix of `residuals` (days, assets), shrunk towards none by the share that is best on average
    (Schäfer and Strimmer, 2005, target D), and at least by 1e-6, so that it is positive definite."""
    spread = residuals.std(axis=0)
    standard = np.where(spread > 0, (residuals - residuals.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)
    days, assets = standard.shape
    products = standard[:, :, None] * standard[:, None, :]
    sample, off = products.mean(axis=0), ~np.eye(assets, dtype=bool)
    noise = days / (days - 1) ** 3 * ((products - sample) ** 2).sum(axis=0)[off].sum()
    signal = float((sample[off] ** 2).sum())
    share = min(1.0, max(1e-6, float(noise) / signal)) if signal > 0 else 1.0
    found = np.where(off, (1 - share) * sample, 1.0)
    return tuple(tuple(float(each) for each in row) for row in (found + found.T) / 2)
