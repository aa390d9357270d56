"""A fitted model's paths promise nothing: at any volatility the expected price stays, but for the drift asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.treasury.martingale import LEAST_CUT, SCALES, Martingale, log_means
from simulations.treasury.paths import Drawn, Floats, Model, plain

WILD = replace(
    plain(("A", "B"), (0.04, 0.05)),
    drifts=(0.01, -0.01),
    volatilities_now=(0.08, 0.03),
    nu=3.0,
    alphas=(0.10, 0.05),
    betas=(0.85, 0.90),
    jump_intensities=(0.01, 0.02),
    jump_means=(-0.1, 0.05),
    jump_sizes=(0.1, 0.2),
    correlation=((1.0, 0.6), (0.6, 1.0)),
)
CALM = plain(("A", "B"), (0.04, 0.05), nu=4.0)
JUMPY = replace(WILD, alphas=(0.0, 0.0), betas=(0.0, 0.0))


def drawn(model: Model, count: int, days: int, seed: int = 1, first: int = 0, drift_bps: int = 0) -> Floats:
    out = np.empty((days, len(model.names), count))
    Martingale(model, seed, drift_bps).block_returns(first, count, days, out)
    return out


@pytest.mark.parametrize("model", [WILD, CALM, JUMPY], ids=["wild", "calm", "jumpy"])
@pytest.mark.parametrize("drift_bps", [0, 2_000])
def test_the_expected_price_is_todays_grown_by_the_drift(model: Model, drift_bps: int) -> None:
    """Within five standard errors on every tenth day; the model's own drifts, of 1 % a day, are gone."""
    paths, days = 20_000, 60
    prices = np.exp(drawn(model, paths, days, drift_bps=drift_bps).cumsum(axis=0))[9::10]
    errors = prices.std(axis=2, ddof=1) / np.sqrt(paths)
    wanted = (1 + drift_bps / 10_000) ** (np.arange(10, days + 1, 10) / 365)
    assert (abs(prices.mean(axis=2) - wanted[:, None]) < 5 * errors).all()


@settings(max_examples=15, deadline=None)
@given(nu=st.floats(2.1, 30), scale=st.floats(0.01, 0.5), cut=st.floats(0.5, 3.0))
def test_the_tabled_mean_is_the_integral(nu: float, scale: float, cut: float) -> None:
    """Against adaptive quadrature of the cut exponential over the density."""
    from scipy.integrate import quad
    from scipy.stats import t

    root = np.sqrt(nu / (nu - 2))
    edge = cut / scale
    inside, _ = quad(lambda x: np.exp(scale * x) * t.pdf(x * root, nu) * root, -edge, edge, limit=400, points=[0.0])
    beyond = t.sf(edge * root, nu) * (np.exp(cut) + np.exp(-cut))

    tabled = np.interp(scale, SCALES, log_means(plain(("A",), (scale,), nu=nu), 0, cut))
    assert tabled == pytest.approx(np.log(inside + beyond), abs=2e-3 * scale**2 + 1e-7)


def test_no_return_goes_beyond_the_cut_by_more_than_the_mean_taken_away() -> None:
    found = drawn(WILD, 4_000, 60)
    assert np.abs(found).max() <= LEAST_CUT + log_means(WILD, 0, LEAST_CUT).max()
    assert np.abs(found).max() > 0.9


def test_a_path_is_the_same_in_every_block_and_a_short_one_begins_a_long_one() -> None:
    whole = drawn(WILD, 300, 20)
    assert np.array_equal(drawn(WILD, 100, 20, first=150), whole[:, :, 150:250])
    assert np.array_equal(drawn(WILD, 300, 12), whole[:12])
    assert not np.array_equal(drawn(WILD, 300, 20, seed=2), whole)


def test_where_nothing_is_cut_it_is_the_models_own_paths_less_their_mean() -> None:
    """Quiet days of normal shocks: the log-normal's half variance, and nothing else, is taken away."""
    quiet = plain(("A",), (0.02,))
    own, found = np.empty((30, 1, 50)), drawn(quiet, 50, 30)
    Drawn(quiet, 1).block_returns(0, 50, 30, own)
    assert np.allclose(own - found, 0.02**2 / 2, atol=2e-7)
