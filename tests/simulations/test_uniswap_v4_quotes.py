"""Quotes of pools without hooks equal those of the deployed V4Quoter, wei for wei, also where it refuses."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.uniswap_v4 import (
    MOST_UNITS,
    KeyedSide,
    NotQuoted,
    keyed_side,
    keyed_walk,
    swap_fee_pips,
)
from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE
from strongroom.protocols.abi import encode_call, view
from strongroom.protocols.uniswap_v4 import (
    DYNAMIC_FEE,
    KEY,
    PoolKey,
    bitmap_reads,
    head_from,
    head_reads,
    read_quote_in,
    read_quote_out,
    state_from,
    tick_reads,
)
from strongroom.world.people import ALICE
from strongroom.world.uniswap_v4 import MODIFY, PROVIDER, open_uniswap_v4

WIDE = 900_000
"""Ticks to either side: all there are, but for the two pools of spacing 1, whose words would be 7,000."""


def span(key):
    return WIDE if key.tick_spacing > 1 else 20_000


@pytest.fixture(scope="module")
def market(module_world):
    module_world.set_balance(PROVIDER, 10**24)
    market, script = open_uniswap_v4(module_world.contracts.tokens)
    module_world.extend(script)
    return market


def load(market, chain, key):
    block = chain.head()
    head = head_from(key, chain.read(head_reads(market.state_view, key), block))
    bitmaps = chain.read(bitmap_reads(market.manager, head, span(key)), block)
    ticks = chain.read(tick_reads(market.manager, head, bitmaps, span(key)), block)
    return state_from(head, bitmaps, ticks, span(key))


def orders(edges, spread, seed):
    """1..20 units, one below, at and above every edge that can be asked for, and `spread` more over all magnitudes."""
    draw, most = random.Random(seed), min(edges[-1] + 2, MOST_UNITS)
    near = {edge + step for edge in (*edges, MOST_UNITS) for step in (-1, 0, 1)}
    far = {int(most ** draw.random()) for _ in range(spread)}
    return sorted(units for units in near | far | set(range(1, 21)) if 0 < units <= MOST_UNITS)


def compare(market, chain, state, currency, spread=6):
    """How many quotes, either way, were compared, those that differ, and how many the quoter gave."""
    known, walk = keyed_side(state, currency), keyed_walk(state, currency)
    side, zero_for_one, block = known.table, currency == state.key.currency0, chain.head()
    ins, outs = orders(side.taken, spread, 1), orders(side.given, spread, 2)
    theirs = chain.read(
        [read_quote_in(market.quoter, state.key, zero_for_one, units) for units in ins]
        + [read_quote_out(market.quoter, state.key, zero_for_one, units) for units in outs],
        block,
    )
    mine = [(known.quote_in(n), walk.quote_in(n), "units_out", "in", n) for n in ins]
    mine += [(known.quote_out(n), walk.quote_out(n), "units_in", "out", n) for n in outs]
    wrong = [
        (way, units, quote, their)
        for (quote, walked, field, way, units), their in zip(mine, theirs, strict=True)
        if quote != walked or (getattr(quote, field) if quote else None) != their
    ]
    return len(theirs), wrong, sum(their is not None for their in theirs)


def test_every_boundary_of_every_pool_is_quoted_like_the_deployed_quoter(market, module_chain):
    """Static fees from none to nearly all, protocol fees of either direction, plain ether, spacings 1 to 32,767."""
    compared = quoted = 0
    for key in market.keys:
        state = load(market, module_chain, key)
        for currency in (key.currency0, key.currency1):
            count, wrong, given = compare(market, module_chain, state, currency)
            assert not wrong, (key, wrong[:3])
            compared, quoted = compared + count, quoted + given
    assert compared >= 900
    assert quoted >= 800


SWAP = f"swap({KEY},(bool,int256,uint160),(bool,bool),bytes)"
MINT = "mint(address,uint256)"


@pytest.mark.parametrize("beyond", [0, 98_765])
@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("number", [1, 4])
def test_a_swap_leaves_the_price_that_was_quoted_and_is_quoted_again(
    world, chain, market, number, zero_for_one, beyond
):
    """Also where the swap ends exactly on a tick, after which the pool's tick may be one less than its price says."""
    key = market.keys[number]
    before = load(market, chain, key)
    known = keyed_side(before, key.currency0 if zero_for_one else key.currency1)
    units = known.table.taken[2] + beyond
    limit = 4295128740 if zero_for_one else 1461446703485210103287273052203988822378723970341
    order = encode_call(SWAP, key.fields, (zero_for_one, -units, limit), (False, False), b"")
    pays_ether = zero_for_one and key.currency0 == NATIVE
    sold = key.currency0 if zero_for_one else key.currency1
    if not pays_ether:
        world.send_as(ALICE.address, sold, encode_call(MINT, ALICE.address, units))
        world.send_as(ALICE.address, sold, encode_call("approve(address,uint256)", market.swap_router, units))
    world.set_balance(ALICE.address, 10**24)
    assert world.send_as(ALICE.address, market.swap_router, order, units if pays_ether else 0).success
    after = load(market, chain, key)
    assert after.sqrt_price_x96 == known.quote_in(units).sqrt_price_after_x96
    for currency in (key.currency0, key.currency1):
        count, wrong, _ = compare(market, chain, after, currency, spread=3)
        assert count > 50
        assert not wrong, wrong[:3]


