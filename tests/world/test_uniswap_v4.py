"""The Uniswap V4 market stands as its venues say, and a script that fails says so and leaves the chain usable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.uniswap_v3_math import amount0, amount1
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import read_balance
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.protocols.uniswap_v4 import head_from, head_reads
from strongroom.world.people import ALICE, BOB
from strongroom.world.script import Script
from strongroom.world.treasury import USDC
from strongroom.world.uniswap_v4 import PROVIDER, VENUES, liquidity_of, open_uniswap_v4
from strongroom.world.world import World


def test_every_pool_is_open_with_its_fees_its_spacing_and_some_liquidity(world: World, chain: RpcChain) -> None:
    world.set_balance(PROVIDER, 10**24)
    market, script = open_uniswap_v4(world.contracts.tokens)
    world.extend(script)
    block = chain.head()
    for address in (market.manager, market.quoter, market.state_view, market.liquidity_router, market.swap_router):
        assert chain.code(address, block)
    for key, venue in zip(market.keys, VENUES, strict=True):
        head = head_from(key, chain.read(head_reads(market.state_view, key), block))
        assert head is not None
        assert (key.fee_pips, key.tick_spacing, key.hooks) == (venue.fee_pips, venue.tick_spacing, NATIVE)
        assert (head.provider_fee_pips, head.protocol_fees_pips) == (venue.fee_pips, venue.protocol_fees_pips)
        assert int(key.currency0, 16) < int(key.currency1, 16)
        assert head.liquidity > 0
    assert chain.balances_wei([market.liquidity_router], block) == [0]


def test_a_script_that_fails_is_refused_and_the_chain_mines_on(world: World, chain: RpcChain) -> None:
    world.set_balance(PROVIDER, 10**20)
    script = Script(PROVIDER)
    script.call(world.contracts.tokens[USDC], encode_call("transfer(address,uint256)", BOB.address, 1))
    with pytest.raises(NodeRefused, match=r"failed: `\[0\]`"):
        world.extend(script)
    world.mint(USDC, ALICE.address, 5)
    assert chain.read([read_balance(world.contracts.tokens[USDC], ALICE.address)], chain.head()) == [5]


ticks = st.integers(-300_000, 300_000)


@given(ticks, st.integers(1, 100_000), ticks, st.integers(10**6, 10**30), st.integers(10**6, 10**30))
def test_liquidity_needs_no_more_than_both_amounts_and_as_much_as_one_of_them(
    lower: int, width: int, tick: int, units0: int, units1: int
) -> None:
    bottom, top = sqrt_price_at_tick(lower), sqrt_price_at_tick(lower + width)
    price = sqrt_price_at_tick(tick)
    at = min(max(price, bottom), top)
    most = liquidity_of(price, lower, lower + width, units0, units1)
    assert amount0(at, top, most, up=False) <= units0
    assert amount1(bottom, at, most, up=False) <= units1
    # One hundredth more, or a few units where liquidity is little, is too much of one of them.
    more = most + most // 100 + 2
    assert amount0(at, top, more, up=True) > units0 or amount1(bottom, at, more, up=True) > units1
