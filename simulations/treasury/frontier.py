"""The least risk for each return: weights of least CVaR that keep the runway, by linear programming.

Rockafellar and Uryasev, Optimization of Conditional Value-at-Risk (2000): over weights w, the threshold a and the
excess u of each scenario, minimise a + sum(u) / (n (1 - level)) with u >= loss(w) - a, u >= 0. Solved by HiGHS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from simulations.treasury.book import Book
from simulations.treasury.measures import conditional_value_at_risk
from simulations.treasury.source import Floats, Source
from strongroom.errors import BadValue
from strongroom.model import TokenId


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Shares of the whole, at least 0, together 1; mean return and CVaR of the loss over the horizon, both shares."""

    weights: tuple[float, ...]
    mean: float
    cvar: float


def least_cvar(returns: Floats, level: float, floors: Sequence[float], least_mean: float | None = None) -> Portfolio:
    """The weights of least CVaR at `level` among those of at least `floors` and, where given, of at least that mean.
    `returns` are simple returns over the horizon, shape (scenarios, assets). Raises `BadValue` where the floors
    together are above the whole, or no weights reach the mean."""
    count, assets = returns.shape
    _require(returns, level, floors)
    cost = np.concatenate([np.zeros(assets), [1.0], np.full(count, 1 / (count * (1 - level)))])
    excess = hstack([csr_array(-returns), csr_array(-np.ones((count, 1))), -eye_array(count)])
    means = returns.mean(axis=0)
    rows, most = [excess], [np.zeros(count)]
    if least_mean is not None:
        rows.append(csr_array(np.concatenate([-means, np.zeros(count + 1)])[None, :]))
        most.append(np.array([-least_mean]))
    whole = csr_array(np.concatenate([np.ones(assets), np.zeros(count + 1)])[None, :])
    bounds = [*((floor, 1.0) for floor in floors), (None, None), *((0.0, None),) * count]
    found = linprog(cost, vstack(rows, format="csr"), np.concatenate(most), whole, [1.0], bounds, method="highs")
    if found.status:
        raise BadValue(least_mean, "a mean return", "no weights that keep the runway reach it; ask for less")
    weights = np.clip(found.x[:assets], 0.0, 1.0)
    return Portfolio(tuple(weights.tolist()), float(means @ weights), float(found.fun))


def frontier(returns: Floats, level: float, floors: Sequence[float], points: int) -> tuple[Portfolio, ...]:
    """Portfolios from the least CVaR to the highest mean that the floors leave, evenly apart in the mean."""
    safest = least_cvar(returns, level, floors)
    means = returns.mean(axis=0)
    free = 1 - sum(floors)
    most = float(means @ np.array(floors) + free * means.max())
    if most - safest.mean < 1e-9:
        return (safest,)
    # A hair below the most: the corner itself is feasible only to the solver's own tolerance.
    wanted = np.linspace(safest.mean, most - 1e-9, points)[1:]
    return safest, *(least_cvar(returns, level, floors, float(each)) for each in wanted)


def _require(returns: Floats, level: float, floors: Sequence[float]) -> None:
    if not np.isfinite(returns).all():
        raise ValueError("a return is not finite")
    if not 0 < level < 1:
        raise BadValue(level, "a level of CVaR", "write a share such as 0.95")
    if sum(floors) > 1 + 1e-12:
        raise BadValue(f"{sum(floors):.0%}", "what the runway takes of the whole", "the treasury is too small for it")


@dataclass(frozen=True, slots=True)
class Risks:
    """The weighted tokens, their simple returns over the horizon (paths, tokens), the share of each that the mandate's
    months of payroll take, and the mandate's targets."""

    tokens: tuple[TokenId, ...]
    returns: Floats
    floors: tuple[float, ...]
    targets: tuple[float, ...]


def risks_of(book: Book, source: Source, series: int, paths: int, days: int, drift_bps: int) -> Risks:
    """What may become of each weighted token in so many days, each series scaled to the very mean that `drift_bps` a
    year expects: a program finds return in what is only luck of the draw. Raises `BadValue` where the
    mandate weighs nothing."""
    if not book.weighted:
        raise BadValue("[weights]", "a frontier", "the mandate weighs no token; write its weights first")
    returns = np.empty((days, series, paths))
    source.block_returns(0, paths, days, returns)
    gross = np.exp(returns.sum(axis=0))
    expected = (1 + drift_bps / 10_000) ** (days / 365)
    grown = gross * (expected / gross.mean(axis=1, keepdims=True)) - 1
    assets = [book.assets[place] for place in book.weighted]
    columns = [np.zeros(paths) if asset.series is None else grown[asset.series] for asset in assets]
    total = sum(asset.value_usd for asset in assets)
    months = [asset.payroll_units / 10**asset.decimals * asset.price_e8 / 1e8 for asset in assets]
    floors = tuple(book.runway_months * month / total for month in months)
    targets = tuple((asset.target_bps or 0) / 10_000 for asset in assets)
    return Risks(tuple(asset.token for asset in assets), np.stack(columns, axis=1), floors, targets)


def held(risks: Risks, level: float) -> Portfolio:
    """The mandate's own targets: their mean and CVaR."""
    weights = np.array(risks.targets)
    lost = -risks.returns @ weights
    return Portfolio(risks.targets, float(-lost.mean()), conditional_value_at_risk(lost, level).value)
