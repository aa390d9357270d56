"""Prices from raw rounds: each way a feed lies is found, and every rounding is against the treasury's optimism."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.model import Address, Round, TokenId
from strongroom.valuation import (
    BPS,
    E8,
    Bounds,
    Price,
    Problem,
    floor_units_up,
    nav_e8,
    price,
    value_e8_down,
    value_e8_up,
)

AT = 1_900_000_000
BOUNDS = Bounds(max_age_seconds=3_600, max_deviation_bps=100, min_sources=2)
ONE = Round(Address("0x1"), 8, 40, 3_000 * E8, AT - 60, AT - 60, 40)
TWO = Round(Address("0x2"), 8, 9, 3_010 * E8, AT - 90, AT - 90, 9)


def reason(*rounds: Round, bounds: Bounds = BOUNDS) -> str:
    found = price(rounds, AT, bounds)
    return found.reason if isinstance(found, Problem) else ""


def test_two_healthy_sources_give_the_range_they_span() -> None:
    assert price((ONE, TWO), AT, BOUNDS) == Price(3_000 * E8, 3_010 * E8)
    assert price((TWO, ONE), AT, BOUNDS) == Price(3_000 * E8, 3_010 * E8)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"answer": 0}, "answers `0`"),
        ({"answer": -1}, "answers `-1`"),
        ({"updated_at": AT - 3_601}, "3601 s old"),
        ({"updated_at": 0}, "not completed"),
        ({"answered_in_round": 39}, "old answer"),
        ({"updated_at": AT + 1}, "future"),
    ],
)
def test_each_failure_of_a_feed_is_found_wherever_it_stands(broken: dict[str, int], said: str) -> None:
    bad = replace(ONE, **broken)
    assert said in reason(bad, TWO)
    assert said in reason(TWO, bad)


def test_a_round_exactly_as_old_as_allowed_still_counts() -> None:
    assert not reason(replace(ONE, updated_at=AT - 3_600), TWO)


def test_a_round_of_this_very_second_counts() -> None:
    assert not reason(replace(ONE, updated_at=AT), TWO)


def test_a_missing_source_and_one_counted_twice_are_problems() -> None:
    assert "1 of 2" in reason(ONE)
    assert "0 of 2" in reason()
    assert "0 of 1" in reason(bounds=Bounds(1, 1, 0))
    assert "two sources" in reason(ONE, replace(ONE, round_id=41, answered_in_round=41))


def test_sources_may_differ_by_exactly_the_deviation_and_not_by_one_unit_more() -> None:
    highest = ONE.answer * (BPS + 100) // BPS
    assert not reason(ONE, replace(TWO, answer=highest))
    assert "bps apart" in reason(ONE, replace(TWO, answer=highest + 1))
    assert "101 bps apart" in reason(ONE, replace(TWO, answer=highest + 1))


def test_an_answer_too_small_for_the_scale_is_a_problem_instead_of_a_price_of_zero() -> None:
    tiny = replace(ONE, decimals=18, answer=1)
    assert "too small" in reason(tiny, replace(tiny, feed=Address("0x2")))


@settings(deadline=None)
@given(st.integers(1, 10**30), st.integers(0, 24))
def test_scaling_answers_never_narrows_the_range(answer: int, decimals: int) -> None:
    """low <= answer * 1e8 / 10^decimals <= high, and neither end is off by a whole unit."""
    one = replace(ONE, answer=answer, decimals=decimals)
    found = price((one, replace(one, feed=Address("0x2"))), AT, replace(BOUNDS, max_deviation_bps=BPS))
    exact = Fraction(answer * E8, 10**decimals)
    if isinstance(found, Problem):
        assert exact < 1
    else:
        assert found.low_e8 <= exact <= found.high_e8
        assert found.high_e8 - found.low_e8 <= 1


@settings(deadline=None)
@given(st.integers(0, 10**30), st.integers(0, 24), st.integers(1, 10**16))
def test_values_enclose_the_exact_value_within_one_unit(units: int, decimals: int, price_e8: int) -> None:
    exact = Fraction(units * price_e8, 10**decimals)
    assert exact - 1 < value_e8_down(units, decimals, price_e8) <= exact
    assert exact <= value_e8_up(units, decimals, price_e8) < exact + 1


@settings(deadline=None)
@given(
    st.integers(1, 10**27),
    st.sampled_from([6, 8, 18]),
    st.sampled_from([6, 8, 18]),
    st.tuples(st.integers(1, 10**13), st.integers(0, 10**12)),
    st.tuples(st.integers(1, 10**13), st.integers(0, 10**12)),
    st.integers(0, BPS - 1),
)
def test_the_floor_is_the_least_amount_that_loses_no_more_than_allowed(
    units: int, dec_in: int, dec_out: int, paid: tuple[int, int], got: tuple[int, int], loss_bps: int
) -> None:
    """Spend at the high price, receipt at the low one: the floor holds the loss, one unit less does not."""
    price_in, price_out = Price(paid[0], sum(paid)), Price(got[0], sum(got))
    floor = floor_units_up(units, dec_in, price_in, dec_out, price_out, loss_bps)
    least = Fraction(units * price_in.high_e8 * (BPS - loss_bps), 10**dec_in * BPS)

    def worth(out: int) -> Fraction:
        return Fraction(out * price_out.low_e8, 10**dec_out)

    assert worth(floor) >= least > worth(floor - 1)


def test_a_value_counts_what_is_priced_low_and_names_what_is_not() -> None:
    usdc, hall, weth = TokenId("USDC"), TokenId("HALL"), TokenId("WETH")
    prices = {usdc: Price(E8 - 1, E8 + 1), weth: Problem("stale")}
    nav = nav_e8([(usdc, 2_000_000, 6), (hall, 10**24, 18), (weth, 10**18, 18)], prices)
    assert nav.usd_e8 == 2 * E8 - 2
    assert nav.unpriced == (hall, weth)
