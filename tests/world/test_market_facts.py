"""Averages of real pools and past rounds of real feeds, observed at one block; nothing of either where nobody asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent.app import subject_of
from agent.example import policy
from guardians.documents import subject_of as subject_of_policy
from policies.pool_prices import apart_bps_up
from policies.swings import swing_bps_up
from policies.terms import PolicyDocument
from policies.trading import TradingTerms, VolatilityTerms
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Block, Facts, PoolState, TokenId
from strongroom.observe import Subject, observe
from strongroom.ports import Read
from strongroom.protocols.abi import encode_call
from strongroom.valuation import Problem
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import STRANGER
from strongroom.world.treasury import DAI, ETH, PRICES_E8, USDC, WETH
from strongroom.world.world import World

HALF_HOUR, DAY = 1_800, 86_400
PRICE_E8 = PRICES_E8[WETH][0]


def document(world: World) -> PolicyDocument:
    terms = TradingTerms(average_seconds=HALF_HOUR, max_from_average_bps=100)
    return replace(policy(world), trading=terms, volatility=VolatilityTerms(DAY, 300))


def look(world: World, chain: RpcChain, subject: Subject | None = None) -> Facts:
    asked = subject or subject_of(document(world), None)
    return observe(chain, MemoryQueue(world.account, (), {}), asked)


def pool_of(world: World, facts: Facts) -> PoolState:
    """One in which ether trades."""
    weth = world.contracts.tokens[WETH]
    return next(pool for pool in facts.pools if weth in (pool.token0, pool.token1))


def remember(world: World, pool: Address, count: int) -> None:
    data = encode_call("increaseObservationCardinalityNext(uint16)", count)
    world.send_as(STRANGER.address, pool, data)


def mean_tick(facts: Facts, pool: Address) -> int | None:
    return next((each.mean_tick for each in facts.averages if each.pool == pool), None)


def test_a_pool_that_nobody_moved_stands_at_its_average(world: World, chain: RpcChain) -> None:
    world.advance(HALF_HOUR)
    facts = look(world, chain)
    assert {each.pool for each in facts.averages} == {pool.pool for pool in facts.pools}
    for pool in facts.pools:
        # The price lies within its tick, and the mean is the tick itself.
        assert mean_tick(facts, pool.pool) == pool.tick
        assert apart_bps_up(pool, pool.tick) <= 1


def test_a_pool_that_moved_and_forgets_has_no_average(world: World, chain: RpcChain) -> None:
    world.advance(HALF_HOUR)
    world.move_market(WETH, PRICE_E8 * 97 // 100)
    facts = look(world, chain)
    pool = pool_of(world, facts)
    assert mean_tick(facts, pool.pool) is None


def test_a_moved_pool_that_remembers_tells_its_exact_mean(world: World, chain: RpcChain) -> None:
    first = pool_of(world, look(world, chain))
    remember(world, first.pool, 8)
    world.advance(HALF_HOUR)
    world.move_market(WETH, PRICE_E8 * 97 // 100)
    moved = look(world, chain)
    second, at = pool_of(world, moved), moved.block.timestamp
    assert second.tick != first.tick
    for wait in (1, 599, 600, 601):
        world.advance(wait)
        facts = look(world, chain)
        # The trade was mined in one of the last blocks: what the pool keeps says when.
        kept = chain.read([_last_observation(first.pool)], facts.block)[0]
        since = min(facts.block.timestamp - kept, HALF_HOUR)
        assert at - 600 <= kept <= at
        exact = (first.tick * (HALF_HOUR - since) + second.tick * since) // HALF_HOUR
        assert mean_tick(facts, first.pool) == exact
    assert apart_bps_up(second, first.tick) > 100


def _last_observation(pool: Address) -> Read[int]:
    from strongroom.protocols.abi import view

    returns = ["uint32", "int56", "uint160", "bool"]
    return view(pool, "observations(uint256)", returns, lambda at, *_: int(at), [1])


def test_past_rounds_are_the_feeds_own_back_to_the_window(world: World, chain: RpcChain) -> None:
    world.advance(DAY)
    for share in (98, 104, 100):
        world.advance(3_600)
        world.set_price(WETH, PRICE_E8 * share // 100)
    facts = look(world, chain)
    rounds = facts.past_rounds[WETH]
    assert [each.answer * 100 // PRICE_E8 for each in rounds][:5:2] == [100, 104, 98]
    assert rounds[0] == facts.rounds[WETH][0] and rounds == facts.past_rounds[ETH]
    assert [each.round_id for each in rounds] == [rounds[0].round_id - back for back in range(len(rounds))]
    since = facts.block.timestamp - DAY
    assert rounds[-1].updated_at <= since < rounds[-2].updated_at
    assert swing_bps_up(WETH, facts, document(world), DAY) == 613
    assert swing_bps_up(ETH, facts, document(world), DAY) == 613


def test_a_feed_younger_than_the_window_tells_no_swing(world: World, chain: RpcChain) -> None:
    asked = replace(document(world), volatility=VolatilityTerms(7 * DAY, 300))
    facts = look(world, chain, subject_of(asked, None))
    assert facts.past_rounds[WETH][0] == facts.rounds[WETH][0]
    assert isinstance(swing_bps_up(WETH, facts, asked, 7 * DAY), Problem)


class Counting:
    """The real chain, and how many batches and reads it was asked for."""

    def __init__(self, chain: RpcChain) -> None:
        self._chain, self.sizes = chain, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        self.sizes.append(len(reads))
        return self._chain.read(reads, block)


def test_nothing_more_is_read_unless_the_policy_asks(world: World, chain: RpcChain) -> None:
    plain = policy(world)
    assert subject_of_policy(plain).pools == () == subject_of_policy(plain).pairs
    quiet, asking = Counting(chain), Counting(chain)
    facts = observe(quiet, MemoryQueue(world.account, (), {}), subject_of(plain, None))  # type: ignore[arg-type]
    observe(asking, MemoryQueue(world.account, (), {}), subject_of(document(world), None))  # type: ignore[arg-type]
    assert facts.averages == () and facts.past_rounds == {}
    assert asking.sizes[0] == quiet.sizes[0] + len(facts.pools)
    assert len(asking.sizes) == len(quiet.sizes) + 1


def test_guardians_read_what_a_rule_asks_for(world: World, chain: RpcChain) -> None:
    world.advance(HALF_HOUR)
    theirs, ours = look(world, chain, subject_of_policy(document(world))), look(world, chain)
    seen = [(facts.pools, facts.pairs, facts.averages, facts.past_rounds) for facts in (theirs, ours)]
    assert seen[0] == seen[1]
    assert {TokenId("USDC"), DAI, WETH} <= theirs.past_rounds.keys() and USDC in theirs.past_rounds
