"""What a forecast says at its edges: the first day, income, a payment that is covered to the last unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.treasury.book import Asset, Book, Calendar, Flow, Market, Meter
from simulations.treasury.forecast import Outcomes, forecast
from simulations.treasury.source import Fixed
from strongroom.model import TokenId

ETHER, DOLLAR = TokenId("WETH"), TokenId("USDC")
MARKET = Market(10**16, 100, 250_000, 10**10, 150 * 10**9)


def book(ether: int = 0, dollars: int = 0, payroll: int = 0, flows: tuple[Flow, ...] = ()) -> Book:
    """Whole ether at 3,000 USD, and units of a dollar; nothing is traded or watched."""
    assets = (
        Asset(ETHER, 18, ether * 10**18, 3_000 * 10**8, series=0),
        Asset(DOLLAR, 6, dollars, 10**8, payroll_units=payroll),
    )
    return Book(assets, {}, MARKET, 6, flows=flows)


def outcomes(of: Book, moves: dict[int, float], days: int, paydays: frozenset[int] = frozenset()) -> Outcomes:
    """On one path, on which ether's price is multiplied on some days."""
    calendar = Calendar(0, tuple(day in paydays for day in range(days)), (False,) * days, (False,) * days)
    returns = np.log([[moves.get(day, 1.0)] for day in range(days)])
    return forecast(of, calendar, Fixed(returns), 1, 1).outcomes


@given(st.integers(0, 9), st.floats(0.1, 1.0))
def test_a_fall_counts_from_the_start_whatever_day_it_comes(day: int, left: float) -> None:
    """What the treasury is worth before the first day is a peak like any other."""
    assert outcomes(book(ether=10), {day: left}, 10).drawdown[0] == pytest.approx(1 - left)


@given(st.integers(-9_000, 1_000_000), st.floats(0.1, 1.0))
def test_neither_income_nor_a_payment_makes_a_fall_larger_or_smaller(arrives: int, left: float) -> None:
    """Ten ether that halve have halved, whatever came before in ether or went."""
    flow = Flow(1, ETHER, arrives * 10**15)
    found = outcomes(book(ether=10, flows=(flow,)), {3: left}, 6)
    assert found.drawdown[0] == pytest.approx(1 - left)
    assert found.falls[-1, 0] == found.drawdown[0]


def test_a_treasury_that_paid_out_all_and_starts_again_has_not_fallen() -> None:
    flows = (Flow(1, ETHER, -10 * 10**18), Flow(4, DOLLAR, 7 * 10**12))
    assert outcomes(book(ether=10, flows=flows), {2: 0.5}, 8).drawdown[0] == 0.0


@given(st.integers(10**6, 10**12), st.integers(1, 36), st.booleans())
def test_what_is_covered_to_the_last_unit_is_paid(payroll: int, months: int, is_flow: bool) -> None:
    """So many months are held, so many are paid, none late; a cent less, and the last one is."""
    flows = tuple(Flow(day, DOLLAR, -payroll) for day in range(months)) if is_flow else ()
    for held, late in ((payroll * months, -1), (payroll * months - 10**4, months)):
        of = book(dollars=held, ether=1, payroll=0 if is_flow else payroll, flows=flows)
        found = outcomes(of, {}, months, frozenset() if is_flow else frozenset(range(months)))
        assert found.late_day[0] == late


@given(st.floats(0.1, 10.0), st.integers(10**15, 10**21))
def test_all_of_a_token_that_is_wanted_no_more_is_sold(moved: float, units: int) -> None:
    """A part in 10^16 more than is held is wanted on some prices: rounding denies no trade, and asks nobody."""
    swaps = Meter(10**24, 86_400, 10**24, 86_400, 10**24)
    assets = (
        Asset(ETHER, 18, units, 3_000 * 10**8, series=0, target_bps=0, band_bps=0, swaps=swaps),
        Asset(DOLLAR, 6, 10**9, 10**8, target_bps=10_000, band_bps=0, swaps=swaps),
    )
    of = Book(assets, {(0, 1): 500}, replace(MARKET, depth_e8=10**24), 6)
    calendar = Calendar(0, (False,), (True,), (False,))
    found = forecast(of, calendar, Fixed(np.log([[moved]])), 1, 1).outcomes
    assert (found.allowed[0], found.denied[0]) == (1, 0)


@pytest.mark.parametrize("fee_pips", [0, 50, 500, 10_000])
def test_a_trade_pays_the_fee_of_its_own_pair(fee_pips: int) -> None:
    """To a part of a basis point; a dear pool that trades something else does not matter."""
    swaps = Meter(10**24, 86_400, 10**24, 86_400, 10**24)
    assets = (
        Asset(ETHER, 18, 10**18, 3_000 * 10**8, series=0, target_bps=0, band_bps=0, swaps=swaps),
        Asset(DOLLAR, 6, 0, 10**8, target_bps=10_000, band_bps=0, swaps=swaps),
        Asset(TokenId("GOV"), 18, 0),
    )
    of = Book(
        assets, {(0, 1): fee_pips, (1, 2): 7, (0, 2): 30_000}, replace(MARKET, depth_e8=10**24, max_loss_bps=200), 6
    )
    found = forecast(of, Calendar(0, (False,), (True,), (False,)), Fixed(np.zeros((1, 1))), 1, 1).outcomes
    assert found.cost[0] == pytest.approx(3_000 * fee_pips / 10**6, abs=1e-6)
