"""What was put in comes out, and a history that cannot be trusted is refused in one line."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.treasury.fit import LEAST_DAYS, Prices, fit, jump_days, shrunk
from simulations.treasury.garch import targeted
from simulations.treasury.history import daily, shipped
from simulations.treasury.paths import block_returns, cholesky, plain
from strongroom.errors import BadValue

TRUE = plain(
    ("ETH", "GOV"),
    (0.04, 0.06),
    correlation=((1.0, 0.6), (0.6, 1.0)),
    nu=6.0,
    drifts=(0.001, -0.001),
    alphas=(0.08, 0.12),
    betas=(0.88, 0.80),
)


def prices(model, days=3_000, seed=3):
    returns = np.empty((days, len(model.names), 1))
    block_returns(model, seed, 0, 1, days, returns)
    closes = 100 * np.exp(np.vstack([np.zeros(len(model.names)), np.cumsum(returns[:, :, 0], axis=0)]))
    return Prices(model.names, [86_400 * day for day in range(days + 1)], closes)


def test_parameters_of_simulated_prices_are_recovered():
    """Each GARCH parameter within four of its own standard errors; correlation within 0.06."""
    found = fit(prices(TRUE))
    for each, name in enumerate(TRUE.names):
        errors = found.standard_errors[name]
        assert abs(found.model.alphas[each] - TRUE.alphas[each]) < 4 * errors["alpha"]
        assert abs(found.model.betas[each] - TRUE.betas[each]) < 4 * errors["beta"]
        assert abs(found.model.drifts[each] - TRUE.drifts[each]) < 4 * errors["drift"]
        assert abs(found.model.volatilities[each] / TRUE.volatilities[each] - 1) < 0.2
    assert 4.5 < found.model.nu < 8.5
    assert abs(found.model.correlation[0][1] - 0.6) < 0.06
    assert found.notes == ()


def test_jumps_are_found_where_they_were_put():
    quiet = plain(("A",), (0.02,), jump_intensities=(0.01,), jump_means=(-0.25,), jump_sizes=(0.02,))
    history = prices(quiet)
    returns = np.diff(np.log(history.closes[:, 0]))
    assert (jump_days(returns) == (returns < -0.15)).all()
    found = fit(history).model
    assert abs(found.jump_intensities[0] - 0.01) < 4 * math.sqrt(0.01 / 3_000)
    assert abs(found.jump_means[0] + 0.25) < 0.02
    assert abs(found.volatilities[0] / 0.02 - 1) < 0.1


def test_a_history_that_grows_ever_wilder_gets_its_worst_days_and_a_note():
    """No GARCH with a mean fits a volatility that grows without end: heavy tails and no calmer days are assumed."""
    draw = np.random.default_rng(1)
    returns = 0.001 * np.exp(np.arange(600) / 150) * draw.standard_normal(600)
    closes = 100 * np.exp(np.append(0.0, np.cumsum(returns)))[:, None]
    found = fit(Prices(("GOV",), range(0, 601 * 86_400, 86_400), closes))
    assert "no GARCH(1,1) with a lasting mean fits GOV" in found.notes[0]
    assert (found.model.nu, found.model.alphas, found.model.betas) == (3.0, (0.0,), (0.0,))
    assert found.model.volatilities[0] > 1.5 * returns.std()


def test_a_peg_that_never_moved_has_no_volatility_and_a_note():
    history = prices(TRUE, days=400)
    pegged = replace(history, closes=np.stack([history.closes[:, 0], np.ones(401)], axis=1))
    found = fit(pegged)
    assert found.model.volatilities[1] == 0.0
    assert found.model.correlation[0][1] == 0.0
    assert "GOV did not move" in found.notes[-1]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(3, 60), st.integers(0, 2**32 - 1))
def test_shrunk_correlations_are_positive_definite_even_of_few_days(assets, days, seed):
    draw = np.random.default_rng(seed)
    cholesky(shrunk(draw.standard_normal((days, assets)) @ draw.standard_normal((assets, assets))), assets)


def changed(change):
    history = prices(TRUE, days=300)
    times, closes = list(history.times), history.closes.copy()
    change(times, closes)
    return replace(history, times=times, closes=closes)


def put(target, at, value):
    target[at] = value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t, c: put(c, (7, 1), math.nan), "`nan` cannot be used for the price of GOV at 604800"),
        (lambda t, c: put(c, (7, 0), 0.0), "`0.0` cannot be used for the price of ETH"),
        (lambda t, c: put(c, (7, 0), -3.0), "`-3.0` cannot be used for the price of ETH"),
        (lambda t, c: put(c, (7, 0), math.inf), "`inf` cannot be used for the price of ETH"),
        (lambda t, c: put(t, 7, t[6]), "this day is there twice"),
        (lambda t, c: put(t, 7, t[5] - 1), "sort the days"),
        (lambda t, c: put(t, 300, t[300] + 86_400), "give every day"),
        (lambda t, c: t.pop(), "cannot be used for the shape of prices"),
    ],
)
def test_a_broken_history_is_refused_in_one_line(change, said):
    with pytest.raises(BadValue) as refused:
        fit(changed(change))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_thin_history_is_refused():
    with pytest.raises(BadValue, match=f"a fit needs {LEAST_DAYS} or more"):
        fit(prices(TRUE, days=LEAST_DAYS - 2))
    assert fit(prices(TRUE, days=LEAST_DAYS - 1)).model.names == TRUE.names


def test_real_prices_whose_likeliest_volatility_has_no_mean_get_their_history_s():
    """Of BTC and ETH likelihood alone finds alpha + beta of one or more; targeted, swings still cluster and fade."""
    whole = shipped().filled()
    found = fit(Prices(whole.names, whole.days, whole.prices))
    returns = daily(shipped())
    for each, name in enumerate(whole.names):
        assert f"{name} swings for too long" in found.notes[each]
        quiet = returns[~jump_days(returns[:, each]), each]
        assert abs(found.model.volatilities[each] / quiet.std() - 1) < 0.01
        assert 0.9 < found.model.alphas[each] + found.model.betas[each] < 0.999
    assert 3 < found.model.nu < 5


def test_a_targeted_fit_recovers_what_a_lasting_one_was_drawn_from():
    """Held at the sample's variance, the rest comes out beside the truth."""
    returns = np.empty((6_000, 2, 1))
    block_returns(TRUE, 5, 0, 1, 6_000, returns)
    for each in range(2):
        found = targeted(returns[:, each, 0])
        assert found.targeted
        assert abs(found.alpha - TRUE.alphas[each]) < 0.03
        assert abs(found.beta - TRUE.betas[each]) < 0.05
        assert 4.5 < found.nu < 8.5
        assert abs(found.residuals.std() - 1) < 0.03
