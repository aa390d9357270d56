"""Quotes equal those of the deployed quoter, wei for wei, where it hurts most: at every boundary and for dust."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.pools.uniswap_v3 import side
from simulations.pools.uniswap_v3_math import (
    MAX_SQRT_PRICE_X96,
    MIN_SQRT_PRICE_X96,
    amount0,
    amount1,
    price_after_input,
    price_after_output,
)
from strongroom.addresses import to_address
from strongroom.model import NATIVE, PoolState
from strongroom.ports import Override, SimulatedCall
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.uniswap_v3 import (
    MAX_TICK,
    MIN_TICK,
    ExactInput,
    PopulatedTick,
    decode_exact_input,
    encode_exact_input,
    read_pool,
    read_quote_in,
    read_quote_out,
    read_slot0,
)
from strongroom.protocols.uniswap_v3_pool import head_from, head_reads, state_from, tick_reads
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.world.people import ALICE, DEPLOYER
from strongroom.world.treasury import DAI, HALL, USDC, WETH

FOREVER = 2**40


def load(world, chain, pool, block=None):
    block = block or chain.head()
    head = head_from(pool, chain.read(head_reads(pool), block))
    return state_from(head, chain.read(tick_reads(world.contracts.tick_lens, head), block))


def orders(edges, dust, spread, seed):
    """Amounts one below, at and above every edge, `dust` first wei, and `spread` more over all magnitudes."""
    draw, most = random.Random(seed), edges[-1]
    near = {edge + step for edge in edges for step in (-1, 0, 1)}
    far = {int(most ** draw.random()) for _ in range(spread)}
    return sorted(units for units in near | far | set(range(1, dust + 1)) if 0 < units <= most)


def mismatches(world, chain, state, token_in, dust=100, spread=60, block=None):
    """How many quotes, either way, were compared with the deployed quoter, and those that differ from it."""
    mine, quoter, block = side(state, token_in), world.contracts.quoter, block or chain.head()
    pair = (token_in, state.token1 if token_in == state.token0 else state.token0)
    ins = orders(mine.taken, dust, spread, 1)
    outs = orders(mine.given, dust, spread, 2)
    theirs_in = chain.read([read_quote_in(quoter, *pair, state.fee_pips, units) for units in ins], block)
    theirs_out = chain.read([read_quote_out(quoter, *pair, state.fee_pips, units) for units in outs], block)
    wrong = []
    for units, their in zip(ins, theirs_in, strict=True):
        my = mine.quote_in(units)
        if (
            my is None
            or their is None
            or (my.units_out, my.sqrt_price_after_x96)
            != (
                their.units,
                their.sqrt_price_after_x96,
            )
        ):
            wrong.append(("in", units, my, their))
    for units, their in zip(outs, theirs_out, strict=True):
        my = mine.quote_out(units)
        if (
            my is None
            or their is None
            or (my.units_in, my.sqrt_price_after_x96)
            != (
                their.units,
                their.sqrt_price_after_x96,
            )
        ):
            wrong.append(("out", units, my, their))
    return len(ins) + len(outs), wrong


def test_every_boundary_of_every_pool_is_quoted_like_the_deployed_quoter(module_world, module_chain, pools):
    compared = 0
    for state in pools:
        for token in (state.token0, state.token1):
            count, wrong = mismatches(module_world, module_chain, state, token, dust=100, spread=50)
            assert not wrong, (state.pool, wrong[:3])
            compared += count
    assert compared >= 4_000


def swap(world, token_in, token_out, fee_pips, units):
    """A real swap by alice, who is given what she sells."""
    tokens = world.contracts.tokens
    world.mint(token_in, ALICE.address, units)
    world.send_as(ALICE.address, tokens[token_in], encode_approve(world.contracts.swap_router, units))
    order = ExactInput(tokens[token_in], tokens[token_out], fee_pips, ALICE.address, FOREVER, units, 0)
    mined = world.send_as(ALICE.address, world.contracts.swap_router, encode_exact_input(order))
    assert mined.success


@pytest.mark.parametrize("direction", [(WETH, USDC), (USDC, WETH)])
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("beyond", [0, 12345])
def test_a_price_that_stands_on_or_just_past_a_tick_is_quoted_both_ways(world, chain, direction, step, beyond):
    """After a downward swap that ends exactly on a tick the pool's tick is one less than its price says."""
    token_in, token_out = direction
    pool = world.contracts.pool(WETH, USDC, 3000).address
    before = load(world, chain, pool)
    mine = side(before, world.contracts.tokens[token_in])
    units = mine.taken[step] + beyond
    swap(world, token_in, token_out, 3000, units)
    after = load(world, chain, pool)
    assert after.sqrt_price_x96 == mine.quote_in(units).sqrt_price_after_x96
    for token in (after.token0, after.token1):
        count, wrong = mismatches(world, chain, after, token, dust=10, spread=10)
        assert count > 50
        assert not wrong, wrong[:3]


MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"