def open_pool(world, market, key, price=2**96 + 987_654_321):
    assert world.send_as(PROVIDER, market.manager, encode_call(f"initialize({KEY},uint160)", key.fields, price)).success


def provide(world, market, key, lower, upper, liquidity):
    position = encode_call(MODIFY, key.fields, (lower, upper, liquidity, bytes(32)), b"")
    assert world.send_as(PROVIDER, market.liquidity_router, position, 10**22 if key.currency0 == NATIVE else 0).success


@pytest.mark.parametrize("size", [3, 10**9, 10**21])
def test_a_pool_with_gaps_and_little_liquidity_is_quoted_like_the_deployed_quoter(world, chain, market, size):
    """The price stands where nobody provides; dust positions make every rounding visible."""
    key = PoolKey(NATIVE, market.keys[-1].currency1, 7_777, 200)
    open_pool(world, market, key)
    for lower, upper, share in ((-4000, -3000, 3), (-1400, -600, 1), (600, 1000, 2), (2000, 60000, 5)):
        provide(world, market, key, lower, upper, size * share)
    state = load(market, chain, key)
    assert state.liquidity == 0
    for currency in (key.currency0, key.currency1):
        count, wrong, _ = compare(market, chain, state, currency)
        assert count > 30
        assert not wrong, wrong[:3]


def open_whole_range(world, chain, market, price, liquidity):
    """A pool of two tokens of which anybody has any amount, in the widest steps there are."""
    tokens = (min(world.contracts.tokens.values(), key=lambda each: (each == NATIVE, int(each, 16))), TWIN)
    key = PoolKey(*tokens, 500, 32_767)
    open_pool(world, market, key, price)
    world.set_code(TWIN, chain.code(tokens[0], chain.head()))
    for token in tokens:
        world.send_as(PROVIDER, token, encode_call(MINT, PROVIDER, 2**127))
        world.send_as(PROVIDER, token, encode_call("approve(address,uint256)", market.liquidity_router, 2**255))
    provide(world, market, key, -884_709, 884_709, liquidity)
    return load(market, chain, key)


TWIN = to_address("0x" + "f" * 40)


def test_amounts_that_128_bits_cannot_hold_are_refused_like_the_deployed_quoter(world, chain, market):
    """The pool could take more than a balance may be."""
    state = open_whole_range(world, chain, market, 2**96, 2**98)
    for currency in (state.key.currency0, TWIN):
        known = keyed_side(state, currency)
        assert known.quote_in(MOST_UNITS) is not None
        assert known.table.quote_in(MOST_UNITS + 1) is not None
        assert known.quote_in(MOST_UNITS + 1) is None
        _, wrong, _ = compare(market, chain, state, currency)
        assert not wrong, wrong[:3]


def test_prices_that_256_bits_cannot_hold_are_quoted_like_the_deployed_quoter(world, chain, market):
    """From a price so high, the divisor of a large input of currency0 needs more bits than the chain's words have."""
    state = open_whole_range(world, chain, market, 2**150, 2**60)
    _, wrong, given = compare(market, chain, state, state.key.currency0, spread=150)
    assert not wrong, wrong[:3]
    assert given > 150


