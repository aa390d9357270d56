"""`policy twap`: a token with one feed gets its second price from a pool, and then the agent may swap it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, TokenId
from strongroom.protocols.abi import encode_call
from strongroom.protocols.chainlink import round_from, round_reads
from strongroom.protocols.twap_feed import TwapTerms, twap_from, twap_reads
from strongroom.world.people import STRANGER
from strongroom.world.treasury import PRICES_E8, USDC, WETH
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site

HOUR = 3_600
KEPT = 1_000


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    """WETH has one feed of its own, and its pool keeps ticks enough for three hours."""
    made = Site.of(world, chain, tmp_path)
    remembering(world, pool_of(world, WETH, USDC, 500), KEPT)
    policy = made.policy
    listed = policy.tokens[WETH]
    assert listed.feeds
    world.advance(2 * HOUR)
    return made


def pool_of(world: World, first: TokenId, second: TokenId, fee_pips: int) -> Address:
    found = (each for each in world.contracts.pools if (each.pair, each.fee_pips) == ((first, second), fee_pips))
    return next(found).address


def remembering(world: World, pool: Address, ticks: int) -> None:
    """Anybody may make a pool remember more."""
    data = encode_call("increaseObservationCardinalityNext(uint16)", ticks)
    assert world.send_as(STRANGER.address, pool, data, gas=30_000_000).success


def test_anybody_makes_the_planned_feed_and_it_tells_the_market_price(site: Site, run: Run) -> None:
    pool = pool_of(site.world, WETH, USDC, 500)
    code, out, _ = run("policy", "twap", "WETH", "--pool", pool, "--quote", "USDC", "--json", "--config", site.folder)
    planned = json.loads(out)
    assert code == 0 and not planned["stands"]
    data = bytes.fromhex(planned["data"][2:])
    assert site.world.send_as(STRANGER.address, planned["to"], data).success
    feed, head = Address(planned["feed"]), site.chain.head()
    usdc_feed = site.policy.feeds_of(USDC)[0]
    expected = TwapTerms(pool, site.world.contracts.tokens[WETH], usdc_feed, HOUR, planned["min_liquidity"])
    assert twap_from(site.chain.read(twap_reads(feed), head)) == expected
    found = round_from(feed, site.chain.read(round_reads(feed), head))
    assert found is not None
    assert abs(found.answer // 10**10 - PRICES_E8[WETH][0]) * 1_000 < PRICES_E8[WETH][0]
    again = json.loads(
        run("policy", "twap", "WETH", "--pool", pool, "--quote", "USDC", "--json", "--config", site.folder)[1]
    )
    assert (again["stands"], again["feed"]) == (True, feed)


def test_the_policy_takes_it_as_the_second_feed(site: Site, run: Run) -> None:
    pool = pool_of(site.world, WETH, USDC, 500)
    _, out, _ = run("policy", "twap", "WETH", "--pool", pool, "--quote", "USDC", "--config", site.folder)
    line = next(line.strip() for line in out.splitlines() if line.strip().startswith("feeds = "))
    feeds = tuple(json.loads(line.removeprefix("feeds = ")))
    policy = site.policy
    changed = site.rewrite(replace(policy, tokens={**policy.tokens, WETH: replace(policy.tokens[WETH], feeds=feeds)}))
    assert changed.feeds_of(WETH) == feeds


def test_a_quiet_pool_that_one_trade_makes_forget_is_refused(
    world: World, chain: RpcChain, tmp_path: Path, run: Run
) -> None:
    """It looks as if it remembered, and anybody could silence swaps and watch by dust."""
    bare = Site.of(world, chain, tmp_path)
    world.advance(2 * HOUR)
    pool = pool_of(world, WETH, USDC, 500)
    code, _, err = run("policy", "twap", "WETH", "--pool", pool, "--quote", "USDC", "--config", bare.folder)
    assert code == 1
    assert "keeps 1 of its past ticks, and 301 may pass in 1 hour" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["GOLD", "--quote", "USDC"], "`GOLD` cannot be used for a token; policy.toml lists `ETH`"),
        (["WETH", "--quote", "DAI"], "name the Uniswap V3 pool of WETH and DAI"),
        (["WETH", "--quote", "ETH"], "has it as well: two sources, not one twice"),
        (["WETH", "--quote", "USDC", "--window", "29 minutes"], "`29 minutes` cannot be used for the window; it is"),
        (["WETH", "--quote", "USDC", "--min-liquidity", "0"], "`0` cannot be used for the least liquidity"),
        (["WETH", "--quote", "USDC", "--window", "3 hours"], "it does not remember 3 hours"),
        (
            ["WETH", "--quote", "USDC", "--window", "1 day"],
            "keeps 1,000 of its past ticks, and 7,201 may pass in 1 day",
        ),
    ],
)
def test_what_the_contract_would_refuse_is_refused_before(
    site: Site, run: Run, arguments: list[str], told: str
) -> None:
    pool = pool_of(site.world, WETH, USDC, 500)
    code, out, err = run("policy", "twap", *arguments, "--pool", pool, "--config", site.folder)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert told in err


def test_a_quote_without_a_price_prices_nothing(site: Site, run: Run) -> None:
    policy, hall = site.policy, TokenId("HALL")
    bare = replace(policy.tokens[hall], feeds=(), source=None)
    caps = {name: each for name, each in policy.caps.items() if name != "swaps"}
    site.rewrite(replace(policy, tokens={**policy.tokens, hall: bare}, venues={}, caps=caps, losses=None))
    pool = pool_of(site.world, hall, WETH, 3000)
    _, _, err = run("policy", "twap", "WETH", "--quote", "HALL", "--pool", pool, "--config", site.folder)
    assert "[tokens.HALL] of policy.toml names no `feeds`; the pool's other token needs a price of its own" in err
