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
    format_day,
    format_seconds,
    format_units,
    parse_amount,
    parse_bps,
    parse_day,
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


ODD_TEXTS = st.text(alphabet="0123456789_,. %-+eE\u0661\u00b2dayshourUSDC\t\n", max_size=30)


@given(ODD_TEXTS)
def test_whatever_is_typed_is_read_or_refused_in_words(text: str) -> None:
    """No other exception, and what is read is a whole number that is not negative."""
    reads = (
        lambda: parse_units(text, 6, "it"),
        lambda: parse_amount(text, {USDC: 6}, "it").units,
        lambda: parse_bps(text, "it"),
        lambda: parse_seconds(text, "it"),
        lambda: parse_day(text, "it"),
    )
    for read in reads:
        try:
            assert read() >= 0
        except BadValue as refusal:
            assert "it" in str(refusal)


@pytest.mark.parametrize("digits", [79, 5_000])
def test_a_number_longer_than_any_on_chain_is_refused_in_words(digits: int) -> None:
    """Python's own limit is 4,300 digits, and no refusal of a document."""
    for read in (
        lambda text: parse_units(text, 6, "it"),
        lambda text: parse_bps(f"{text} %", "it"),
        lambda text: parse_seconds(f"{text} days", "it"),
    ):
        with pytest.raises(BadValue, match="at most 78 digits"):
            read("9" * digits)
    assert parse_units("9" * 78, 0, "it") == 10**78 - 1


@given(st.integers(0, 10**12), st.integers(0, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 10**n - 1))))
def test_every_spelling_of_a_number_is_the_same_number(whole: int, fraction: tuple[int, int]) -> None:
    places, rest = fraction
    tail = f".{rest:0{places}d}" if places else ""
    exact = whole * 10**6 + rest * 10 ** (6 - places)
    for text in (f"{whole}{tail}", f"{whole:_}{tail}", f"{whole:,}{tail}", f"  {whole}{tail} "):
        assert parse_units(text, 6, "it") == exact
        assert parse_amount(f"{text.strip()} USDC", {USDC: 6}, "it") == Amount(USDC, exact)


@given(
    st.integers(1, 10**6),
    st.sampled_from([("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400), ("week", 604_800)]),
)
def test_every_spelling_of_a_duration_is_the_same_time(count: int, unit: tuple[str, int]) -> None:
    name, size = unit
    for text in (f"{count} {name}s", f"{count} {name}", f"{count:_} {name}s", f" {count}{name}s "):
        assert parse_seconds(text, "it") == count * size


@pytest.mark.parametrize(
    ("text", "bps"), [("100 %", 10_000), ("100.00 %", 10_000), ("0.01%", 1), ("0 %", 0), ("99.99 %", 9_999)]
)
def test_a_share_is_exact_at_its_ends(text: str, bps: int) -> None:
    assert parse_bps(text, "it") == bps


@given(st.integers(0, 60_000))
def test_a_day_round_trips(days: int) -> None:
    assert parse_day(format_day(days * 86_400), "it") == days * 86_400
