"""Aave V3 as it stands in the world, the codec against the real pool, and what facts say of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Block, Facts, LendingReserve, LendingState, TokenId
from strongroom.observe import Subject, observe
from strongroom.plain import from_plain, to_plain
from strongroom.ports import Read
from strongroom.protocols import erc20
from strongroom.protocols.aave_v3 import (
    AMOUNT_WORD,
    SUPPLY,
    WITHDRAW,
    AccountData,
    Supply,
    Withdraw,
    decode_supply,
    decode_withdraw,
    encode_supply,
    encode_withdraw,
    read_reserve,
)
from strongroom.protocols.aave_v3_market import Market, market_from
from strongroom.protocols.abi import encode_call, view
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.aave_v3 import LISTINGS
from strongroom.world.people import DEPLOYER, GUARDIANS, STRANGER
from strongroom.world.treasury import DAI, HALL, PRICES_E8, USDC, WETH, units
from strongroom.world.world import World

YEAR = 365 * 86_400
LENT = tuple(listing.token for listing in LISTINGS)


def market(world: World) -> Market:
    lending = world.contracts.lending
    return Market(lending.pool, tuple((reserve.asset, reserve.a_token) for reserve in lending.reserves.values()))


def look(world: World, chain: RpcChain, *markets: Market) -> Facts:
    subject = Subject(world.account, world.tokens, world.feeds, None, 0, lending=markets or (market(world),))
    return observe(chain, MemoryQueue(world.account, (), {}), subject)


def lending_of(world: World, chain: RpcChain) -> LendingState:
    (state,) = look(world, chain).lending
    return state


def reserve_of(world: World, chain: RpcChain, token: TokenId) -> LendingReserve:
    (found,) = [r for r in lending_of(world, chain).reserves if r.asset == world.contracts.tokens[token]]
    return found


def act(world: World, to: Address, data: bytes) -> bool:
    """The Safe's own transaction."""
    return world.safe_exec(world.account, GUARDIANS[:2], to, data).success


def supply(world: World, token: TokenId, amount: int) -> bool:
    asset, pool = world.contracts.tokens[token], world.contracts.lending.pool
    assert act(world, asset, erc20.encode_approve(pool, amount))
    return act(world, pool, encode_supply(Supply(asset, amount, world.account.safe)))


def withdraw(world: World, token: TokenId, amount: int) -> bool:
    order = Withdraw(world.contracts.tokens[token], amount, world.account.safe)
    return act(world, world.contracts.lending.pool, encode_withdraw(order))


def administer(world: World, signature: str, *values: Any) -> None:
    data = encode_call(signature, *values)
    assert world.send_as(DEPLOYER.address, world.contracts.lending.configurator, data).success


def borrow(world: World, borrower: Address, token: TokenId, amount: int) -> bool:
    call = encode_call(
        "borrow(address,uint256,uint256,uint16,address)", world.contracts.tokens[token], amount, 2, 0, borrower
    )
    return world.send_as(borrower, world.contracts.lending.pool, call).success


# THE MARKET


def test_everything_stands_where_the_provider_and_its_data_provider_say(world: World, chain: RpcChain) -> None:
    lending, block = world.contracts.lending, chain.head()
    named = [
        view(lending.provider, f"get{name}()", ["address"], Address)
        for name in ("Pool", "PoolConfigurator", "PriceOracle", "PoolDataProvider")
    ]
    places = [lending.pool, lending.configurator, lending.oracle, lending.data_provider]
    assert chain.read(named, block) == places
    signature, three = "getReserveTokensAddresses(address)", ["address"] * 3
    for reserve in lending.reserves.values():
        read = view(
            lending.data_provider, signature, three, lambda a, _stable, variable: (a, variable), [reserve.asset]
        )
        assert chain.read([read], block) == [(reserve.a_token, reserve.variable_debt)]


