"""Each scenario does to the treasury what its line says, and nothing before its day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.forecasting import Terms
from simulations.treasury.forecast import forecast
from simulations.treasury.source import Bootstrap
from simulations.treasury.state import Acts, State
from simulations.treasury.stepping import walk
from simulations.treasury.story import Event, events
from simulations.treasury.stress import SCENARIOS, course, find, largest_stable
from strongroom.errors import BadValue
from strongroom.model import Idle
from tests.simulations.treasury import dao

DAY, DAYS = 9, 60
MANDATE = replace(dao.MANDATE, idle={dao.USDC: Idle(dao.units(dao.USDC, 100_000), "aave", dao.units(dao.USDC, 5_000))})
BOOK = dao.book(Terms(rate_bps=0), mandate=MANDATE)


def days(name: str) -> list[tuple[State, Acts]]:
    still = np.zeros((DAYS, 2, 1))
    return list(walk(BOOK, dao.calendar(DAYS), still, course(find(name), BOOK, DAY)))


def acts(name: str) -> tuple[Event, ...]:
    return tuple(event for event in events(BOOK, days(name)) if event.day >= DAY)


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_happens_before_its_day_and_something_on_it(name: str) -> None:
    calm = list(walk(BOOK, dao.calendar(DAYS), np.zeros((DAYS, 2, 1)), {}))
    found = days(name)
    for (one, _), (other, _) in zip(calm[:DAY], found[:DAY], strict=True):
        assert np.array_equal(one.held, other.held)
        assert np.array_equal(one.prices, other.prices)
    differs = [
        not (np.array_equal(one.held, other.held) and np.array_equal(one.prices, other.prices))
        for (one, _), (other, _) in zip(calm[DAY:], found[DAY:], strict=True)
    ]
    assert any(differs) or name == "gas_spike"


def test_a_crash_takes_its_share_of_what_is_volatile_and_trips_the_watch() -> None:
    volatile = sum(asset.value_usd for asset in BOOK.assets if asset.series is not None)
    for name, left in (("crash", 0.65), ("collapse", 0.30)):
        found = days(name)
        assert found[DAY][0].nav[0] - found[DAY - 1][0].nav[0] == pytest.approx(-volatile * (1 - left))
        assert acts(name)[0] == Event(DAY, "pause")


def test_a_depeg_ends_where_it_began_and_a_lost_stable_does_not() -> None:
    assert largest_stable(BOOK) == dao.USDC
    usdc = BOOK.place(dao.USDC)
    prices = [float(state.prices[usdc, 0]) for state, _ in days("depeg")]
    assert prices[DAY : DAY + 5] == pytest.approx([0.88] * 5)
    assert prices[DAY + 5 :] == pytest.approx([1.0] * (DAYS - DAY - 5))
    assert float(days("stable_lost")[-1][0].prices[usdc, 0]) == pytest.approx(0.10)


def test_when_pools_are_drained_the_policy_denies_what_it_would_have_let_pass() -> None:
    """A tenth of the depth is ten times the impact: more than the policy's 1 %."""
    crash, drained = ([each for each in acts(name) if each.kind == "swap"] for name in ("crash", "drained"))
    assert "deny" not in {each.verdict for each in crash}
    denied = [each for each in drained if each.verdict == "deny"]
    assert denied
    assert not any(each.made for each in denied)


def test_dear_gas_holds_up_a_payday_until_it_is_over() -> None:
    """The scenario is set upon the payday of 1 February."""
    still = np.zeros((DAYS, 2, 1))
    told = events(BOOK, walk(BOOK, dao.calendar(DAYS), still, course(find("gas_spike"), BOOK, 30)))
    assert [each.day for each in told if each.kind == "pay"] == [0, 30 + 14, 59]


def test_with_frozen_feeds_nothing_is_swapped_and_the_watch_sees_the_fall_only_after() -> None:
    found = acts("frozen")
    assert not [each for each in found if each.kind == "swap" and each.day < DAY + 14]
    assert next(each.day for each in found if each.kind == "pause") == DAY + 14


def test_an_insolvent_market_takes_half_of_what_is_lent_there() -> None:
    found = days("insolvent")
    before, after = found[DAY - 1][0], found[DAY][0]
    assert before.lent.sum() > 0
    lost = float((before.lent * before.prices).sum()) / 2
    assert before.nav[0] - after.nav[0] == pytest.approx(lost)


def test_a_scenario_is_compared_on_the_same_paths() -> None:
    """A crash can only make a path poorer in ether's own price: each path, not only their mean."""
    source = Bootstrap(np.random.Generator(np.random.Philox(key=2)).normal(0, 0.03, (90, 2)), 4)
    held = replace(BOOK, drawdown_bps=None, assets=tuple(replace(each, target_bps=None) for each in BOOK.assets))
    calm = forecast(held, dao.calendar(30), source, 2, 40).outcomes
    crash = forecast(held, dao.calendar(30), source, 2, 40, course(find("crash"), held, DAY)).outcomes
    assert (crash.nav < calm.nav).all()


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadValue, match="`boom` cannot be used for a scenario; name one of `crash`"):
        find("boom")