@pytest.mark.parametrize("size", [10**3, 10**9, 10**21])
def test_a_pool_with_gaps_and_little_liquidity_is_quoted_like_the_deployed_quoter(world, chain, size):
    """The price stands where nobody provides; dust positions make every rounding visible."""
    pair = sorted((world.contracts.tokens[DAI], world.contracts.tokens[HALL]), key=lambda token: int(token, 16))
    manager = world.contracts.position_manager
    opening = encode_call(
        "createAndInitializePoolIfNecessary(address,address,uint24,uint160)", *pair, 10000, 2**96 + 987654321
    )
    assert world.send_as(DEPLOYER.address, manager, opening).success
    for lower, upper, share in (
        (-4000, -3000, 3),
        (-1400, -600, 1),
        (600, 1000, 2),
        (2000, 60000, 5),
        (60200, 60400, 1),
    ):
        amounts = (size * share, size * share, 0, 0)
        data = encode_call(MINT, (*pair, 10000, lower, upper, *amounts, DEPLOYER.address, FOREVER))
        assert world.send_as(DEPLOYER.address, manager, data).success
    block = chain.head()
    (pool,) = chain.read([read_pool(world.contracts.uniswap_factory, *pair, 10000)], block)
    head = head_from(pool, chain.read(head_reads(pool), block))
    state = state_from(head, chain.read(tick_reads(world.contracts.tick_lens, head, 900_000), block), 900_000)
    assert state.liquidity == 0
    assert (state.known_from, state.known_to) == (MIN_TICK, MAX_TICK)
    for token in pair:
        count, wrong = mismatches(world, chain, state, token)
        assert count > 200
        assert not wrong, wrong[:3]


def test_a_pool_provided_over_the_whole_range_ends_one_short_of_the_last_price(world, chain):
    """Spacing 1: the position's own ends are the protocol's. Ticks are given, not read: there are 7,000 words of
    them."""
    pair = sorted((world.contracts.tokens[DAI], world.contracts.tokens[HALL]), key=lambda token: int(token, 16))
    manager, sizes = world.contracts.position_manager, (10**6, 10**6, 0, 0)
    opening = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
    assert world.send_as(DEPLOYER.address, manager, encode_call(opening, *pair, 100, 2**96 + 12345)).success
    position = (*pair, 100, MIN_TICK, MAX_TICK, *sizes, DEPLOYER.address, FOREVER)
    assert world.send_as(DEPLOYER.address, manager, encode_call(MINT, position)).success
    block, quoter = chain.head(), world.contracts.quoter
    (pool,) = chain.read([read_pool(world.contracts.uniswap_factory, *pair, 100)], block)
    head = head_from(pool, chain.read(head_reads(pool), block))
    ticks = PopulatedTick(MIN_TICK, head.liquidity), PopulatedTick(MAX_TICK, -head.liquidity)
    state = PoolState(*(getattr(head, name) for name in head.__slots__), ticks)
    for token, other in (pair, pair[::-1]):
        mine = side(state, token)
        for units in (mine.taken[-1], mine.taken[-1] - 1, mine.taken[-2], 10**7):
            (theirs,) = chain.read([read_quote_in(quoter, token, other, 100, units)], block)
            my = mine.quote_in(units)
            assert (my.units_out, my.sqrt_price_after_x96) == (theirs.units, theirs.sqrt_price_after_x96)
        last = mine.quote_in(mine.taken[-1]).sqrt_price_after_x96
        assert last in (MIN_SQRT_PRICE_X96 + 1, MAX_SQRT_PRICE_X96 - 1)


@pytest.mark.parametrize("span", [1, 300, 5_000])
def test_a_pool_read_in_part_quotes_the_same_as_far_as_it_knows_and_no_further(module_world, module_chain, pools, span):
    block, lens = module_chain.head(), module_world.contracts.tick_lens
    whole = pools[0]
    head = head_from(whole.pool, module_chain.read(head_reads(whole.pool), block))
    part = state_from(head, module_chain.read(tick_reads(lens, head, span), block), span)
    assert set(part.ticks) < set(whole.ticks)
    for token in (whole.token0, whole.token1):
        narrow, wide = side(part, token), side(whole, token)
        rows = len(narrow.taken)
        assert rows < len(wide.taken)
        assert (narrow.taken, narrow.given, narrow.prices) == (wide.taken[:rows], wide.given[:rows], wide.prices[:rows])
        assert narrow.quote_in(narrow.taken[-1] + 1) is None
        assert wide.quote_in(narrow.taken[-1] + 1) is not None


def test_what_lies_beyond_the_known_ticks_is_not_quoted(pools):
    for state in pools:
        for token in (state.token0, state.token1):
            known = side(state, token)
            assert known.quote_in(known.taken[-1]).units_out == known.given[-1]
            assert known.quote_in(known.taken[-1] + 1) is None
            assert known.quote_out(known.given[-1] + 1) is None
            assert known.quote_in(0) is None
            assert known.quote_out(0) is None


