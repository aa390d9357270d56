"""The walk and the table quote the same, wherever an order can end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.pools.uniswap_v3 import side, table
from simulations.pools.uniswap_v3_math import price_after_input
from simulations.pools.uniswap_v3_walk import walk_in, walk_out
from strongroom.model import NATIVE, Address, PoolState


def near(edges):
    """1..100 units, and one below, at and above every edge, so also one beyond the last."""
    return sorted({-1, 0} | set(range(1, 101)) | {edge + step for edge in edges for step in (-1, 0, 1)})


def differing(pool, token):
    """Orders that the two quote differently, and how many were tried."""
    known = side(pool, token)
    ins, outs = near(known.taken), near(known.given)
    args = pool, known.zero_for_one, pool.fee_pips
    wrong = [("in", n) for n in ins if known.quote_in(n) != walk_in(*args, n)]
    wrong += [("out", n) for n in outs if known.quote_out(n) != walk_out(*args, n)]
    return wrong, len(ins) + len(outs)


def test_at_every_boundary_of_every_pool_of_the_world(pools):
    tried = 0
    for pool in pools:
        for token in (pool.token0, pool.token1):
            wrong, count = differing(pool, token)
            assert not wrong
            tried += count
    assert tried >= 3_000


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["0xA", "0xB"]))
def test_at_every_boundary_of_any_pool(any_pool, data, token):
    wrong, count = differing(data.draw(any_pool), token)
    assert not wrong
    assert count > 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.booleans(), st.integers(0, 999_999), st.floats(0, 1))
def test_at_any_fee_and_size(any_pool, data, zero_for_one, fee_pips, share):
    pool = data.draw(any_pool)
    known = table(pool, zero_for_one, fee_pips)
    for edges, quote, walk in ((known.taken, known.quote_in, walk_in), (known.given, known.quote_out, walk_out)):
        units = int(edges[-1] ** share)
        assert quote(units) == walk(pool, zero_for_one, fee_pips, units)


@given(st.integers(2**126, 2**128 - 1), st.integers(2**158, 2**160 - 2**128), st.integers(2**96, 2**127))
def test_where_256_bits_do_not_hold_the_divisor_of_an_input(liquidity, price, units):
    wide = PoolState(NATIVE, Address("0xA"), Address("0xB"), 0, 32_767, price, 887_000, liquidity, ())
    quote = side(wide, "0xA").quote_in(units)
    assert quote is not None
    assert quote == walk_in(wide, True, 0, units)


@pytest.mark.parametrize("units", [0, -1, -(10**30)])
def test_orders_of_nothing_are_not_quoted(pools, units):
    for walk in (walk_in, walk_out):
        assert walk(pools[0], True, 500, units) is None


@given(st.integers(1, 2**128 - 1), st.integers(4295128739, 2**160 - 1), st.integers(0, 2**127))
def test_the_form_for_what_256_bits_cannot_hold_never_passes_the_exact_price(liquidity, price, units):
    after, scaled = price_after_input(price, liquidity, units, zero_for_one=True), liquidity << 96
    exact = -(-scaled * price // (scaled + units * price))
    assert after >= exact
    assert after == exact or scaled + units * price >= 2**256
