"""A path is the same in whatever block it is drawn, and paths have the moments that their model says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulations.treasury.paths import Drawn, block_returns, plain
from strongroom.errors import BadValue

PAIR = ((1.0, 0.6), (0.6, 1.0))
RICH = plain(
    ("ETH", "GOV"),
    (0.04, 0.07),
    correlation=PAIR,
    nu=4.0,
    drifts=(0.001, -0.002),
    alphas=(0.1, 0.05),
    betas=(0.85, 0.9),
    jump_intensities=(0.02, 0.05),
    jump_means=(-0.1, -0.2),
    jump_sizes=(0.05, 0.1),
)


def returns(model, seed=1, first=0, count=4_000, days=20):
    out = np.empty((days, len(model.names), count))
    block_returns(model, seed, first, count, days, out)
    return out


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**63), st.integers(0, 2**40), st.integers(1, 300), st.integers(1, 12), st.data())
def test_a_path_s_bits_depend_on_nothing_but_model_seed_and_number(seed, first, count, days, data):
    """Not on the block it is in, nor on the horizon."""
    whole = returns(RICH, seed, first, count, days + 3)
    start = data.draw(st.integers(0, count - 1))
    part = returns(RICH, seed, first + start, count - start, days)
    assert whole[:days, :, start:].tobytes() == part.tobytes()


def test_moments_and_correlations_are_the_model_s():
    """Within four standard errors, of which normal shocks have these."""
    model = plain(("ETH", "GOV"), (0.04, 0.07), correlation=PAIR, drifts=(0.001, -0.002))
    found = returns(model).transpose(1, 0, 2).reshape(2, -1)
    size = found.shape[1]
    for row, drift, volatility in zip(found, model.drifts, model.volatilities, strict=True):
        assert abs(row.mean() - drift) < 4 * volatility / math.sqrt(size)
        assert abs(row.std() / volatility - 1) < 4 / math.sqrt(2 * size)
    assert abs(np.corrcoef(found)[0, 1] - 0.6) < 4 * (1 - 0.36) / math.sqrt(size)


def test_shocks_are_student_t_and_share_their_bad_days():
    model = replace(plain(("A", "B"), (0.05, 0.05)), nu=5.0)
    found = returns(model)
    scaled = found[:, 0].ravel() / 0.05 * math.sqrt(5 / 3)
    assert stats.kstest(scaled, stats.t(5).cdf).pvalue > 1e-4
    both = (np.abs(found) > 0.15).all(axis=1).mean()
    alone = (np.abs(found[:, 0]) > 0.15).mean()
    assert both > 3 * alone**2


def test_jumps_come_at_their_rate_together_and_in_their_size():
    model = plain(
        ("A", "B"), (0.0, 0.0), jump_intensities=(0.02, 0.05), jump_means=(-0.1, -0.3), jump_sizes=(0.05, 0.0)
    )
    one, other = returns(model)[:, 0].ravel(), returns(model)[:, 1].ravel()
    jumps = one[one != 0]
    assert abs(len(jumps) / len(one) - 0.02) < 4 * math.sqrt(0.02 / len(one))
    assert abs((other != 0).mean() - 0.05) < 4 * math.sqrt(0.05 / len(one))
    assert (other[one != 0] == -0.3).all()
    assert abs(jumps.mean() + 0.1) < 4 * 0.05 / math.sqrt(len(jumps))
    assert abs(jumps.std() / 0.05 - 1) < 4 / math.sqrt(2 * len(jumps))


def test_volatility_starts_as_today_s_and_returns_to_the_long_run_s():
    model = plain(("A",), (0.05,), volatilities_now=(0.10,), alphas=(0.05,), betas=(0.80,))
    found = returns(model, days=60, count=20_000)[:, 0]
    variance = 0.05**2 + (0.10**2 - 0.05**2) * 0.85 ** np.arange(60)
    assert np.abs((found**2).mean(axis=1) / variance - 1).max() < 0.08
    squares = found**2 - (found**2).mean(axis=1, keepdims=True)
    assert (squares[1:] * squares[:-1]).mean() > 0


def test_a_source_of_a_model_draws_the_same():
    out = np.empty((5, 2, 100))
    Drawn(RICH, 9).block_returns(3, 100, 5, out)
    assert (out == returns(RICH, 9, 3, 100, 5)).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nu": 2.0}, "`2.0` cannot be used for degrees of freedom"),
        ({"nu": math.nan}, "`nan` cannot be used for degrees of freedom"),
        ({"drifts": (math.nan, 0.0)}, "`nan` cannot be used for drifts of a model"),
        ({"volatilities": (-0.1, 0.1)}, "`-0.1` cannot be used for volatilities of a model"),
        ({"alphas": (0.5, 0.0), "betas": (0.5, 0.0)}, "`1.0` cannot be used for alpha"),
        ({"jump_sizes": (0.1,)}, "`1` cannot be used for how many jump sizes"),
        ({"correlation": ((1.0, 2.0), (2.0, 1.0))}, "no returns have these"),
        ({"correlation": ((1.0, 0.1), (0.2, 1.0))}, "symmetric"),
        ({"correlation": ((1.0,), (0.2, 1.0))}, "the shape of a correlation matrix"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(given, said):
    with pytest.raises(BadValue) as refused:
        replace(RICH, **given)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", [{"seed": -1}, {"seed": 2**64}, {"days": 0}, {"count": 0}, {"first": -1}])
def test_what_numbers_no_path_is_refused(given):
    with pytest.raises(BadValue):
        returns(RICH, **given)
