"""What stands on the local chain: the real contracts, answering as they do elsewhere."""

from __future__ import annotations

import time
from dataclasses import astuple

import pytest

from strongroom.addresses import keccak
from strongroom.chain.rpc import RpcChain
from strongroom.mandate import monthly_need, runway_months
from strongroom.model import NATIVE, Address, TokenId
from strongroom.observe import safe_state
from strongroom.protocols import chainlink, erc20, uniswap_v3
from strongroom.world.aave_v3 import Lending
from strongroom.world.contracts import Contracts
from strongroom.world.people import GUARDIANS, PEOPLE, Person
from strongroom.world.treasury import DAI, DECIMALS, HALL, PRICES_E8, TREASURY, USDC, WETH
from strongroom.world.uniswap_v3 import VENUES, Venue
from strongroom.world.world import World

OFFICIAL_CODE_HASHES = {
    "safe_singleton": "b1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff",
    "multisend": "ecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939",
}
"""Of SafeL2 and MultiSendCallOnly 1.4.1 (source: safe-deployments, `src/assets/v1.4.1`)."""


@pytest.mark.parametrize("name", OFFICIAL_CODE_HASHES)
def test_safe_code_is_that_of_the_official_deployment(name: str, world: World, chain: RpcChain) -> None:
    code = chain.code(getattr(world.contracts, name), chain.head())
    assert keccak(code).hex() == OFFICIAL_CODE_HASHES[name]


def test_the_safe_has_three_owners_two_of_whom_decide(world: World, chain: RpcChain) -> None:
    state = safe_state(chain, world.contracts.safe, chain.head())
    assert state.version == "1.4.1"
    assert state.singleton == world.contracts.safe_singleton
    assert set(state.owners) == {person.address for person in GUARDIANS}
    assert (state.threshold, state.nonce, state.modules, state.guard) == (2, 0, (), NATIVE)
    assert state.fallback_handler == world.contracts.fallback_handler


def test_every_address_holds_code(world: World, chain: RpcChain) -> None:
    block, contracts = chain.head(), world.contracts
    named = [getattr(contracts, field) for field in Contracts.__dataclass_fields__ if field not in _COLLECTIONS]
    tokens = [address for address in contracts.tokens.values() if address != NATIVE]
    feeds = [address for pair in contracts.feeds.values() for feed in pair for address in (feed.proxy, feed.aggregator)]
    pools = [pool.address for pool in (*contracts.pools, *contracts.pairs)]
    lending = [getattr(contracts.lending, field) for field in Lending.__dataclass_fields__ if field != "reserves"]
    reserves = [address for reserve in contracts.lending.reserves.values() for address in astuple(reserve)]
    assert all(chain.code(each, block) for each in (*named, *tokens, *feeds, *pools, *lending, *reserves))


_COLLECTIONS = ("tokens", "feeds", "pools", "pairs", "lending")


def test_the_treasury_holds_what_the_example_says(world: World, chain: RpcChain) -> None:
    block = chain.head()
    erc20s = [token for token in world.tokens if token.address != NATIVE]
    reads = [erc20.read_balance(token.address, world.contracts.safe) for token in erc20s]
    held = dict(zip([token.id for token in erc20s], chain.read(reads, block), strict=True))
    held[TokenId("ETH")] = chain.balances_wei([world.contracts.safe], block)[0]
    assert held == TREASURY.holdings


def test_tokens_tell_the_decimals_and_symbols_they_are_listed_with(world: World, chain: RpcChain) -> None:
    erc20s = [token for token in world.tokens if token.address != NATIVE]
    decimals = chain.read([erc20.read_decimals(token.address) for token in erc20s], chain.head())
    symbols = chain.read([erc20.read_symbol(token.address) for token in erc20s], chain.head())
    assert decimals == [token.decimals for token in erc20s] == [DECIMALS[token.id] for token in erc20s]
    assert symbols == [token.id for token in erc20s]


def test_the_runway_is_fourteen_months_in_both_stables() -> None:
    assert runway_months(TREASURY.mandate, TREASURY.holdings) == 14
    for token, monthly in monthly_need(TREASURY.mandate).items():
        assert TREASURY.holdings[token] == 14 * monthly


def test_payroll_goes_to_five_distinct_payees() -> None:
    assert [payee.id for payee in TREASURY.payees] == ["alice", "bob", "chidi", "dana", "emre"]
    assert len({payee.address for payee in TREASURY.payees}) == 5
    assert monthly_need(TREASURY.mandate) == {USDC: 28_500 * 10**6, DAI: 13_000 * 10**18}