def test_pools_with_hooks_or_a_dynamic_fee_are_refused_by_name(world, chain, market):
    hooks = to_address("0x" + "0" * 37 + "080")
    token = market.keys[-1].currency1
    for key in (PoolKey(NATIVE, token, 500, 10, hooks), PoolKey(NATIVE, token, DYNAMIC_FEE, 10, hooks)):
        open_pool(world, market, key)
        state = load(market, chain, key)
        for make in (keyed_side, keyed_walk):
            refused = make(state, NATIVE)
            assert isinstance(refused, NotQuoted)
            assert key.id.hex() in refused.reason
            assert hooks in refused.reason
    dynamic = replace(state, head=replace(state.head, key=replace(key, hooks=NATIVE)))
    assert "dynamic fee" in keyed_side(dynamic, NATIVE).reason


def test_a_pool_that_keeps_the_whole_input_is_refused_by_name(world, chain, market):
    key = PoolKey(NATIVE, market.keys[-1].currency1, 1_000_000, 10)
    open_pool(world, market, key)
    provide(world, market, key, -1_000, 1_000, 10**18)
    refused = keyed_side(load(market, chain, key), NATIVE)
    assert isinstance(refused, NotQuoted)
    assert "whole input as fee" in refused.reason
    assert chain.read([read_quote_out(market.quoter, key, True, 10)], chain.head()) == [None]
    assert chain.read([read_quote_in(market.quoter, key, True, 10**15)], chain.head()) == [0]


def test_a_pool_that_nobody_opened_has_no_head_and_other_currencies_no_side(market, module_chain):
    key = replace(market.keys[0], fee_pips=501)
    assert head_from(key, module_chain.read(head_reads(market.state_view, key), module_chain.head())) is None
    state = load(market, module_chain, market.keys[0])
    with pytest.raises(ValueError, match="does not hold"):
        keyed_side(state, ALICE.address)


def test_the_ticks_that_are_read_are_those_of_the_state_view(market, module_chain):
    """Bitmap words and liquidity, each against the lens's own reading."""
    signature, block = "getTickLiquidity(bytes32,int24)", module_chain.head()
    for key in market.keys:
        state = load(market, module_chain, key)
        marks = [row.tick for row in state.ticks]
        tried = sorted({*marks, *(mark + key.tick_spacing for mark in marks if mark + key.tick_spacing < 887_272)})
        reads = [view(market.state_view, signature, ["uint128", "int128"], lambda *v: v, [key.id, t]) for t in tried]
        nets = [(tick, net) for tick, (gross, net) in zip(tried, module_chain.read(reads, block), strict=True) if gross]
        assert nets == [(row.tick, row.liquidity_net) for row in state.ticks]
        assert len(nets) >= 8


def test_storage_that_does_not_answer_gives_no_state(market, module_chain):
    head = head_from(
        market.keys[0], module_chain.read(head_reads(market.state_view, market.keys[0]), module_chain.head())
    )
    assert state_from(head, [None], []) is None
    bitmaps = module_chain.read(bitmap_reads(market.manager, head), module_chain.head())
    assert state_from(head, bitmaps, [None]) is None
    (read,) = bitmap_reads(market.manager, head)
    with pytest.raises(ValueError, match="storage words"):
        read.decode((32).to_bytes(32, "big") + bytes(32))


def test_a_pools_id_is_the_hash_of_its_key():
    key = PoolKey(NATIVE, ALICE.address, 3_000, 60)
    words = [0, int(ALICE.address, 16), 3_000, 60, 0]
    assert key.id == keccak(b"".join(word.to_bytes(32, "big") for word in words))


@given(st.integers(0, 1_000_000), st.integers(0, 1_000))
def test_both_fees_together_leave_what_one_after_the_other_leave_rounded_down(provider, protocol):
    fee, left = swap_fee_pips(provider, protocol), (1_000_000 - provider) * (1_000_000 - protocol)
    assert max(provider, protocol) <= fee <= 1_000_000
    assert 1_000_000 * (1_000_000 - fee) <= left < 1_000_000 * (1_000_001 - fee)


def test_a_side_is_what_both_kinds_of_quotes_share(market, module_chain):
    state = load(market, module_chain, market.keys[0])
    assert isinstance(keyed_side(state, NATIVE), KeyedSide)
    assert keyed_walk(state, NATIVE).fee_pips == keyed_side(state, NATIVE).table.fee_pips