def test_the_oracle_follows_the_feeds(world: World, chain: RpcChain) -> None:
    signature = "getAssetPrice(address)"
    reads = [
        view(world.contracts.lending.oracle, signature, ["uint256"], int, [world.contracts.tokens[token]])
        for token in LENT
    ]
    assert chain.read(reads, chain.head()) == [PRICES_E8[token][0] for token in LENT]
    world.set_price(WETH, 2_000 * 10**8)
    assert chain.read(reads, chain.head())[LENT.index(WETH)] == 2_000 * 10**8


@pytest.mark.parametrize("token", LENT)
def test_suppliers_earn_and_there_is_liquidity_beyond_the_whole_treasury(
    token: TokenId, world: World, chain: RpcChain
) -> None:
    reserve, listing = reserve_of(world, chain, token), LISTINGS[LENT.index(token)]
    # What borrowers pay, times the share that is borrowed, less the reserve factor of a tenth.
    usage = listing.borrowed / listing.supplied
    paid = listing.rate_percent * 100 * usage / (listing.optimal_percent / 100)
    assert reserve.supply_rate_bps == int(paid * usage * 0.9)
    assert reserve.available_units == units(token, listing.supplied - listing.borrowed)
    assert reserve.available_units > 2 * world.treasury.holdings[token]
    assert reserve.supply_room_units == units(token, listing.supply_cap - listing.supplied)
    assert (reserve.active, reserve.frozen, reserve.paused, reserve.supplied_units) == (True, False, False, 0)


# THE CODEC

addresses = st.binary(min_size=20, max_size=20).map(to_address)
amounts = st.integers(0, 2**256 - 2)


@given(addresses, amounts, addresses)
def test_orders_survive_the_round_trip_and_differ_from_their_blanks_in_one_word_only(
    asset: Address, amount: int, holder: Address
) -> None:
    lent, taken = Supply(asset, amount, holder), Withdraw(asset, amount, holder)
    pairs = [
        (encode_supply(lent), encode_supply(Supply(asset, 0, holder))),
        (encode_withdraw(taken), encode_withdraw(Withdraw(asset, 0, holder))),
    ]
    for data, blank in pairs:
        assert blank[:AMOUNT_WORD] + amount.to_bytes(32, "big") + blank[AMOUNT_WORD + 32 :] == data
    assert decode_supply(pairs[0][0]) == lent
    assert decode_withdraw(pairs[1][0]) == taken


def test_a_referral_and_whatever_there_is_are_no_orders(world: World) -> None:
    asset, safe = world.contracts.tokens[USDC], world.account.safe
    with pytest.raises(ValueError, match="referral"):
        decode_supply(encode_call(SUPPLY, asset, 1, safe, 7))
    with pytest.raises(ValueError, match="no amount to judge"):
        decode_withdraw(encode_call(WITHDRAW, asset, 2**256 - 1, safe))
    with pytest.raises(ValueError, match="no amount to judge"):
        encode_withdraw(Withdraw(asset, 2**256 - 1, safe))
    with pytest.raises(ValueError, match="withdraw"):
        decode_withdraw(encode_supply(Supply(asset, 1, safe)))


@pytest.mark.parametrize("token", LENT)
def test_the_safe_lends_and_takes_back_exactly(token: TokenId, world: World, chain: RpcChain) -> None:
    """The position may be a unit off when it is rounded to scaled units; what is paid out is what was asked."""
    amount, asset = world.treasury.holdings[token] // 3, world.contracts.tokens[token]
    held = erc20.read_balance(asset, world.account.safe)
    before = world.treasury.holdings[token]
    assert supply(world, token, amount)
    assert chain.read([held], chain.head()) == [before - amount]
    assert abs(reserve_of(world, chain, token).supplied_units - amount) <= 1
    world.advance(30 * 86_400)
    grown = reserve_of(world, chain, token).supplied_units
    assert grown > amount
    assert withdraw(world, token, amount)
    assert chain.read([held], chain.head()) == [before]
    rest = reserve_of(world, chain, token).supplied_units
    assert withdraw(world, token, rest)
    assert chain.read([held], chain.head()) == [before + rest]
    assert not withdraw(world, token, units(token, 1))


