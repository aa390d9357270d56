"""The day of a treasury: nothing is made or lost unaccounted, payments come first, a pause moves nothing."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.forecasting import Terms
from simulations.treasury import forecast as forecasting
from simulations.treasury.book import Book, Flow
from simulations.treasury.conditions import Conditions
from simulations.treasury.forecast import forecast
from simulations.treasury.history import hold
from simulations.treasury.source import Bootstrap, Fixed, Floats
from simulations.treasury.state import State
from simulations.treasury.stepping import walk
from strongroom.errors import BadValue
from strongroom.model import Idle
from tests.simulations.treasury import dao

PATHS = 12
LENDING = replace(dao.MANDATE, idle={dao.USDC: Idle(dao.units(dao.USDC, 20_000), "aave", dao.units(dao.USDC, 5_000))})


def still(days: int, paths: int = 1) -> Floats:
    return np.zeros((days, 2, paths))


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([10**15, 10**16]), st.integers(0, 40))
def test_every_dollar_is_accounted_for_on_every_day(seed: int, sign: bool, depth: int, due: int) -> None:
    """What is worth less than yesterday's tokens at today's prices was paid or lost by swaps; nothing is ever below
    zero, and whatever is lent or traded stays the treasury's."""
    flows = (Flow(due, dao.USDC, dao.units(dao.USDC, 9_000)), Flow(due, dao.DAI, -dao.units(dao.DAI, 50_000)))
    book = dao.book(Terms(depth_e8=depth, guardians_sign=sign, rate_bps=0, flows=flows), mandate=LENDING)
    held = None
    for state, acts in walk(book, dao.calendar(60), dao.returns(seed, 60, PATHS), {}):
        assert (state.liquid >= -1e-9).all()
        assert (state.lent >= -1e-9).all()
        if held is not None:
            before = np.einsum("ak,ak->k", held, state.prices)
            expected = before + acts.received - acts.spent - acts.cost
            assert state.nav == pytest.approx(expected, rel=1e-12)
        held = state.held


def states(book: Book, returns: Floats, course: dict[int, Conditions] | None = None) -> list[State]:
    days, _, _ = returns.shape
    return [state for state, _ in walk(book, dao.calendar(days), returns, course or {})]


def test_the_watch_pauses_at_its_floor_and_nothing_moves_until_the_pause_is_over() -> None:
    """Then payroll that fell due meanwhile is paid first, and the mark is what is left."""
    book = dao.book(Terms(resume_days=7, rate_bps=0))
    fall = still(45)
    fall[28] = np.log(0.6)
    days = list(walk(book, dao.calendar(45), fall, {}))
    paused = [state.day - 1 for state, acts in days if acts.paused[0]]
    assert paused == list(range(28, 35))
    assert 31 in paused
    first, last = days[28][0], days[34][0]
    assert np.array_equal(first.held, last.held)
    assert days[35][1].paid[0]
    resumed = days[35][0]
    watched = np.array([asset.watched for asset in book.assets])
    worth_then = float((days[34][0].held * resumed.prices)[watched].sum())
    assert resumed.mark[0] == pytest.approx(worth_then)


def test_a_fall_just_above_the_floor_does_not_pause_and_a_payment_is_no_fall() -> None:
    """Ether is two thirds of what is watched: it may fall by not quite 15 %."""
    book = dao.book(Terms(rate_bps=0))
    watched = sum(asset.value_usd for asset in book.assets if asset.watched)
    ether = sum(asset.value_usd for asset in book.assets if asset.series is not None)
    floor = 1 - 0.1 * watched / ether
    for share, pauses in ((floor + 1e-6, False), (floor - 1e-6, True)):
        moves = still(40)
        moves[39] = np.log(share)
        assert bool(states(_untraded(book), moves)[-1].paused_until[0] > 0) is pauses


def _untraded(book: Book) -> Book:
    return replace(hold(book), drawdown_bps=book.drawdown_bps)


def test_what_arrives_and_what_is_due_follow_the_schedule() -> None:
    flows = (Flow(3, dao.USDC, 10**9), Flow(5, dao.DAI, -(10**20)), Flow(6, dao.HALL, 7 * 10**18))
    days = states(hold(dao.book(Terms(flows=flows, rate_bps=0))), still(8))
    usdc, dai, hall = 1, 2, 4
    assert days[3].held[usdc, 0] - days[2].held[usdc, 0] == pytest.approx(1_000)
    assert days[5].held[dai, 0] - days[4].held[dai, 0] == pytest.approx(-100)
    assert days[6].held[hall, 0] - days[5].held[hall, 0] == pytest.approx(7)


