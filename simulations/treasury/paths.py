"""Joint daily log-returns of correlated assets: Student-t tails, clustering volatility, jumps of the whole market."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.treasury.compiled import borrowing, compiled, fma
from simulations.treasury.random import fill_mixing, fill_normals, fill_words, mixing_table
from strongroom.errors import BadValue

Floats = NDArray[np.float64]
LANES = 128
"""Paths that are drawn together: their numbers of one day stay in the first-level cache. No result depends on it."""
LEAST_NU = 2.1


@dataclass(frozen=True, slots=True)
class Model:
    """Daily log-returns r = drift + sqrt(h) t + jump of `names`, every tuple in that order, nothing annualised.

    t are correlated Student-t shocks of variance one with `nu` degrees of freedom (above 2.1, or infinity for normal
    ones); they share one chi-square a day, so that bad days are bad for all. h starts at `volatilities_now` squared
    and follows h' = omega + alpha e^2 + beta h with e = sqrt(h) t, whose long-run mean is `volatilities` squared
    (GARCH(1,1), Bollerslev 1986). Where all alpha and beta are 0, h is `volatilities` squared from the first day.

    An asset jumps on a day with probability `jump_intensities`, by a normal of mean `jump_means` and deviation
    `jump_sizes`. One uniform and one normal serve all assets: jumps come together, the worst dependence for a holder.
    Raises `BadValue` for what is no model.
    """

    names: tuple[str, ...]
    drifts: tuple[float, ...]
    volatilities: tuple[float, ...]
    volatilities_now: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    nu: float
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    jump_intensities: tuple[float, ...]
    jump_means: tuple[float, ...]
    jump_sizes: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise BadValue("()", "the model's assets", "name at least one")
        for row in _ROWS:
            _check_row(row, getattr(self, row), len(self.names))
        for alpha, beta in zip(self.alphas, self.betas, strict=True):
            if alpha + beta >= 1:
                raise BadValue(alpha + beta, "alpha + beta of a model", "give less than 1, or its variance has no mean")
        if not self.nu >= LEAST_NU:
            raise BadValue(self.nu, "degrees of freedom", f"give {LEAST_NU} or more, or the variance is unbounded")
        cholesky(self.correlation, len(self.names))


_ROWS = {
    "drifts": (-1.0, 1.0),
    "volatilities": (0.0, 2.0),
    "volatilities_now": (0.0, 2.0),
    "alphas": (0.0, 1.0),
    "betas": (0.0, 1.0),
    "jump_intensities": (0.0, 1.0),
    "jump_means": (-5.0, 5.0),
    "jump_sizes": (0.0, 5.0),
}
"""Each tuple of numbers of a model with its range, both ends allowed."""


def _check_row(name: str, row: tuple[float, ...], count: int) -> None:
    where = name.replace("_", " ") + " of a model"
    if len(row) != count:
        raise BadValue(len(row), f"how many {where}", f"give one for each of its {count} assets")
    low, high = _ROWS[name]
    for value in row:
        if not low <= value <= high:
            raise BadValue(value, where, f"give a number from {low:g} to {high:g} a day")


def plain(names: tuple[str, ...], volatilities: tuple[float, ...], **given: Any) -> Model:
    """The model of these daily volatilities with zero drift, no correlation, no jump and normal shocks, but what is
    `given`."""
    none = (0.0,) * len(names)
    rest = ("drifts", "alphas", "betas", "jump_intensities", "jump_means", "jump_sizes")
    unit = tuple(tuple(float(row == column) for column in range(len(names))) for row in range(len(names)))
    start: dict[str, Any] = {**dict.fromkeys(rest, none), "correlation": unit, "nu": math.inf}
    return Model(names, volatilities=volatilities, **{"volatilities_now": volatilities, **start, **given})


def cholesky(correlation: tuple[tuple[float, ...], ...], count: int) -> Floats:
    """The lower triangle L with L L' = `correlation`; raises `BadValue` where that is no matrix for `count` assets."""
    found = np.array(correlation, np.float64) if all(len(row) == count for row in correlation) else np.empty(0)
    if found.shape != (count, count):
        raise BadValue(found.shape, "the shape of a correlation matrix", f"give {count} rows of {count}")
    if not (np.isfinite(found).all() and np.allclose(found, found.T) and np.allclose(np.diag(found), 1.0)):
        raise BadValue(correlation, "correlations", "give a symmetric matrix with ones on its diagonal")
    try:
        return np.asarray(np.linalg.cholesky(found), np.float64)
    except np.linalg.LinAlgError:
        raise BadValue(correlation, "correlations", "no returns have these; use what `fit` makes of prices") from None


class Constants(NamedTuple):
    """A model as kernels want it."""

    drifts: Floats
    volatilities: Floats
    cholesky: Floats
    mixing: Floats
    start_variances: Floats
    omegas: Floats
    alphas: Floats
    betas: Floats
    jump_below: NDArray[np.uint64]
    jump_means: Floats
    jump_sizes: Floats
    clusters: bool


