"""What tests of rehearsal and quoting share: observed facts, compiled mocks, and frozen pools of the world."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, Address, Block, Facts, PoolState, Token, TokenId
from strongroom.observe import Subject, observe
from strongroom.protocols.abi import encode_arguments
from strongroom.protocols.uniswap_v3 import PopulatedTick
from strongroom.protocols.uniswap_v3_pool import head_from, head_reads, state_from, tick_reads
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.world.world import World

_OUT = Path(__file__).parents[2] / "contracts" / "out"


class EmptyQueue:
    """A guardians' queue in which nothing waits."""

    def pending(self, from_nonce: int) -> tuple[()]:
        return ()


@pytest.fixture
def look(world: World, chain: RpcChain) -> Callable[..., Facts]:
    """Observes the newest block, with further tokens listed."""

    def observed(*more: Token) -> Facts:
        return observe(chain, EmptyQueue(), Subject(world.account, (*world.tokens, *more), world.feeds, None, 0))

    return observed


@pytest.fixture
def deploy_mock(world: World) -> Callable[..., Address]:
    """Deploys a contract of contracts/test/mocks with its constructor's arguments."""

    def deployed(
        name: str, source: str | None = None, types: tuple[str, ...] = (), values: tuple[object, ...] = ()
    ) -> Address:
        artifact = json.loads((_OUT / f"{source or name}.sol" / f"{name}.json").read_text())
        return world.deploy(bytes.fromhex(artifact["bytecode"]["object"][2:]) + encode_arguments(types, values))

    return deployed


@pytest.fixture
def list_token(world: World) -> Callable[[Address, str], Token]:
    def listed(address: Address, name: str) -> Token:
        return Token(world.account, TokenId(name), address, 18)

    return listed


def load_pools(world: World, chain: RpcChain, block: Block) -> list[PoolState]:
    """Every pool of the world at `block`."""
    states = []
    for pool in world.contracts.pools:
        head = head_from(pool.address, chain.read(head_reads(pool.address), block))
        assert head is not None
        state = state_from(head, chain.read(tick_reads(world.contracts.tick_lens, head), block))
        assert state is not None
        states.append(state)
    return states


@pytest.fixture(scope="module")
def pools(module_world: World, module_chain: RpcChain) -> list[PoolState]:
    return load_pools(module_world, module_chain, module_chain.head())


@st.composite
def states(draw: st.DrawFn) -> PoolState:
    """Any pool: overlapping positions, gaps, any spacing and fee, a price anywhere among them."""
    spacing = draw(st.sampled_from([1, 10, 60, 200]))
    marks = draw(st.lists(st.integers(-1500, 1500), min_size=2, max_size=12, unique=True).filter(lambda m: len(m) > 1))
    nets: dict[int, int] = {}
    for lower, upper in zip(sorted(marks), sorted(marks)[1:], strict=False):
        liquidity = draw(st.one_of(st.just(0), st.integers(1, 10**6), st.integers(10**12, 10**24)))
        nets[lower * spacing] = nets.get(lower * spacing, 0) + liquidity
        nets[upper * spacing] = nets.get(upper * spacing, 0) - liquidity
    tick = draw(st.integers(min(nets), max(nets) - 1))
    price = draw(st.integers(sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1) - 1))
    liquidity = sum(net for mark, net in nets.items() if mark <= tick)
    ticks = tuple(PopulatedTick(mark, net) for mark, net in sorted(nets.items()))
    known = (min(nets) - 600 * spacing, max(nets) + 600 * spacing)
    fee = draw(st.sampled_from([100, 500, 3000, 10000]))
    return PoolState(NATIVE, Address("0xA"), Address("0xB"), fee, spacing, price, tick, liquidity, ticks, *known)


@pytest.fixture
def any_pool() -> st.SearchStrategy[PoolState]:
    """Draws pools of the tokens `0xA` and `0xB`."""
    return states()
