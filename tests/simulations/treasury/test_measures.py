"""Measures against what is known in closed form, and their intervals against the share of seeds they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from simulations.treasury.forecast import forecast
from simulations.treasury.measures import (
    Estimate,
    conditional_value_at_risk,
    fan,
    losses,
    mean,
    measures,
    probability,
    quantile,
    value_at_risk,
)
from simulations.treasury.source import Bootstrap, Floats
from tests.simulations.treasury import dao

SEEDS = 300


def normals(seed: int, count: int) -> Floats:
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(count)


def covered(estimates: list[Estimate], truth: float) -> float:
    inside = [each.low is not None and each.high is not None and each.low <= truth <= each.high for each in estimates]
    return sum(inside) / len(inside)


def test_the_intervals_hold_the_truth_in_about_95_of_100_seeds() -> None:
    """Of 300 seeds between 91 and 99 per cent: four standard errors around 95."""
    samples = [normals(seed, 2_000) for seed in range(SEEDS)]
    assert 0.91 < covered([value_at_risk(each, 0.95) for each in samples], norm.ppf(0.95)) < 0.99
    cvar = norm.pdf(norm.ppf(0.95)) / 0.05
    assert 0.91 < covered([conditional_value_at_risk(each, 0.95) for each in samples], cvar) < 0.99
    assert 0.91 < covered([mean(each) for each in samples], 0.0) < 0.99
    hits = [int((each > 1).sum()) for each in samples]
    # An exact interval is at least as sure as it says.
    assert covered([probability(each, 2_000) for each in hits], norm.sf(1)) > 0.91


def test_none_of_many_is_not_never() -> None:
    """The rule of three, exactly: 1 - 0.025^(1/n)."""
    found = probability(0, 10_000)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 10_000))
    assert probability(10_000, 10_000).low == pytest.approx(0.025 ** (1 / 10_000))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_cvar_is_the_mean_of_the_tail_and_never_below_var(samples: list[float], level: float) -> None:
    """Against its own definition as an integral of the quantile function over the tail."""
    ordered = np.sort(np.array(samples))
    edges = np.arange(len(ordered) + 1) / len(ordered)
    shares = np.clip(edges[1:], level, None) - np.clip(edges[:-1], level, None)
    tail = float((ordered * shares).sum() / (1 - level))
    found = conditional_value_at_risk(ordered, level).value
    assert found == pytest.approx(tail, rel=1e-9, abs=1e-6 * max(1.0, np.abs(ordered).max()))
    assert found >= quantile(ordered, level).value - 1e-6 * max(1.0, np.abs(ordered).max())


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_a_quantile_is_exceeded_by_no_larger_a_share_than_it_says(samples: list[float], level: float) -> None:
    array = np.array(samples)
    found = quantile(array, level)
    assert (array <= found.value).mean() >= level - 1e-9
    assert (array < found.value).mean() < level + 1e-9
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


def test_few_paths_leave_a_side_open() -> None:
    assert quantile(normals(1, 100), 0.99).high is None
    assert quantile(normals(1, 100), 0.01).low is None


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [np.inf]])
def test_no_measure_is_made_of_what_is_no_number(bad: list[float]) -> None:
    for measure in (lambda s: quantile(s, 0.5), lambda s: conditional_value_at_risk(s, 0.95), mean):
        with pytest.raises(ValueError, match="finite"):
            measure(np.array(bad))
    with pytest.raises(ValueError, match="no share"):
        probability(3, 2)


def test_all_measures_of_a_forecast_are_finite_and_in_order() -> None:
    source = Bootstrap(normals(4, 400).reshape(200, 2) * 0.05, 5)
    made = forecast(dao.book(), dao.calendar(60), source, 2, 400)
    found = measures(made)
    assert all(np.isfinite(each.value) for each in found.values())
    assert found["var_95_usd"].value <= found["cvar_95_usd"].value <= found["cvar_99_usd"].value
    assert found["nav_usd_p05"].value <= found["nav_usd_p50"].value <= found["nav_usd_p95"].value
    assert found["drawdown_p50"].value <= found["drawdown_p95"].value <= 1
    told = fan(made, "navs")
    assert told["day"][-1] == 60
    assert all(low <= high for low, high in zip(told["p05"], told["p95"], strict=True))
    assert told["p50"][-1] == found["nav_usd_p50"].value


def test_where_nothing_moves_nothing_is_lost_but_what_trading_costs() -> None:
    """Interest aside, a loss beside payments is fees and impact."""
    book = dao.book(dao.Terms(rate_bps=0))
    made = forecast(book, dao.calendar(90), Bootstrap(np.zeros((30, 2)), 1), 2, 3)
    assert losses(made) == pytest.approx(made.outcomes.cost, abs=1e-6)
    assert made.outcomes.spent == pytest.approx([made.outcomes.spent[0]] * 3)
