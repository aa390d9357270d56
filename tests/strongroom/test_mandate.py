"""Payroll is due until the chain shows it, and runway counts the scarcest token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.mandate import monthly_need, payroll_due, runway_months
from strongroom.model import Address, Amount, Digest, Outflow, TokenId
from strongroom.settings import Mandate, Payment

USDC, DAI = TokenId("USDC"), TokenId("DAI")
ALICE, BOB = Address("0x" + "a1" * 20), Address("0x" + "b0" * 20)
BOOK = {"alice": ALICE, "bob": BOB}
MANDATE = Mandate((Payment("alice", Amount(USDC, 100)), Payment("bob", Amount(DAI, 7))), 6, {})
SINCE = 1_000


def out(token: TokenId, recipient: Address, units: int, timestamp: int = SINCE) -> Outflow:
    return Outflow(token, recipient, units, timestamp, Digest("0x" + "00" * 32))


def test_everything_is_due_in_a_month_without_outflows() -> None:
    assert payroll_due(MANDATE, BOOK, [], SINCE) == MANDATE.payroll


def test_a_payment_the_chain_shows_is_not_due_again() -> None:
    assert payroll_due(MANDATE, BOOK, [out(USDC, ALICE, 100)], SINCE) == MANDATE.payroll[1:]


@pytest.mark.parametrize(
    "outflow",
    [
        out(USDC, ALICE, 100, SINCE - 1),
        out(USDC, ALICE, 99),
        out(USDC, ALICE, 101),
        out(DAI, ALICE, 100),
        out(USDC, BOB, 100),
    ],
    ids=["last month", "less", "a bonus", "another token", "somebody else"],
)
def test_only_the_very_payment_of_this_month_counts(outflow: Outflow) -> None:
    assert payroll_due(MANDATE, BOOK, [outflow], SINCE) == MANDATE.payroll


def test_need_and_runway_count_the_scarcest_token() -> None:
    assert monthly_need(MANDATE) == {USDC: 100, DAI: 7}
    assert runway_months(MANDATE, {USDC: 1_000, DAI: 20}) == 2
    assert runway_months(MANDATE, {USDC: 1_000}) == 0


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_money_never_shortens_the_runway(usdc: int, dai: int) -> None:
    assert runway_months(MANDATE, {USDC: usdc, DAI: dai}) <= runway_months(MANDATE, {USDC: usdc + 1, DAI: dai + 1})


def test_a_runway_without_payroll_is_no_number() -> None:
    with pytest.raises(ValueError, match="no payroll"):
        runway_months(Mandate((), 6, {}), {})