def test_weights_add_up_and_hold_at_the_start() -> None:
    assert sum(weight.target_bps for weight in TREASURY.weights.values()) == 10_000
    worth = {token: _usd_e8(token) for token in TREASURY.weights}
    for token, weight in TREASURY.weights.items():
        share_bps = worth[token] * 10_000 // sum(worth.values())
        assert abs(share_bps - weight.target_bps) <= weight.band_bps


def test_most_of_the_treasury_is_its_own_token_and_ether() -> None:
    own, ether = _usd_e8(HALL), _usd_e8(WETH) + TREASURY.holdings[TokenId("ETH")] * PRICES_E8[WETH][0] // 10**18
    stables = _usd_e8(USDC) + _usd_e8(DAI)
    assert own > ether > stables > 0


def _usd_e8(token: TokenId) -> int:
    return TREASURY.holdings[token] * PRICES_E8[token][0] // 10 ** DECIMALS[token]


@pytest.mark.parametrize("token", PRICES_E8)
def test_each_priced_token_has_two_independent_fresh_sources(token: TokenId, world: World, chain: RpcChain) -> None:
    block = chain.head()
    feeds = world.contracts.feeds[token]
    rounds = [chainlink.round_from(feed.proxy, chain.read(chainlink.round_reads(feed.proxy), block)) for feed in feeds]
    assert len({feed.proxy for feed in feeds}) == len({feed.aggregator for feed in feeds}) == 2
    assert [r and (r.answer, r.decimals) for r in rounds] == [(answer, 8) for answer in PRICES_E8[token]]
    assert all(r is not None and r.answered_in_round >= r.round_id > 0 for r in rounds)
    assert all(r is not None and block.timestamp - 60 <= r.updated_at <= block.timestamp for r in rounds)
    assert abs(block.timestamp - time.time()) < 60


@pytest.mark.parametrize("venue", VENUES, ids=lambda venue: "/".join(venue.pair) + f" {venue.fee_pips}")
def test_the_quoter_quotes_each_pool_near_the_feeds(venue: Venue, world: World, chain: RpcChain) -> None:
    """Selling 1,000 USD worth either way costs the fee, the pool's own skew, and less than 0.1 % of slippage."""
    for sold, bought in (venue.pair, venue.pair[::-1]):
        units_in = 1_000 * 10**8 * 10 ** DECIMALS[sold] // PRICES_E8[sold][0]
        tokens = world.contracts.tokens
        read = uniswap_v3.read_quote_in(world.contracts.quoter, tokens[sold], tokens[bought], venue.fee_pips, units_in)
        (quote,) = chain.read([read], chain.head())
        usd_out_e8 = quote.units * PRICES_E8[bought][0] // 10 ** DECIMALS[bought]
        cost_pips = 1_000_000 - usd_out_e8 * 1_000_000 // (1_000 * 10**8)
        assert abs(cost_pips - venue.fee_pips) <= abs(venue.skew_bps) * 100 + 1_000


def test_pools_stand_where_the_factory_says(world: World, chain: RpcChain) -> None:
    contracts = world.contracts
    reads = [
        uniswap_v3.read_pool(contracts.uniswap_factory, *[contracts.tokens[t] for t in pool.pair], pool.fee_pips)
        for pool in contracts.pools
    ]
    assert chain.read(reads, chain.head()) == [pool.address for pool in contracts.pools]
    assert {pool.fee_pips for pool in contracts.pools if set(pool.pair) == {WETH, USDC}} == {500, 3000, 10000}


def test_liquidity_lies_over_many_ticks_unevenly(world: World, chain: RpcChain) -> None:
    block, total = chain.head(), 0
    for pool in world.contracts.pools:
        ticks = _ticks(world, chain, pool.address)
        assert sum(tick.liquidity_net for tick in ticks) == 0
        assert len({abs(tick.liquidity_net) for tick in ticks}) >= 6
        assert chain.read([uniswap_v3.read_liquidity(pool.address)], block)[0] > 0
        total += len(ticks)
    assert total >= 40


def _ticks(world: World, chain: RpcChain, pool: Address) -> list[uniswap_v3.PopulatedTick]:
    block = chain.head()
    spacing, (_, tick) = chain.read([uniswap_v3.read_tick_spacing(pool), uniswap_v3.read_slot0(pool)], block)
    # No position reaches further than 16,000 ticks from its start, but for the grid.
    words = range((tick - 17_000) // spacing >> 8, ((tick + 17_000) // spacing >> 8) + 1)
    reads = [uniswap_v3.read_populated_ticks(world.contracts.tick_lens, pool, word) for word in words]
    return [each for ticks in chain.read(reads, block) for each in ticks]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.name)
def test_everyone_is_an_account_of_the_public_mnemonic(person: Person) -> None:
    from eth_account import Account

    assert PEOPLE[person.index] == person
    assert Account.from_key(person.key).address == person.address