def constants(model: Model) -> Constants:
    """Jump probabilities are rounded to the nearest 2^-32."""
    volatilities, alphas, betas = (np.array(row) for row in (model.volatilities, model.alphas, model.betas))
    clusters = bool((alphas > 0).any() or (betas > 0).any())
    return Constants(
        drifts=np.array(model.drifts, np.float64),
        volatilities=volatilities.astype(np.float64),
        cholesky=cholesky(model.correlation, len(model.names)),
        mixing=mixing_table(model.nu),
        start_variances=np.array(model.volatilities_now, np.float64) ** 2,
        omegas=volatilities**2 * (1.0 - alphas - betas),
        alphas=alphas.astype(np.float64),
        betas=betas.astype(np.float64),
        jump_below=np.array([round(each * 2**32) for each in model.jump_intensities], np.uint64),
        jump_means=np.array(model.jump_means, np.float64),
        jump_sizes=np.array(model.jump_sizes, np.float64),
        clusters=clusters,
    )


@borrowing
def correlate(cholesky: Any, normals: Any, out: Any) -> None:
    """`out` = `cholesky` times `normals`, both (assets, paths), each sum taken from the first asset on."""
    for row in range(out.shape[0]):
        for column in range(0, row + 1, 2):
            # Above the diagonal the factor is zero: pairs of columns halve what is read and written.
            one, two = cholesky[row, column], cholesky[row, column + 1] if column < row else 0.0
            if column == 0:
                for lane in range(out.shape[1]):
                    out[row, lane] = fma(two, normals[1, lane], one * normals[0, lane])
            else:
                for lane in range(out.shape[1]):
                    before = fma(one, normals[column, lane], out[row, lane])
                    out[row, lane] = fma(two, normals[column + 1, lane], before)


@borrowing
def fill_day(model: Any, seed: Any, first_path: Any, day: Any, buffers: Any, out: Any) -> None:
    """The log-returns of one day, `out` (assets, paths); `buffers` of `new_buffers`, kept from day to day."""
    words, normals, mixing, rows, variances = buffers
    assets, lanes = out.shape
    used = normals.shape[0]
    fill_words(seed, first_path, np.uint64(day), words)
    fill_normals(words, normals)
    fill_mixing(words[used], model.mixing, rows, mixing)
    correlate(model.cholesky, normals, out)
    for asset in range(assets):
        drift, volatility = model.drifts[asset], model.volatilities[asset]
        omega, alpha, beta = model.omegas[asset], model.alphas[asset], model.betas[asset]
        below, mean, size = model.jump_below[asset], model.jump_means[asset], model.jump_sizes[asset]
        if model.clusters:
            for lane in range(lanes):
                shock = np.sqrt(variances[asset, lane]) * mixing[lane] * out[asset, lane]
                variances[asset, lane] = fma(beta, variances[asset, lane], fma(alpha, shock * shock, omega))
                jump = fma(size, normals[assets, lane], mean)
                out[asset, lane] = drift + shock + (jump if words[used + 1, lane] < below else 0.0)
        else:
            for lane in range(lanes):
                jump = fma(size, normals[assets, lane], mean)
                shock = fma(volatility * mixing[lane], out[asset, lane], drift)
                out[asset, lane] = shock + (jump if words[used + 1, lane] < below else 0.0)


@compiled
def new_buffers(model: Any, lanes: Any) -> Any:
    """Words, normals, what scales them, and each asset's variance before the first day, for `lanes` paths.

    A day needs a normal for each asset and one for the jump's size, and a word each for the chi-square and the jump."""
    assets = model.drifts.shape[0]
    pairs = (assets + 2) // 2
    calls = (2 * pairs + 2 + 3) // 4
    variances = np.empty((assets, lanes))
    for asset in range(assets):
        variances[asset, :] = model.start_variances[asset]
    return (
        np.empty((4 * calls, lanes), np.uint64),
        np.empty((2 * pairs, lanes)),
        np.empty(lanes),
        np.empty(lanes, np.uint64),
        variances,
    )


@compiled
def _fill(model: Any, seed: Any, first_path: Any, out: Any) -> None:
    days, assets, count = out.shape
    for start in range(0, count, LANES):
        lanes = min(LANES, count - start)
        buffers, returns = new_buffers(model, lanes), np.empty((assets, lanes))
        for day in range(days):
            fill_day(model, seed, first_path + np.uint64(start), day, buffers, returns)
            out[day, :, start : start + lanes] = returns


def block_returns(model: Model, seed: int, first_path: int, count: int, days: int, out: Floats) -> None:
    """Fills `out`, float64 in C order of shape (days, assets, count), with the daily log-returns of paths `first_path`
    and on. A path's returns depend on model, seed and its number only, to the last bit, and a shorter horizon is a
    longer one's beginning. `seed` and `first_path` are below 2^64, `days` below 2^32.
    """
    check_range(seed, first_path, count, days)
    shape = (days, len(model.names), count)
    if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise ValueError(f"out must be float64 in C order of shape {shape}, not {out.dtype} of {out.shape}")
    _fill(constants(model), np.uint64(seed), np.uint64(first_path), out)


def check_range(seed: int, first_path: int, count: int, days: int) -> None:
    """Raises `BadValue` for what no path can be numbered by."""
    for value, where, low, high in (
        (seed, "the seed", 0, 2**64),
        (count, "how many paths", 1, 2**40),
        (days, "how many days", 1, 2**32),
        (first_path, "the first path", 0, 2**64 - count),
    ):
        if not low <= value < high:
            raise BadValue(value, where, f"give a whole number from {low} to {high - 1}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A model and a seed as one source of returns: `block_returns` without its first two arguments."""

    model: Model
    seed: int

    def block_returns(self, first_path: int, count: int, days: int, out: Floats) -> None:
        """As the function of this name."""
        block_returns(self.model, self.seed, first_path, count, days, out)
