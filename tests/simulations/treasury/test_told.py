"""What a story says of a day is what happened on it, and holding is holding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.forecasting import Terms
from simulations.treasury.book import ASK, DENY, Book, Calendar
from simulations.treasury.conditions import Conditions
from simulations.treasury.history import hold
from simulations.treasury.stepping import walk
from simulations.treasury.story import Event, events
from strongroom.model import Idle
from tests.simulations.treasury import dao

DEAR = Conditions(base_fee_wei=151 * 10**9)


def told(book: Book, course: dict[int, Conditions], days: int = 10) -> list[Event]:
    """Paydays are the first and the third day."""
    calendar = Calendar(dao.NEW_YEAR, tuple(day in (0, 2) for day in range(days)), (False,) * days, (False,) * days)
    return list(events(book, walk(book, calendar, np.zeros((days, 2, 1)), course)))


def test_two_months_that_waited_are_paid_on_two_days_and_neither_is_called_unsigned() -> None:
    assert told(dao.book(), dict.fromkeys(range(5), DEAR)) == [Event(day, "pay", verdict="allow") for day in (5, 6)]


@pytest.mark.parametrize(("verdict", "said"), [(ASK, "ask"), (DENY, "deny")])
def test_a_payroll_that_waits_says_for_what(verdict: int, said: str) -> None:
    """For a signature, or for another policy: no guardian can sign what is denied."""
    book = replace(dao.book(Terms(guardians_sign=False)), payroll_verdict=verdict)
    waits = [Event(day, "unsigned", verdict=said, made=False) for day in range(3)]
    assert told(book, {}, 3) == waits
    paid = Event(0, "pay", verdict="ask")
    assert told(replace(book, guardians_sign=True), {}, 1) == [paid if verdict == ASK else waits[0]]


def test_holding_lends_nothing() -> None:
    """What lies at a market stays there, and a payment may take it back."""
    lending = replace(
        dao.MANDATE, idle={dao.USDC: Idle(dao.units(dao.USDC, 20_000), "aave", dao.units(dao.USDC, 5_000))}
    )
    book = dao.book(Terms(rate_bps=0), mandate=lending)
    calendar = Calendar(dao.NEW_YEAR, (True,) + (False,) * 9, (True,) * 10, (True,) * 10)
    lent = [acts.lent.any() for of in (book, hold(book)) for _, acts in walk(of, calendar, np.zeros((10, 2, 1)), {})]
    assert any(lent[:10]) and not any(lent[10:])