def test_a_payroll_that_is_not_covered_pays_nobody_and_is_paid_once_it_is() -> None:
    """Half of a payroll pays nobody: the DAI that is there stays too."""
    book = hold(dao.book())
    usdc = book.place(dao.USDC)
    poor = replace(book.assets[usdc], units=1_000 * 10**6)
    assets = tuple(poor if asset.token == dao.USDC else asset for asset in book.assets)
    late = Flow(35, dao.USDC, 40_000 * 10**6)
    days = list(walk(replace(book, assets=assets, flows=(late,)), dao.calendar(50), still(50), {}))
    short = [state.day - 1 for state, acts in days if acts.short[0]]
    paid = [state.day - 1 for state, acts in days if acts.paid[0]]
    # 1 January itself is a payday, and 1 February makes it two months.
    assert short == [*range(35), *range(36, 50)]
    assert paid == [35]
    assert days[34][0].held[2, 0] == days[0][0].held[2, 0]


def test_a_price_of_gas_above_the_policys_and_a_frozen_feed_hold_up_what_they_must() -> None:
    """Dear gas holds up all; a stale price holds up swaps and blinds the watch, and pays people all the same."""
    book, dear = dao.book(), Conditions(base_fee_wei=151 * 10**9)
    days = list(walk(book, dao.calendar(10), still(10), dict.fromkeys(range(5), dear)))
    assert [bool(acts.paid[0]) for _, acts in days[:6]] == [False] * 5 + [True]
    frozen = {day: Conditions({dao.WETH: 0.5, dao.ETH: 0.5} if not day else {}, frozen=True) for day in range(8)}
    days = list(walk(book, dao.calendar(10), still(10), frozen))
    assert days[0][1].paid[0]
    assert not any(acts.trades for _, acts in days[:8])
    assert [bool(acts.paused[0]) for _, acts in days] == [False] * 8 + [True] * 2


def test_what_guardians_do_not_sign_does_not_move() -> None:
    """All that moves then are what the agent may move alone: never more than its bucket in a window."""
    book = dao.book(Terms(guardians_sign=False), dao.looser(dao.POLICY))
    sold = np.zeros((60, PATHS))
    for state, acts in walk(book, dao.calendar(60), dao.returns(5, 60, PATHS), {}):
        for trade in acts.trades:
            assert not (trade.made & (trade.verdict != 0)).any()
            of_ether = trade.made & (trade.token_in == 0)
            sold[state.day - 1] += np.where(of_ether, trade.tokens, 0.0)
    weekly = np.array([sold[day : day + 7].sum(axis=0) for day in range(54)])
    assert sold.any()
    assert weekly.max() <= 4 * 60


def test_the_result_is_the_same_for_any_size_of_block(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Bootstrap(np.random.Generator(np.random.Philox(key=3)).normal(0, 0.05, (90, 2)), 9)
    whole = forecast(dao.book(), dao.calendar(40), source, 2, 50).outcomes
    monkeypatch.setattr(forecasting, "BLOCK", 17)
    parts = forecast(dao.book(), dao.calendar(40), source, 2, 50).outcomes
    for field in fields(whole):
        assert np.array_equal(getattr(whole, field.name), getattr(parts, field.name)), field.name


def test_no_return_that_is_no_number_is_walked() -> None:
    bad = still(3)
    bad[1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        states(dao.book(), bad)


def test_a_source_of_one_path_gives_it_to_all_and_no_more_days_than_it_has() -> None:
    source, out = Fixed(np.arange(6.0).reshape(3, 2)), np.empty((3, 2, 4))
    source.block_returns(0, 4, 3, out)
    assert (out == np.arange(6.0).reshape(3, 2, 1)).all()
    with pytest.raises(ValueError, match="4 days asked"):
        source.block_returns(0, 4, 4, np.empty((4, 2, 4)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resume_days": 0}, "`0` cannot be used for the days until a pause ends"),
        ({"flows": (Flow(0, dao.USDC.__class__("NOPE"), 1),)}, "`NOPE` cannot be used for a token"),
    ],
)
def test_a_book_that_no_treasury_has_is_refused_in_one_line(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadValue) as refused:
        replace(dao.book(), **changes)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
