"""Amounts, shares and durations are read exactly as written, and what is not exact is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import BadValue
from strongroom.model import Amount, TokenId
from strongroom.quantities import (
    format_bps,
    format_seconds,
    format_units,
    parse_amount,
    parse_bps,
    parse_seconds,
    parse_units,
    quantity,
)

USDC = TokenId("USDC")


@given(st.integers(0, 10**30), st.integers(0, 27))
def test_what_a_document_writes_reads_back_the_same(units: int, decimals: int) -> None:
    assert parse_units(quantity(units, decimals), decimals, "x") == units
    assert parse_units(format_units(units, decimals), max(decimals, 2), "x") == units * 10 ** (
        max(decimals, 2) - decimals
    )


@given(st.decimals(0, 10**12, places=6))
def test_a_number_means_what_decimal_arithmetic_says(number: Decimal) -> None:
    assert parse_units(f"{number:f}", 6, "x") == int(number * 10**6)


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e6", "1.", ".5", "0x10", "1 000", "\u0661", "1,5", "1,0000", "NaN", "1.0000001", "1,5.2.3"],
)
def test_what_is_no_plain_number_of_six_decimals_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="amount"):
        parse_units(text, 6, "amount")


def test_an_amount_names_a_listed_token() -> None:
    assert parse_amount("25_000.5 USDC", {USDC: 6}, "cap") == Amount(USDC, 25_000_500_000)
    with pytest.raises(BadValue, match="`USDC`"):
        parse_amount("25_000 usdc", {USDC: 6}, "cap")


@given(st.integers(0, 10_000))
def test_shares_round_trip(bps: int) -> None:
    assert parse_bps(format_bps(bps), "x") == bps


@pytest.mark.parametrize("text", ["1.5", "100.01 %", "0.001 %", "1 % of it", "-1 %"])
def test_a_share_is_a_percentage_up_to_a_hundred(text: str) -> None:
    with pytest.raises(BadValue, match="share"):
        parse_bps(text, "share")


@given(st.integers(1, 10**9))
def test_durations_round_trip(seconds: int) -> None:
    assert parse_seconds(format_seconds(seconds), "x") == seconds


@pytest.mark.parametrize("text", ["", "7", "0 days", "1.5 days", "-1 day", "1 month", "1 fortnight"])
def test_a_duration_has_a_fixed_length(text: str) -> None:
    with pytest.raises(BadValue, match="window"):
        parse_seconds(text, "window")
