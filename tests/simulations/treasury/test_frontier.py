"""Portfolios of least CVaR: none that keeps the floors does better, and the frontier rises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.treasury.frontier import frontier, held, least_cvar, risks_of
from simulations.treasury.measures import conditional_value_at_risk
from simulations.treasury.source import Bootstrap, Floats
from strongroom.errors import BadValue
from tests.simulations.treasury import dao

LEVEL = 0.9


def returns(seed: int, assets: int = 3, count: int = 120) -> Floats:
    draws = np.random.Generator(np.random.Philox(key=seed)).standard_t(3, (count, assets))
    return draws * np.linspace(0.01, 0.1, assets) + np.linspace(0.0, 0.05, assets)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.floats(0, 0.4))
def test_no_weights_that_keep_the_floors_and_the_mean_have_less_cvar(seed: int, floor: float) -> None:
    """Against a thousand random ones, each moved to the mean wanted or left out."""
    drawn, floors = returns(seed), (floor, 0.0, 0.1)
    best = least_cvar(drawn, LEVEL, floors)
    others = np.random.Generator(np.random.Philox(key=seed + 1)).dirichlet(np.ones(3), 300) * (1 - sum(floors))
    for other in others + np.array(floors):
        assert conditional_value_at_risk(-drawn @ other, LEVEL).value >= best.cvar - 1e-9
    own = np.array(best.weights)
    assert own.sum() == pytest.approx(1)
    assert (own >= np.array(floors) - 1e-9).all()
    assert conditional_value_at_risk(-drawn @ own, LEVEL).value == pytest.approx(best.cvar, abs=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_along_the_frontier_more_return_costs_more_risk_at_a_rising_price(seed: int) -> None:
    """CVaR is convex in the mean: the slope never falls."""
    found = frontier(returns(seed), LEVEL, (0.1, 0.0, 0.0), 6)
    means, risks = np.array([each.mean for each in found]), np.array([each.cvar for each in found])
    assert (np.diff(means) > 0).all()
    assert (np.diff(risks) >= -1e-9).all()
    slopes = np.diff(risks) / np.diff(means)
    assert (np.diff(slopes) >= -1e-6 * max(1.0, np.abs(slopes).max())).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadValue, match="no weights that keep the runway reach it"):
        least_cvar(returns(1), LEVEL, (0.0, 0.0, 0.0), 9.0)
    with pytest.raises(BadValue, match="the treasury is too small for it"):
        least_cvar(returns(1), LEVEL, (0.7, 0.4, 0.0))
    with pytest.raises(BadValue, match="a level of CVaR"):
        least_cvar(returns(1), 1.0, (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="not finite"):
        least_cvar(np.full((4, 2), np.nan), LEVEL, (0.0, 0.0))


def test_the_treasurys_floors_are_its_runway_and_its_returns_have_the_mean_expected() -> None:
    book = dao.book()
    risks = risks_of(book, Bootstrap(returns(2, 2, 200), 1), 2, 400, 365, 1_500)
    assert risks.tokens == (dao.WETH, dao.USDC, dao.DAI)
    total = sum(book.assets[place].value_usd for place in book.weighted)
    assert risks.floors[1] == pytest.approx(6 * 34_500 / total)
    assert risks.floors[0] == 0
    assert risks.returns.mean(axis=0) == pytest.approx([0.15, 0, 0], abs=1e-12)
    own = held(risks, LEVEL)
    assert own.mean == pytest.approx(0.6 * 0.15)
    assert own.cvar >= least_cvar(risks.returns, LEVEL, (0, 0, 0), own.mean - 1e-9).cvar - 1e-9
