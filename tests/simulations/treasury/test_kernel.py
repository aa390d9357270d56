"""The fused kernel does what a plain loop does on the same returns, and each path's outcome stands alone."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.treasury.kernel import Treasury, simulate
from simulations.treasury.paths import block_returns, plain
from simulations.treasury.workers import Task, processes, ray, run, spread, threads
from strongroom.errors import BadValue, ToolMissing

MODEL = plain(
    ("ETH", "GOV", "USDC"),
    (0.05, 0.08, 0.001),
    correlation=((1.0, 0.6, 0.0), (0.6, 1.0, 0.1), (0.0, 0.1, 1.0)),
    nu=4.0,
    jump_intensities=(0.01, 0.02, 0.0),
    jump_means=(-0.1, -0.2, 0.0),
    jump_sizes=(0.05, 0.1, 0.0),
)
TREASURY = Treasury((4e6, 3e6, 3e6), 2, 8e5, weights=(0.4, 0.3, 0.3), band_bps=300)
FIELDS = ("nav_usd", "drawdown", "unpaid_day", "ruin_day")


def bits(outcomes):
    return [getattr(outcomes, field).tobytes() for field in FIELDS]


def lived(treasury, returns):
    """One path's NAV, drawdown, first unpaid day and ruin day, told in plain Python; `returns` (days, assets)."""
    values, start = np.array(treasury.values_usd), sum(treasury.values_usd)
    peak, fall, unpaid, ruin = start, 0.0, 0, 0
    for day, row in enumerate(returns, 1):
        values = values * np.exp(row)
        if day % treasury.every_days == 0:
            values, paid = pay(treasury, values)
            unpaid = unpaid if paid or unpaid else day
        if treasury.weights is not None:
            values = rebalanced(treasury, values)
        peak = max(peak, values.sum())
        fall = max(fall, 1 - values.sum() / peak)
        ruin = day if not ruin and values.sum() <= treasury.floor_bps / 10_000 * start else ruin
    return values.sum(), fall, unpaid, ruin


def pay(treasury, values):
    if values.sum() < treasury.payment_usd:
        return np.zeros_like(values), False
    left = values.copy()
    left[treasury.stable] -= min(values[treasury.stable], treasury.payment_usd)
    rest = treasury.payment_usd - min(values[treasury.stable], treasury.payment_usd)
    return (left * (1 - rest / left.sum()) if rest else left), True


def rebalanced(treasury, values):
    off = np.abs(values - np.array(treasury.weights) * values.sum())
    if not off.max() > treasury.band_bps / 10_000 * values.sum():
        return values
    return np.array(treasury.weights) * (values.sum() - treasury.cost_bps / 10_000 * off.sum() / 2)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([None, (0.4, 0.3, 0.3), (0.0, 0.0, 1.0)]),
    st.integers(0, 2_000),
    st.integers(0, 300),
    st.floats(0, 3e6),
    st.integers(1, 40),
    st.integers(0, 2**64 - 1),
)
def test_each_path_is_what_a_plain_loop_makes_of_its_returns(weights, band, cost, payment, every, seed):
    treasury = Treasury((4e6, 3e6, 3e6), 2, payment, every, weights, band, cost)
    returns = np.empty((90, 3, 12))
    block_returns(MODEL, seed, 0, 12, 90, returns)
    found = simulate(MODEL, treasury, seed, 12, 90)
    for path in range(12):
        nav, fall, unpaid, ruin = lived(treasury, returns[:, :, path])
        assert found.nav_usd[path] == pytest.approx(nav, rel=1e-9, abs=1e-3)
        assert found.drawdown[path] == pytest.approx(fall, rel=1e-9, abs=1e-9)
        assert (found.unpaid_day[path], found.ruin_day[path]) == (unpaid, ruin)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 3))
def test_the_same_bits_for_any_parts_and_threads(paths, parts, count):
    whole = Task(MODEL, TREASURY, 5, 0, paths, 40)
    assert bits(spread(whole, parts, threads(count))) == bits(run(whole))


def test_the_same_bits_from_processes():
    whole = Task(MODEL, TREASURY, 5, 100, 300, 40)
    assert bits(spread(whole, 2, processes(2))) == bits(run(whole))


def test_ray_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ToolMissing, match=r"`ray` is not installed; pip install 'strongroom\[ray\]'"):
        ray()


def test_without_risk_the_treasury_is_arithmetic():
    """Ten payments of a tenth: the tenth is made in full, the eleventh not; ruin is the day of the ninth."""
    still = plain(("USDC",), (0.0,))
    found = simulate(still, Treasury((1_000.0,), 0, 100.0), 1, 3, 365)
    assert found.unpaid_day.tolist() == [330] * 3
    assert found.runway_days.tolist() == [330] * 3
    assert found.ruin_day.tolist() == [270] * 3
    assert found.drawdown.tolist() == [1.0] * 3
    assert simulate(still, Treasury((1_000.0,), 0, 1.0), 1, 1, 365).runway_days.tolist() == [365]


def test_more_payment_never_leaves_more():
    less, more = (simulate(MODEL, replace(TREASURY, weights=None, payment_usd=usd), 1, 500, 200) for usd in (2e5, 3e5))
    assert (more.nav_usd <= less.nav_usd * (1 + 1e-12)).all()
    assert (more.runway_days <= less.runway_days).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"values_usd": (0.0, 0.0, 0.0)}, "at least one asset above zero"),
        ({"values_usd": (float("nan"), 1.0, 1.0)}, "`nan` cannot be used for USD"),
        ({"payment_usd": -1.0}, "`-1.0` cannot be used for USD"),
        ({"payment_usd": float("inf")}, "`inf` cannot be used for USD"),
        ({"stable": 3}, "`3` cannot be used for the asset that pays"),
        ({"every_days": 0}, "`0` cannot be used for days between payments"),
        ({"weights": (0.5, 0.5)}, "give one from 0 to 1"),
        ({"weights": (0.5, 0.5, 0.5)}, "`1.5` cannot be used for the sum of weights"),
        ({"band_bps": 10_001}, "`10001` cannot be used for basis points"),
    ],
)
def test_what_is_no_treasury_is_refused_in_one_line(given, said):
    with pytest.raises(BadValue) as refused:
        replace(TREASURY, **given)
    assert said in str(refused.value)


def test_what_cannot_be_simulated_is_refused():
    for paths, days, treasury in ((0, 10, TREASURY), (10, 0, TREASURY), (10, 10, Treasury((1.0,), 0, 0.0))):
        with pytest.raises(BadValue):
            simulate(MODEL, treasury, 1, paths, days)
        with pytest.raises(BadValue):
            spread(Task(MODEL, treasury, 1, 0, paths, days), 2, threads(1))
    with pytest.raises(BadValue):
        spread(Task(MODEL, TREASURY, 1, 0, 10, 10), 0, threads(1))
