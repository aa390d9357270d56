"""A schedule weighs no more than any other on a grid, heals as it says, and swings as the price does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.slicing import HOURS_A_YEAR, Market, Wishes, best_schedule, evaluate, frontier
from strongroom.errors import BadValue

UNITS, WORTH, STEPS = 10**20, 150_000.0, 128


def market(impact: float = 0.02, volatility: float = 1.0, half_life: float = 600.0, gas: float = 5.0) -> Market:
    """A constant product in which the whole order at once loses about the share `impact`."""
    parts = (step / STEPS for step in range(STEPS + 1))
    depth = tuple(WORTH * part / (1 + impact * part) for part in parts)
    return Market(UNITS, depth, WORTH, volatility, half_life, gas)


markets = st.builds(
    market,
    st.floats(1e-4, 0.5),
    st.floats(0, 3),
    st.floats(60, 7_200),
    st.floats(0, 200),
)
wishes = st.builds(Wishes, st.floats(0, 1_000), st.just(1), st.integers(1, 6), st.integers(0, 43_200))


def best(on: Market, wished: Wishes):
    return best_schedule(frontier(on, wished), wished.risk_aversion)


@settings(max_examples=40)
@given(markets, wishes)
def test_every_schedule_sells_the_order_whole_and_within_its_time(on, wished):
    for each in frontier(on, wished):
        assert sum(clip.units for clip in each.clips) == on.units and all(clip.units > 0 for clip in each.clips)
        times = [clip.after_seconds for clip in each.clips]
        assert times == sorted(set(times)) and times[-1] <= wished.most_seconds
        assert len(each.clips) <= wished.most_clips
        assert each.spread_bps >= 0 and each.gas_bps == pytest.approx(on.clip_cost * len(times) / WORTH * 1e4)


@pytest.mark.parametrize("aversion", [0.0, 5.0, 200.0])
@pytest.mark.parametrize("impact", [0.002, 0.05])
@pytest.mark.parametrize("count", [2, 3])
def test_no_schedule_on_a_grid_weighs_less(impact, aversion, count):
    """Every twentieth of the order to every clip, at pauses of every five minutes."""
    on, wished = market(impact), Wishes(aversion, count, count, 3 * 3_600)
    found = best(on, wished)
    rows = [row for row in product(range(21), repeat=count) if sum(row) == 20]
    shares = np.array(rows) / 20
    for pause in range(300, wished.most_seconds // (count - 1) + 1, 300):
        output, variance = evaluate(on, shares, np.full(len(rows), float(pause)))
        weighed = (1 - output + aversion * variance) * 1e4 + found.gas_bps
        assert found.weighed(aversion) <= weighed.min() + 0.01


@settings(max_examples=30)
@given(st.floats(1e-4, 0.5), st.floats(0, 100), st.integers(1, 30))
def test_more_clips_cost_no_more_where_gas_is_free_and_nothing_is_risked(impact, aversion, parts):
    """Of a time that so many pauses of whole minutes fill."""
    calm = frontier(market(impact, volatility=0.0, gas=0.0), Wishes(aversion, 1, 5, parts * 720))
    costs = [each.cost_bps for each in calm]
    assert all(later <= sooner + 0.01 for sooner, later in pairwise(costs))


@settings(max_examples=30)
@given(st.floats(1e-3, 0.5), st.floats(0, 50), st.floats(60, 3_000), st.floats(1.1, 10))
def test_pools_that_recover_slower_and_prices_that_swing_more_are_no_advantage(impact, aversion, half_life, factor):
    on, wished = market(impact, half_life=half_life), Wishes(aversion, 1, 4, 3 * 3_600)
    weight = best(on, wished).weighed(aversion)
    for worse in (replace(on, half_life_seconds=half_life * factor), replace(on, volatility=factor)):
        # To a tenth of a basis point: pauses are whole minutes, and the search takes steps.
        assert best(worse, wished).weighed(aversion) >= weight - 0.1


def test_clips_without_recovery_give_what_one_order_gives_and_far_apart_each_starts_afresh():
    on, shares = market(0.05), np.full((1, 4), 0.25)
    slow, _ = evaluate(replace(on, half_life_seconds=1e12), shares, np.array([60.0]))
    assert slow[0] == pytest.approx(on.given[-1] / WORTH, abs=1e-9)
    fast, _ = evaluate(replace(on, half_life_seconds=1.0), shares, np.array([3_600.0]))
    assert fast[0] == pytest.approx(4 * on.given[STEPS // 4] / WORTH, abs=1e-9)


def test_without_swings_gas_alone_limits_the_clips():
    calm = market(0.05, volatility=0.0, gas=0.0)
    assert len(best(calm, Wishes(10.0, 1, 12, 6 * 3_600)).clips) == 12
    counts = [
        len(best(replace(calm, clip_cost=gas), Wishes(10.0, 1, 12, 6 * 3_600)).clips) for gas in (1, 100, 1_000, 10_000)
    ]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 1 < counts[0]


def test_whoever_bears_no_swing_at_all_sells_at_once():
    averse = Wishes(inf, 1, 12, 6 * 3_600)
    found = best(market(0.05), averse)
    assert len(found.clips) == 1 and found.spread_bps == 0
    assert len(best(market(0.05, volatility=0.0, gas=0.0), averse).clips) == 12


def test_the_more_averse_the_narrower_and_dearer():
    found = [best(market(0.03), Wishes(aversion, 1, 8, 6 * 3_600)) for aversion in (0.0, 1.0, 10.0, 100.0, 1_000.0)]
    spreads, costs = [each.spread_bps for each in found], [each.cost_bps for each in found]
    assert spreads == sorted(spreads, reverse=True) and costs == sorted(costs)
    assert spreads[0] > 4 * spreads[-1]


def test_the_spread_is_that_of_simulated_prices():
    """A hundred thousand log-normal paths without drift, seeded: the mean output and its deviation."""
    on, wished = market(0.03), Wishes(3.0, 3, 3, 24 * 3_600)
    found = best(on, wished)
    shares = np.array([[clip.units / UNITS for clip in found.clips]])
    pause = found.clips[1].after_seconds
    sure = [evaluate(on, shares[:, :place], np.array([float(pause)]))[0][0] for place in (1, 2, 3)]
    gives = np.diff([0.0, *sure])
    variance = on.volatility**2 * pause / (HOURS_A_YEAR * 3_600)
    steps = np.random.default_rng(7).normal(-variance / 2, sqrt(variance), (100_000, 2))
    prices = np.exp(np.cumsum(steps, axis=1))
    outputs = gives[0] + prices @ gives[1:]
    assert outputs.std() * 1e4 == pytest.approx(found.spread_bps, rel=0.01)
    assert (1 - outputs.mean()) * 1e4 + found.gas_bps == pytest.approx(found.cost_bps, abs=4 * found.spread_bps / 316)


@pytest.mark.parametrize(
    ("on", "wished", "said"),
    [
        (replace(market(), units=0), Wishes(1, 1, 3, 60), "sell more than nothing"),
        (market(volatility=-0.1), Wishes(1, 1, 3, 60), "0 to 1,000 %"),
        (market(volatility=float("nan")), Wishes(1, 1, 3, 60), "`nan` cannot be used for the volatility"),
        (market(half_life=0), Wishes(1, 1, 3, 60), "the half-life"),
        (market(gas=inf), Wishes(1, 1, 3, 60), "the gas of a clip"),
        (market(), Wishes(float("nan"), 1, 3, 60), "the risk aversion"),
        (market(), Wishes(1, 4, 3, 60), "give 1 to 48"),
        (market(), Wishes(1, 1, 3, -1), "at most a week"),
    ],
)
def test_what_is_no_market_is_refused_by_name(on, wished, said):
    with pytest.raises(BadValue, match=said):
        frontier(on, wished)


@settings(max_examples=25)
@given(markets, st.floats(0, 1_000), st.integers(1, 6), st.integers(60, 7_200))
def test_where_the_pause_is_given_only_the_sizes_are_sought(on, aversion, clips, pause):
    """Clips lie so far apart, or a multiple where one of nothing is left out; equal ones never weigh less."""
    for found in frontier(on, Wishes(aversion, 1, clips, (clips - 1) * pause, pause)):
        assert sum(clip.units for clip in found.clips) == on.units
        assert all(clip.after_seconds % pause == 0 for clip in found.clips)
        count = len(found.clips)
        output, variance = evaluate(on, np.full((1, count), 1 / count), np.array([float(pause)]))
        if found.seconds == (count - 1) * pause:
            assert found.weighed(aversion) <= (1 - output[0] + aversion * variance[0]) * 1e4 + found.gas_bps + 0.01


def test_a_pause_of_less_than_a_minute_is_refused():
    with pytest.raises(BadValue, match="the pause"):
        frontier(market(), Wishes(1.0, 1, 2, 600, 59))
