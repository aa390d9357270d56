"""Supplied balances are what the deployed Aave pool and aToken say, wei for wei, at every later second."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.aave_v3 import ALL, RAY, Position, ray_div, ray_mul
from strongroom.errors import BadValue
from tests.simulations.lending import lending_answers

indexes = st.integers(RAY, 3 * RAY)
amounts = st.one_of(st.integers(1, 100), st.integers(1, 10**30))


def test_every_supply_withdrawal_and_balance_is_the_deployed_markets():
    answers = list(lending_answers(random.Random(31), 1, 300))
    assert [each for each in answers if each[1] != each[2]] == []
    refused = sum(theirs is None for _, _, theirs in answers)
    assert 20 <= refused <= 200


@given(amounts, indexes)
def test_what_is_supplied_comes_back_to_within_a_wei_of_the_index(units, index):
    held = Position(0, index, 0, 0).supply(units, 0)
    if held is not None:
        assert abs(held.balance_at(0) - units) <= index // (2 * RAY) + 1
        emptied = held.withdraw(ALL, 0)
        assert emptied is None or emptied.scaled == 0


@given(amounts, indexes, st.integers(0, RAY), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_balance_never_falls_with_time(scaled, index, rate, first, later):
    held = Position(scaled, index, rate, 0)
    assert held.balance_at(first + later) >= held.balance_at(first) >= ray_mul(scaled, index)


@given(st.integers(0, ALL), st.integers(0, ALL))
def test_ray_arithmetic_rounds_half_up_or_overflows(a, b):
    product, quotient = ray_mul(a, b), ray_div(a, b)
    assert (product is None) == (a * b + RAY // 2 > ALL)
    assert product is None or abs(product * RAY - a * b) * 2 <= RAY
    assert quotient is None or abs(quotient * b - a * RAY) * 2 <= b


def test_the_time_before_the_last_update_is_no_time_of_a_supply():
    with pytest.raises(BadValue, match="`4` cannot be used for the time of a supply; give `5` or later"):
        Position(1, RAY, 0, 5).balance_at(4)
