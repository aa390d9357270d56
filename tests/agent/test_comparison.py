"""Mined against rehearsed: every unit counts, except what a position at a lending market earns in the meantime."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.nodes.comparison import as_rehearsed
from policies.markets import ROUNDING_UNITS
from strongroom.model import Address, Delta, TokenId

SAFE, ALICE = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
USDC, SHARE = TokenId("USDC"), TokenId("USDC@aave")
YEAR = 365 * 86_400
UNITS = st.integers(-(10**15), 10**15)
POSITIONS = st.integers(0, 10**15)
SECONDS = st.integers(0, YEAR)


def test_the_same_deltas_in_any_order_are_as_rehearsed() -> None:
    deltas = (Delta(SAFE, USDC, -5), Delta(ALICE, USDC, 5), Delta(SAFE, SHARE, -5))
    assert as_rehearsed(deltas, deltas[::-1], SAFE, {SHARE: 10}, 0)


@given(UNITS, POSITIONS, SECONDS, st.integers(1, 10**6), st.integers(0, 10**6))
def test_interest_at_a_rate_that_markets_pay_is_as_rehearsed(
    units: int, position: int, seconds: int, rate_ppm: int, rounding: int
) -> None:
    """Up to a doubling in a year, in full; the market's own rounding on both measurements."""
    interest = position * rate_ppm * seconds // (10**6 * YEAR)
    off = rounding % (4 * ROUNDING_UNITS + 1) - 2 * ROUNDING_UNITS
    moved = (Delta(SAFE, SHARE, units + interest + off), Delta(SAFE, USDC, -units))
    assert as_rehearsed((Delta(SAFE, SHARE, units), Delta(SAFE, USDC, -units)), moved, SAFE, {SHARE: position}, seconds)


@given(UNITS, POSITIONS, SECONDS, st.integers(1, 10**12))
def test_more_than_interest_can_be_is_not_as_rehearsed(units: int, position: int, seconds: int, more: int) -> None:
    most = -(-position * seconds // YEAR) + 2 * ROUNDING_UNITS
    moved = [Delta(SAFE, SHARE, units + most + more)]
    assert not as_rehearsed([Delta(SAFE, SHARE, units)], moved, SAFE, {SHARE: position}, seconds)
    assert as_rehearsed(
        [Delta(SAFE, SHARE, units)], [Delta(SAFE, SHARE, units + most)], SAFE, {SHARE: position}, seconds
    )


@given(UNITS, POSITIONS, SECONDS, st.integers(2 * ROUNDING_UNITS + 1, 10**12))
def test_a_share_that_lost_more_than_rounding_is_not_as_rehearsed(
    units: int, position: int, seconds: int, less: int
) -> None:
    moved = [Delta(SAFE, SHARE, units - less)]
    assert not as_rehearsed([Delta(SAFE, SHARE, units)], moved, SAFE, {SHARE: position}, seconds)


@given(st.sampled_from([SAFE, ALICE]), UNITS, UNITS.filter(bool), SECONDS)
def test_any_other_balance_counts_to_the_last_unit(holder: Address, units: int, off: int, seconds: int) -> None:
    told, did = [Delta(holder, USDC, units)], [Delta(holder, USDC, units + off)]
    assert not as_rehearsed(told, did, SAFE, {SHARE: 10**18}, seconds)


@given(POSITIONS, SECONDS)
def test_a_payment_beside_a_position_is_as_rehearsed_while_the_position_earns(position: int, seconds: int) -> None:
    """The rehearsal knows of no change of the share at all."""
    paid = [Delta(SAFE, USDC, -5), Delta(ALICE, USDC, 5)]
    interest = position * seconds // YEAR // 20
    moved = [*paid, Delta(SAFE, SHARE, interest), Delta(ALICE, SHARE, 10**9)]
    assert as_rehearsed(paid, moved, SAFE, {SHARE: position}, seconds)