def test_a_token_that_the_pool_does_not_hold_is_refused(pools):
    with pytest.raises(ValueError, match="does not hold"):
        side(pools[0], NATIVE)


def test_a_pool_that_does_not_exist_has_no_head_and_no_address(chain, world):
    assert head_from(NATIVE, chain.read(head_reads(NATIVE), chain.head())) is None
    tokens = world.contracts.tokens
    read = read_pool(world.contracts.uniswap_factory, tokens[DAI], tokens[WETH], 500)
    assert chain.read([read], chain.head()) == [None]


def test_the_router_swap_survives_a_round_trip_and_nothing_else_does(world):
    tokens = world.contracts.tokens
    order = ExactInput(tokens[WETH], tokens[USDC], 500, ALICE.address, FOREVER, 10**18, 3 * 10**9, 7)
    data = encode_exact_input(order)
    assert decode_exact_input(data) == order
    for spoilt in (data[:-1], data + b"\0", b"\1" + data[1:], data[:4] + b"\1" + data[5:]):
        with pytest.raises(ValueError, match=r"exactInputSingle|not \("):
            decode_exact_input(spoilt)


def test_a_price_is_the_lowest_that_the_deployed_pool_places_at_its_tick(module_world, module_chain):
    """The pool's own code, at fresh addresses inside one simulation, is opened at each price and at one below."""
    draw, block = random.Random(3), module_chain.head()
    ticks = [MIN_TICK + 1, -1, 0, 1, MAX_TICK - 1, *(draw.randint(MIN_TICK + 1, MAX_TICK - 1) for _ in range(75))]
    ticks += [sign << bit for bit in range(19) for sign in (-1, 1)]
    code = module_chain.code(module_world.contracts.pools[0].address, block)
    places = [to_address((n + 1 << 80).to_bytes(20, "big")) for n in range(2 * len(ticks))]
    prices = [sqrt_price_at_tick(tick) - below for tick in ticks for below in (0, 1)]
    opens = [
        SimulatedCall(ALICE.address, place, 0, encode_call("initialize(uint160)", price))
        for place, price in zip(places, prices, strict=True)
    ]
    looks = [SimulatedCall(ALICE.address, place, 0, read_slot0(place).data) for place in places]
    overrides = {place: Override({}, code=code) for place in places}
    answers = module_chain.simulate([*opens, *looks], overrides, block)[len(opens) :]
    found = [read_slot0(NATIVE).decode(answer.returned)[1] for answer in answers]
    assert found == [tick - below for tick in ticks for below in (0, 1)]


def test_the_price_range_is_the_one_of_the_protocol():
    assert sqrt_price_at_tick(MIN_TICK) == MIN_SQRT_PRICE_X96
    assert sqrt_price_at_tick(MAX_TICK) == MAX_SQRT_PRICE_X96
    for outside in (MIN_TICK - 1, MAX_TICK + 1):
        with pytest.raises(ValueError, match="outside"):
            sqrt_price_at_tick(outside)


prices = st.integers(MIN_TICK, MAX_TICK - 1).map(sqrt_price_at_tick)
liquidities = st.integers(1, 2**120)


@given(prices, prices, liquidities)
def test_amounts_are_symmetric_and_rounded_by_less_than_two_units(one, other, liquidity):
    for amount in (amount0, amount1):
        up, down = amount(one, other, liquidity, up=True), amount(one, other, liquidity, up=False)
        assert 0 <= up - down <= 1
        assert amount(other, one, liquidity, up=True) == up


@given(prices, liquidities, st.integers(0, 2**110), st.booleans())
def test_an_input_never_moves_the_price_further_than_it_pays_for(price, liquidity, units, zero_for_one):
    after = price_after_input(price, liquidity, units, zero_for_one)
    paid = (amount0 if zero_for_one else amount1)(price, after, liquidity, up=True)
    assert (after <= price) if zero_for_one else (after >= price)
    assert paid <= units


@given(prices, liquidities, st.integers(0, 2**110), st.booleans())
def test_an_output_always_moves_the_price_as_far_as_it_takes(price, liquidity, units, zero_for_one):
    amount = amount1 if zero_for_one else amount0
    most = amount(price, 1, liquidity, up=False) if zero_for_one else (liquidity << 96) // price - 1
    units = min(units, max(most - 1, 0))
    after = price_after_output(price, liquidity, units, zero_for_one)
    if after > 0:
        assert amount(price, after, liquidity, up=False) >= units


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["0xA", "0xB"]), st.floats(0, 1), st.integers(1, 10**6))
def test_more_in_never_gives_less_and_the_price_of_an_output_always_buys_it(any_pool, data, token, share, step):
    known = side(data.draw(any_pool), token)
    units = int(known.taken[-1] * share)
    quote, more = known.quote_in(units), known.quote_in(units + step)
    if quote and more:
        assert more.units_out >= quote.units_out
    if quote and quote.units_out:
        asked = known.quote_out(quote.units_out)
        assert known.quote_in(asked.units_in).units_out >= quote.units_out
