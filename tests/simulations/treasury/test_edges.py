"""What a forecast says at its edges: the first day, income, a payment that is covered to the last unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.treasury.book import Asset, Book, Calendar, Flow, Market
from simulations.treasury.forecast import Outcomes, forecast
from simulations.treasury.source import Fixed
from strongroom.model import TokenId

ETHER, DOLLAR = TokenId("WETH"), TokenId("USDC")
MARKET = Market(10**16, 5, 100, 250_000, 10**10, 150 * 10**9)


def book(ether: int = 0, dollars: int = 0, payroll: int = 0, flows: tuple[Flow, ...] = ()) -> Book:
    """Whole ether at 3,000 USD, and units of a dollar; nothing is traded or watched."""
    assets = (
        Asset(ETHER, 18, ether * 10**18, 3_000 * 10**8, series=0),
        Asset(DOLLAR, 6, dollars, 10**8, payroll_units=payroll),
    )
    return Book(assets, frozenset(), MARKET, 6, flows=flows)


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
