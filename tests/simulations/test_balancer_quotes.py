"""Balancer quotes are what the deployed pools say, wei for wei, and refused exactly where those revert."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.balancer_stable import StablePool
from simulations.pools.balancer_weighted import WeightedSide
from tests.simulations.venue_cases import ONE, stable_answers, weighted_answers

amounts = st.one_of(st.integers(1, 100), st.integers(1, 10**12), st.integers(1, 2**100))
fees = st.sampled_from((10**12, 3 * 10**15, 10**17))


def test_every_weighted_quote_is_the_deployed_pools():
    answers = list(weighted_answers(random.Random(21), 6, 12))
    assert [each for each in answers if each[1] != each[2]] == []
    assert len(answers) >= 500
    assert 100 <= sum(theirs is None for _, _, theirs in answers) <= len(answers) - 100


def test_every_stable_quote_is_the_deployed_pools():
    answers = list(stable_answers(random.Random(22), 6, 12))
    assert [each for each in answers if each[1] != each[2]] == []
    assert len(answers) >= 500
    assert 100 <= sum(theirs is None for _, _, theirs in answers) <= len(answers) - 100


@given(amounts, amounts, st.integers(1, 99), fees, amounts)
def test_a_weighted_pool_never_gives_more_back_than_it_was_paid(held, wanted, percent, fee, units):
    weight = percent * ONE // 100
    there = WeightedSide(held, wanted, weight, ONE - weight, fee)
    if (given_units := there.quote_in(units)) and given_units < wanted:
        back = WeightedSide(wanted - given_units, held + units, ONE - weight, weight, fee)
        returned = back.quote_in(given_units)
        assert returned is None or returned <= units


@given(amounts, amounts, st.integers(1, 5_000), fees, amounts)
def test_a_stable_pool_never_gives_all_it_holds_and_no_swap_there_and_back_gains(held, wanted, amp, fee, units):
    pool = StablePool((held, wanted), (18, 18), amp * 1_000, fee)
    if given_units := pool.quote_in(0, 1, units):
        assert given_units < wanted
        after = StablePool((held + units, wanted - given_units), (18, 18), amp * 1_000, fee)
        returned = after.quote_in(1, 0, given_units)
        assert returned is None or returned <= units
