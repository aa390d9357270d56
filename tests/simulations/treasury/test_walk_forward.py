"""Forecasts of the past are placed by what came: those of a right model evenly, those of a calm one too low."""

from __future__ import annotations

import numpy as np
import pytest

from bench.walk_forward import days, fitted
from simulations.treasury.history import daily, shipped
from simulations.treasury.paths import Drawn, block_returns, plain
from simulations.treasury.walk_forward import exceedances, walk_forward

TRUE = plain(("ETH", "GOV"), (0.04, 0.06), nu=4.0)
CALM = plain(("ETH", "GOV"), (0.02, 0.03), nu=4.0)


@pytest.fixture(scope="module")
def came():
    out = np.empty((3_000, 2, 1))
    block_returns(TRUE, 3, 0, 1, 3_000, out)
    return out[:, :, 0]


def shares(came, model):
    return walk_forward(came, range(0, 2_990, 10), 10, lambda past: Drawn(model, 8), paths=500)


def test_a_right_model_is_exceeded_as_often_as_it_says(came):
    found = shares(came, TRUE)
    assert (np.abs(found.mean(axis=0) - 0.5) < 4 / np.sqrt(12 * len(found))).all()
    assert all(exceedances(column, level).holds for column in found.T for level in (0.01, 0.05, 0.25))


def test_a_model_of_half_the_volatility_is_found_out(came):
    assert not any(exceedances(column, level).holds for column in shares(came, CALM).T for level in (0.01, 0.05, 0.25))


def test_a_forecast_sees_no_day_after_its_start(came):
    seen = []

    def made(past):
        seen.append(past)
        return Drawn(TRUE, 1)

    walk_forward(came, (5, 2_000), 10, made, paths=10)
    assert [len(past) for past in seen] == [5, 2_000]
    assert all((past == came[: len(past)]).all() for past in seen)


def test_a_start_with_too_few_days_behind_it_is_refused(came):
    with pytest.raises(ValueError, match="9 days follow day 2991, not 10"):
        walk_forward(came, (2_991,), 10, lambda past: Drawn(TRUE, 1))


@pytest.mark.parametrize("made", [fitted, days])
def test_real_prices_fell_below_each_forecast_as_seldom_as_it_said(made):
    """A sample of the bench's windows: both ways to draw, BTC and ETH from 2017 on, five days long."""
    returns = daily(shipped())
    found = walk_forward(returns, range(300, len(returns) - 5, 20), 5, made, paths=1_000)
    assert all(exceedances(column, level).holds for column in found.T for level in (0.01, 0.05))
