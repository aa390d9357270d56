"""Payroll is due until the chain shows it, and runway counts the scarcest token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.mandate import (
    lending_wanted,
    monthly_need,
    payroll_due,
    runway_months,
    trades_wanted,
    withdrawals_needed,
)
from strongroom.model import Address, Amount, Digest, Idle, Outflow, TokenId
from strongroom.settings import Mandate, Payment, Weight
from strongroom.valuation import Price

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


WETH = TokenId("WETH")
WEIGHTED = Mandate((), 6, {WETH: Weight(6_000, 300), USDC: Weight(4_000, 300)})
DECIMALS = {WETH: 18, USDC: 6}
PAIRS = [frozenset((WETH, USDC)), frozenset((USDC, DAI))]
PRICES = {WETH: Price(3_000_00000000, 3_000_00000000), USDC: Price(1_00000000, 1_00000000)}


def held(weth: int, usdc: int) -> dict[TokenId, int]:
    return {WETH: weth, USDC: usdc}


def test_inside_the_band_nothing_is_traded_and_one_unit_outside_the_target_is_restored() -> None:
    """60 % of 10,000 USD in ether is 2 WETH; the band ends at 63 %."""
    inside = held(21 * 10**17, 3_700 * 10**6)
    assert trades_wanted(WEIGHTED, inside, DECIMALS, PRICES, PAIRS) == ()
    (trade,) = trades_wanted(WEIGHTED, inside | {WETH: 21 * 10**17 + 10**13}, DECIMALS, PRICES, PAIRS)
    assert (trade.token_in, trade.token_out) == (WETH, USDC)
    assert trade.units_in == pytest.approx(10**17, rel=1e-3)


@given(st.integers(10**15, 10**21), st.integers(10**6, 10**13))
def test_after_the_trades_every_weight_is_at_its_target(weth: int, usdc: int) -> None:
    """Executed at the price, the trades bring each token to its target, and sell only what there is."""
    balances = held(weth, usdc)
    for trade in trades_wanted(WEIGHTED, balances, DECIMALS, PRICES, PAIRS):
        assert 0 < trade.units_in <= balances[trade.token_in]
        value = trade.units_in * PRICES[trade.token_in].low_e8 // 10 ** DECIMALS[trade.token_in]
        balances[trade.token_in] -= trade.units_in
        balances[trade.token_out] += value * 10 ** DECIMALS[trade.token_out] // PRICES[trade.token_out].low_e8
    assert trades_wanted(WEIGHTED, balances, DECIMALS, PRICES, PAIRS) == ()


def test_a_shortfall_without_a_pair_of_its_own_is_filled_through_a_third_token() -> None:
    """Only WETH is over; DAI is bought with USDC, and WETH is sold for both."""
    mandate = Mandate((), 6, {WETH: Weight(4_000, 100), USDC: Weight(3_000, 100), DAI: Weight(3_000, 100)})
    decimals, prices = {**DECIMALS, DAI: 18}, {**PRICES, DAI: PRICES[USDC]}
    balances = {WETH: 10 * 10**18 // 3, USDC: 0, DAI: 0}
    trades = {(t.token_in, t.token_out): t.units_in for t in trades_wanted(mandate, balances, decimals, prices, PAIRS)}
    assert set(trades) == {(WETH, USDC), (USDC, DAI)}
    assert trades[WETH, USDC] == pytest.approx(2 * 10**18, rel=1e-6)
    assert trades[USDC, DAI] == pytest.approx(3_000 * 10**6, rel=1e-6)


def test_nothing_is_traded_where_no_pool_is_listed() -> None:
    assert trades_wanted(WEIGHTED, held(10**20, 0), DECIMALS, PRICES, []) == ()


UNITS = st.integers(0, 10**12)


@given(UNITS, UNITS, UNITS, st.integers(1, 10**9))
def test_lending_ends_at_what_is_kept_or_with_nothing_lent_and_small_differences_are_left(
    keep: int, liquid: int, lent: int, step: int
) -> None:
    wanted = lending_wanted(Idle(keep, "aave", step), liquid, lent)
    assert -lent <= wanted <= liquid
    if wanted == 0:
        assert abs(liquid - keep) < step or (liquid < keep and lent == 0)
    elif wanted > 0:
        assert liquid - wanted == keep
    else:
        assert liquid - wanted == keep or wanted == -lent


@given(UNITS, UNITS, UNITS, st.dictionaries(st.sampled_from("abc"), UNITS, max_size=3))
def test_what_is_taken_back_covers_what_is_missing_or_nothing_is(
    out: int, liquid: int, keep: int, lent: dict[str, int]
) -> None:
    taken = withdrawals_needed(out, liquid, keep, lent)
    assert all(0 < units <= lent[venue] for venue, units in taken)
    total = sum(units for _, units in taken)
    if out <= liquid or sum(lent.values()) < out - liquid:
        assert not taken
    else:
        assert out <= liquid + total <= out + keep
        assert liquid + total == out + keep or total == sum(lent.values())
