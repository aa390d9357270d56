"""Batches quote what `Side` quotes, wherever an order can end, and refuse what it refuses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.pools.batch import batch_side
from simulations.pools.uniswap_v3 import side, table
from simulations.pools.uniswap_v4 import MOST_UNITS, bounded
from simulations.pools.words import from_words, to_words
from strongroom.model import NATIVE, Address, PoolState, PopulatedTick


def near(edges):
    """1..100 units, and around and between every edge, so also beyond the last."""
    around = {edge + step for edge in edges for step in (-1, 0, 1)}
    around |= {(one + 2 * other) // 3 for one, other in pairwise(edges)}
    return sorted(set(range(101)) | {units for units in (*around, 2**128, 2**255, 2**256 - 1) if units >= 0})


def differing(known, threads=1, most_bits=256):
    """Orders that a batch quotes otherwise, and how many were tried."""
    batch, wrong, tried = batch_side(known, most_bits), [], 0
    for edges, many, one in (
        (known.taken, batch.quote_in, known.quote_in),
        (known.given, batch.quote_out, known.quote_out),
    ):
        orders = near(edges)
        expected = [quote if most_bits == 256 else bounded(quote) for quote in map(one, orders)]
        found = many(to_words(orders), threads).quotes()
        wrong += [each for each in zip(orders, found, expected, strict=True) if each[1] != each[2]]
        tried += len(orders)
    return wrong, tried


def test_at_every_boundary_of_every_pool_of_the_world(pools):
    tried = 0
    for pool in pools:
        for token in (pool.token0, pool.token1):
            wrong, count = differing(side(pool, token))
            assert not wrong, wrong[:2]
            tried += count
    assert tried >= 3_000


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.booleans(), st.one_of(st.sampled_from([0, 100, 3_000, 999_999]), st.integers(0, 999_999)))
def test_at_every_boundary_of_any_pool_at_any_fee(any_pool, data, zero_for_one, fee_pips):
    wrong, count = differing(table(data.draw(any_pool), zero_for_one, fee_pips))
    assert not wrong, wrong[:2]
    assert count > 200


@settings(max_examples=25)
@given(
    st.integers(1, 2**128 - 1),
    st.integers(-887_000, 887_000),
    st.booleans(),
    st.sampled_from([256, 255, 192, 127, 64, 1]),
)
def test_over_the_whole_range_of_prices_at_any_liquidity(liquidity, tick, zero_for_one, most_bits):
    """The widest steps there are, amounts of up to 200 bits, and the chain's coarser price."""
    from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

    ticks = PopulatedTick(-884_709, liquidity), PopulatedTick(884_709, -liquidity)
    inside = liquidity if -884_709 <= tick < 884_709 else 0
    pool = PoolState(NATIVE, Address("0xA"), Address("0xB"), 500, 32_767, sqrt_price_at_tick(tick), tick, inside, ticks)
    known = table(pool, zero_for_one, 500)
    if most_bits == 127:
        wrong, _ = differing(known, most_bits=127)
        assert not wrong, wrong[:2]
    orders = near(known.taken)
    found = batch_side(known, most_bits).quote_in(to_words(orders)).quotes()
    for units, quote in zip(orders, found, strict=True):
        alone = known.quote_in(units)
        fits = alone is not None and max(alone.units_in, alone.units_out) < 2**most_bits
        assert quote == (alone if fits else None)


@given(st.integers(2**120, 2**128 - 1), st.integers(2**140, 2**160 - 2**128), st.integers(-1, 1), st.booleans())
def test_where_256_bits_just_hold_the_divisor_of_an_input(liquidity, price, off, with_liquidity):
    units = (2**256 - with_liquidity * (liquidity << 96)) // price + off
    wide = PoolState(NATIVE, Address("0xA"), Address("0xB"), 0, 32_767, price, 887_000, liquidity, ())
    known = table(wide, True, 0)
    assert batch_side(known).quote_in(to_words([units])).quotes() == [known.quote_in(units)]


def test_threads_change_nothing(pools):
    known = side(pools[0], pools[0].token0)
    for threads in (2, 3):
        wrong, _ = differing(known, threads)
        assert not wrong


def test_quotes_keep_the_order_of_the_orders(pools):
    batch, orders = batch_side(side(pools[0], pools[0].token1)), [10**9, 5, 10**15, 7, 10**9]
    found = batch.quote_in(to_words(orders))
    assert from_words(found.units_in) == orders
    assert list(found.quoted) == [True] * 5
    assert found.quotes()[0] == found.quotes()[4]
    assert batch.quote_in(to_words([])).quotes() == []


@pytest.mark.parametrize("orders", [np.zeros((2, 4)), np.zeros(4, np.uint64), np.zeros((2, 3), np.uint64)])
def test_orders_that_are_no_words_are_refused(pools, orders):
    with pytest.raises(ValueError, match="are no words"):
        batch_side(side(pools[0], pools[0].token0)).quote_in(orders)


@pytest.mark.parametrize("bits", [0, -1, 257])
def test_amounts_of_more_bits_than_a_word_has_are_refused(pools, bits):
    with pytest.raises(ValueError, match=f"amounts of `{bits}` bits do not fit"):
        batch_side(side(pools[0], pools[0].token0), bits)


def test_the_bound_of_uniswap_v4_is_127_bits():
    assert MOST_UNITS == 2**127 - 1