# FACTS


@pytest.mark.parametrize("token", LENT)
def test_a_year_earns_the_rate_that_facts_name(token: TokenId, world: World, chain: RpcChain) -> None:
    assert supply(world, token, world.treasury.holdings[token] // 2)
    start = reserve_of(world, chain, token)
    world.advance(YEAR)
    grown = reserve_of(world, chain, token).supplied_units
    earned_bps = (grown - start.supplied_units) * 10_000 / start.supplied_units
    assert start.supply_rate_bps <= earned_bps < start.supply_rate_bps + 1


def test_no_more_is_available_than_borrowers_have_left(world: World, chain: RpcChain) -> None:
    assert supply(world, USDC, units(USDC, 100_000))
    left = reserve_of(world, chain, USDC).available_units
    assert borrow(world, DEPLOYER.address, USDC, left - 1_000)
    reserve = reserve_of(world, chain, USDC)
    assert reserve.available_units == 1_000
    assert not withdraw(world, USDC, 1_001)
    assert withdraw(world, USDC, 1_000)


def test_the_room_under_the_supply_cap_is_the_pools_own(world: World, chain: RpcChain) -> None:
    """It shrinks by the interest of the seconds since; without a cap there is no bound."""
    asset = world.contracts.tokens[USDC]
    administer(world, "setSupplyCap(address,uint256)", asset, 20_100_000)
    world.advance(YEAR // 12)
    room = reserve_of(world, chain, USDC).supply_room_units
    assert room is not None
    assert 0 < room < units(USDC, 100_000)
    assert not supply(world, USDC, room + 1)
    assert supply(world, USDC, room - units(USDC, 10_000))
    administer(world, "setSupplyCap(address,uint256)", asset, 20_000_000)
    assert reserve_of(world, chain, USDC).supply_room_units == 0
    administer(world, "setSupplyCap(address,uint256)", asset, 0)
    assert reserve_of(world, chain, USDC).supply_room_units is None


def test_the_room_is_exact_to_the_unit_at_the_block_of_the_last_touch(world: World, chain: RpcChain) -> None:
    """What Aave's own treasury has earned counts under the cap too."""
    asset, pool, safe = world.contracts.tokens[USDC], world.contracts.lending.pool, world.account.safe
    administer(world, "setSupplyCap(address,uint256)", asset, 20_700_000)
    assert act(world, asset, erc20.encode_approve(pool, 2**128))
    world.advance(YEAR)
    assert act(world, pool, encode_supply(Supply(asset, 1, safe)))
    room = reserve_of(world, chain, USDC).supply_room_units
    assert room is not None
    assert units(USDC, 1) < room < units(USDC, 300_000)
    at = {"blockHash": chain.head().hash}
    for amount, accepted in ((room, True), (room + 1, False)):
        data = "0x" + encode_supply(Supply(asset, amount, safe)).hex()
        with nullcontext() if accepted else pytest.raises(NodeRefused):
            world.ask("eth_call", {"from": safe, "to": pool, "data": data}, at)


def test_nothing_is_known_of_a_market_whose_account_does_not_answer(world: World) -> None:
    bare, account = Market(world.contracts.lending.pool, ()), AccountData(1, 0, 2**256 - 1)
    assert market_from(bare, [account, False]) is not None
    assert market_from(bare, [None, False]) is None
    assert market_from(bare, [account, None]) is None


def test_frozen_and_paused_reserves_say_so_and_do_as_they_say(world: World, chain: RpcChain) -> None:
    asset, some = world.contracts.tokens[DAI], units(DAI, 1_000)
    assert supply(world, DAI, some)
    administer(world, "setReserveFreeze(address,bool)", asset, True)
    frozen = reserve_of(world, chain, DAI)
    assert (frozen.active, frozen.frozen, frozen.paused) == (True, True, False)
    assert not supply(world, DAI, some)
    assert withdraw(world, DAI, some // 2)
    administer(world, "setReserveFreeze(address,bool)", asset, False)
    administer(world, "setReservePause(address,bool)", asset, True)
    paused = reserve_of(world, chain, DAI)
    assert (paused.active, paused.frozen, paused.paused) == (True, False, True)
    assert not withdraw(world, DAI, 1)


def test_an_asset_that_is_not_listed_is_inactive(world: World, chain: RpcChain) -> None:
    read = read_reserve(world.contracts.lending.pool, world.contracts.tokens[HALL])
    (data,) = chain.read([read], chain.head())
    assert (data.a_token, data.active, data.supply_rate_ray) == (NATIVE, False, 0)


def test_debt_shows_with_its_health_which_falls_with_the_price(world: World, chain: RpcChain) -> None:
    assert supply(world, WETH, 10 * 10**18)
    clean = lending_of(world, chain)
    assert (clean.borrows, clean.debt_e8, clean.health_factor_e18) == (False, 0, None)
    assert clean.collateral_e8 == pytest.approx(30_000 * 10**8, rel=1e-9)
    assert borrow(world, world.account.safe, USDC, units(USDC, 12_000))
    owing = lending_of(world, chain)
    assert owing.borrows
    assert owing.debt_e8 == pytest.approx(12_000 * 10**8, rel=1e-6)
    assert owing.health_factor_e18 == pytest.approx(30_000 * 0.825 / 12_000 * 1e18, rel=1e-6)
    world.move_market(WETH, 1_400 * 10**8)
    fallen = lending_of(world, chain).health_factor_e18
    assert fallen == pytest.approx(14_000 * 0.825 / 12_000 * 1e18, rel=1e-5)
    assert fallen is not None
    assert fallen < 10**18


def test_a_debt_too_small_for_a_price_is_a_debt_all_the_same(world: World, chain: RpcChain) -> None:
    assert supply(world, WETH, 10**18)
    assert borrow(world, world.account.safe, DAI, 1)
    state = lending_of(world, chain)
    assert (state.borrows, state.debt_e8) == (True, 0)


def test_what_does_not_answer_as_the_policy_names_it_is_left_out(world: World, chain: RpcChain) -> None:
    """Another's aToken, an asset that is not listed, a pool that is none: absent, never zero."""
    right, tokens = market(world), world.contracts.tokens
    usdc, dai, _ = right.reserves
    crossed = Market(right.pool, ((usdc[0], dai[1]), (tokens[HALL], NATIVE), dai))
    (state,) = look(world, chain, crossed).lending
    assert [reserve.asset for reserve in state.reserves] == [dai[0]]
    assert look(world, chain, Market(tokens[USDC], (usdc,)), Market(NATIVE, ())).lending == ()
    (bare,) = look(world, chain, Market(right.pool, ())).lending
    assert bare.reserves == ()


class CountedReads:
    """The real chain, and how many batches of view calls it was asked for."""

    def __init__(self, chain: RpcChain) -> None:
        self._chain, self.batches = chain, 0

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        self.batches += 1
        return self._chain.read(reads, block)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)


def test_everything_is_observed_in_two_batches_at_one_block(world: World, chain: RpcChain) -> None:
    contracts, counted = world.contracts, CountedReads(chain)
    subject = Subject(
        world.account,
        world.tokens,
        world.feeds,
        STRANGER.address,
        0,
        pools=tuple((pool.address, contracts.tick_lens) for pool in contracts.pools),
        pairs=(*(pair.address for pair in contracts.pairs), NATIVE),
        lending=(market(world), market(world)),
    )
    facts = observe(counted, MemoryQueue(world.account, (), {}), subject)
    assert counted.batches == 2
    assert [pool.pool for pool in facts.pools] == [pool.address for pool in contracts.pools]
    assert [pair.pool for pair in facts.pairs] == [pair.address for pair in contracts.pairs]
    assert [len(state.reserves) for state in facts.lending] == [3, 3]
    assert all(len(rounds) == 2 for rounds in facts.rounds.values())
    assert facts.balances == world.treasury.holdings
    assert from_plain(Facts, to_plain(facts)) == facts
