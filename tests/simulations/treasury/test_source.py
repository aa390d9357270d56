"""Paths that are real days laid end to end, the same whatever block they are asked in."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.treasury.history import DAY_SECONDS, SHIPPED, History, daily, read_history, shipped
from simulations.treasury.source import Bootstrap
from strongroom.errors import BadValue
from strongroom.quantities import parse_day

RETURNS = np.random.Generator(np.random.Philox(key=1)).normal(0, 0.04, (60, 2))


@settings(max_examples=20)
@given(st.integers(0, 2**53), st.integers(0, 10**6), st.integers(1, 30))
def test_a_path_is_the_same_in_every_block(seed: int, first: int, count: int) -> None:
    source, whole = Bootstrap(RETURNS, seed), np.empty((25, 2, count))
    source.block_returns(first, count, 25, whole)
    one = np.empty((25, 2, 1))
    source.block_returns(first + count - 1, 1, 25, one)
    assert np.array_equal(one[:, :, 0], whole[:, :, -1])


def test_seeds_and_paths_differ() -> None:
    blocks = []
    for seed in (1, 2):
        out = np.empty((25, 2, 2))
        Bootstrap(RETURNS, seed).block_returns(0, 2, 25, out)
        blocks += [out[:, :, 0], out[:, :, 1]]
    assert len({block.tobytes() for block in blocks}) == 4


def test_every_day_drawn_is_a_real_one_and_no_stretch_crosses_a_gap() -> None:
    """Days are told by their own return; the one behind the gap is never drawn, nor does one follow over it."""
    real = np.arange(1.0, 41.0)[:, None] * 1e-3
    real[20] = np.nan
    source, out = Bootstrap(real, 3), np.empty((400, 1, 20))
    source.block_returns(0, 20, 400, out)
    drawn = np.rint((out - source._shift[0]) * 1e3).astype(int) - 1
    assert set(drawn.ravel().tolist()) <= set(range(40)) - {20}
    steps = np.diff(drawn[:, 0, :], axis=0)
    followed = drawn[:-1, 0, :][steps == 1]
    assert (steps == 1).mean() > 0.8
    assert len(followed)
    assert not ((drawn[:-1, 0, :] == 19) & (drawn[1:, 0, :] == 20)).any()


@pytest.mark.parametrize("drift_bps", [0, 2_000])
def test_the_expected_price_grows_by_the_drift_though_days_follow_each_other(drift_bps: int) -> None:
    """Days that trend: each half of the history leans one way. Within five standard errors after 200 days."""
    trending = RETURNS * 0.3 + np.where(np.arange(60) < 30, 0.02, -0.02)[:, None]
    source, out = Bootstrap(trending, 5, drift_bps=drift_bps), np.empty((200, 2, 20_000))
    source.block_returns(0, 20_000, 200, out)
    late = np.exp(out[50:].sum(axis=0)) * np.exp(out[:50].sum(axis=0))
    growth, error = late.mean(axis=1), late.std(axis=1) / 20_000**0.5
    wanted = (1 + drift_bps / 10_000) ** (200 / 365)
    # A few per cent belong to the first stretch alone, which the long run forgets.
    assert growth == pytest.approx(wanted, abs=float(5 * error.max()) + 0.03)
    # Setting one day's mean alone would have missed by far.
    naive = np.log1p(drift_bps / 10_000) / 365 - np.log(np.exp(trending).mean(axis=0))
    assert (np.abs(200 * (naive - source._shift)) > 0.2).all()


def test_the_shipped_prices_are_those_that_their_readme_names() -> None:
    data = files("simulations.data")
    told = data.joinpath("README.md").read_text("utf-8")
    assert hashlib.sha256(data.joinpath(SHIPPED).read_bytes()).hexdigest() in told
    history = shipped()
    assert history.names == ("BTC", "ETH")
    assert len(history.days) == 1_319
    assert (history.prices > 0).all()
    returns = history.log_returns()
    gaps = np.flatnonzero(np.isnan(returns).any(axis=1))
    assert [history.days[gap] for gap in gaps] == [parse_day("2019-03-19", "a day")]
    assert np.expm1(np.nanmin(returns[:, 1])) == pytest.approx(-0.2667, abs=1e-4)


def test_missing_days_stand_still_and_lose_nothing() -> None:
    history = shipped()
    filled = daily(history)
    assert len(filled) == (history.days[-1] - history.days[0]) // DAY_SECONDS
    whole = np.exp(filled.sum(axis=0))
    assert whole == pytest.approx(history.prices[-1] / history.prices[0])


def test_a_stretch_outside_the_history_is_refused_with_what_there_is() -> None:
    with pytest.raises(BadValue, match="the history has 2016-05-27 to 2020-01-17"):
        shipped().between(0, parse_day("2015-01-01", "a day"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`own.csv` cannot be used for daily prices"),
        ("day,A\n2020-01-01,1\n", "`own.csv` cannot be used for daily prices"),
        ("day,A,A\n2020-01-01,1,1\n2020-01-02,1,1\n", "`A,A` cannot be used for the first line of own.csv"),
        ("day,A\n2020-01-02,1\n2020-01-01,1\n", "`2020-01-01` cannot be used for line 3 of own.csv"),
        ("day,A\n2020-01-01,1\n2020-01-02,nan\n", "`nan` cannot be used for line 3 of own.csv"),
        ("day,A\n2020-01-01,1\n2020-01-02,-3\n", "`-3` cannot be used for line 3 of own.csv"),
        ("day,A\n2020-01-01,1\n2020-01-02,1,2\n", "`2020-01-02,1,2` cannot be used for line 3 of own.csv"),
        ("day,A\n2020-01-01,1\nyesterday,1\n", "`yesterday` cannot be used for line 3 of own.csv"),
    ],
)
def test_prices_that_cannot_be_used_are_named_by_their_line(text: str, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_history(text, "own.csv")
    assert str(refused.value).startswith(said)


def test_ones_own_prices_are_read() -> None:
    found = read_history("day,A,B\n2020-01-01,1,2\n2020-01-02,3,4e0\n", "own.csv")
    assert isinstance(found, History)
    assert found.names == ("A", "B")
    assert found.prices.tolist() == [[1, 2], [3, 4]]
