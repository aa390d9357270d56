"""A pool's average, against what the deployed pool itself remembers; and what a price is good for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.oracles import BLOCK_SECONDS, average_tick, confidence, moved_average, moves_its_oracle
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Round
from strongroom.ports import Read
from strongroom.protocols.abi import encode_call, view
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.valuation import Bounds, Problem
from strongroom.world.people import DEPLOYER
from strongroom.world.script import FOREVER
from strongroom.world.treasury import USDC, WETH
from strongroom.world.world import World

WINDOW = 1_800
BOUNDS = Bounds(3_600, 50, 2)
AT = 1_000_000


def cumulative(pool: Address, ago: int) -> Read[int]:
    """The accumulator `ago` seconds before the block."""
    return view(pool, "observe(uint32[])", ["int56[]", "uint160[]"], lambda ticks, _: ticks[0], [[ago]])


@pytest.fixture
def pool(world: World) -> Address:
    """It remembers 100 trades."""
    address = world.contracts.pool(WETH, USDC, 500).address
    world.send_as(DEPLOYER.address, address, encode_call("increaseObservationCardinalityNext(uint16)", 100), gas=10**7)
    return address


def sell(world: World, units: int, seconds: int) -> None:
    contracts = world.contracts
    swap = ExactInput(contracts.tokens[USDC], contracts.tokens[WETH], 500, DEPLOYER.address, FOREVER, units, 0)
    world.ask("evm_setNextBlockTimestamp", world.now() + seconds)
    assert world.send_as(DEPLOYER.address, contracts.swap_router, encode_exact_input(swap)).success


@pytest.mark.parametrize("blocks", [1, 2, 5, 25])
def test_the_average_after_a_trade_is_what_the_pool_says(
    world: World, chain: RpcChain, pool: Address, blocks: int
) -> None:
    """After a history of uneven trades, one large trade, and so many blocks in which nobody trades back."""
    for step in range(12):
        sell(world, (step % 4 + 1) * 2 * 10**10, 300 + 37 * step)
    sell(world, 10**12, 12)
    block, passed = chain.head(), blocks * BLOCK_SECONDS
    now, start = chain.read([cumulative(pool, 0), cumulative(pool, WINDOW - passed)], block)
    (tick,) = chain.read([view(pool, "slot0()", SLOT0, lambda *fields: fields[1], [])], block)
    world.advance(passed, feeds=False)
    later = chain.head()
    end, begin = chain.read([cumulative(pool, 0), cumulative(pool, WINDOW)], later)
    assert moved_average(start, now, WINDOW, tick, passed) == average_tick(begin, end, WINDOW)


SLOT0 = ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"]


@given(st.integers(-500_000, 500_000), st.integers(-500_000, 500_000), st.integers(60, 86_400))
def test_a_trade_moves_its_oracle_further_the_longer_it_stands(before: int, after: int, window: int) -> None:
    moved = moves_its_oracle(before, after, window)
    assert [each.blocks for each in moved] == [1, 2, 5, 25]
    away = [abs(each.tick - before) for each in moved]
    assert all(first <= second + 1 for first, second in pairwise(away))
    assert all(min(before, after) - 1 <= each.tick <= max(before, after) for each in moved)


def test_what_was_measured_in_the_field() -> None:
    """Spot from 3,000 to 39,687 in one block: the half-hour average then moves by 1.7, 3.5, 9 and 54 percent."""
    ticks = 25_826
    moved = [round(each.bps / 100, 1) for each in moves_its_oracle(0, ticks, WINDOW)]
    assert moved == [1.7, 3.5, 9.0, 53.8]


def test_a_window_that_has_passed_shows_the_new_price_alone() -> None:
    assert moves_its_oracle(100, 900, 60)[-1].tick == 900
    with pytest.raises(ValueError, match="has no average"):
        average_tick(0, 1, 0)


def rounds(*answers: int, age: int = 60) -> list[Round]:
    return [Round(Address(f"0x{n:040x}"), 8, 7, answer, AT - age, AT - age, 7) for n, answer in enumerate(answers, 1)]


def test_confidence_counts_spread_age_and_drift() -> None:
    found = confidence(rounds(300_000_000_000, 300_300_000_000), AT, BOUNDS, daily_volatility=0.04)
    assert not isinstance(found, Problem)
    assert (found.spread_bps, found.age_seconds) == (10, 60)
    assert found.drift_bps == pytest.approx(0.04 * (60 / 86_400) ** 0.5 * 10_000)


Spoil = Callable[[Round], Round]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda r: replace(r, updated_at=AT - 3_601), "3601 s old"),
        (lambda r: replace(r, answer=0), "answers `0`"),
        (lambda r: replace(r, answer=-1), "answers `-1`"),
        (lambda r: replace(r, updated_at=0), "has not completed"),
        (lambda r: replace(r, answered_in_round=6), "carries an old answer"),
        (lambda r: replace(r, updated_at=AT + 1), "in the future"),
    ],
)
def test_each_failure_of_a_feed_is_named(spoil: Spoil, why: str) -> None:
    first, second = rounds(10**11, 10**11)
    found = confidence([first, spoil(second)], AT, BOUNDS, 0.0)
    assert isinstance(found, Problem) and why in found.reason


@pytest.mark.parametrize("volatility", [-0.1, float("nan"), float("inf")])
def test_a_volatility_that_is_none_is_refused(volatility: float) -> None:
    with pytest.raises(ValueError, match="is no volatility"):
        confidence(rounds(1, 1), AT, BOUNDS, volatility)
