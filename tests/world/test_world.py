"""The hands of the world: time, prices, money, people and Safes."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NodeRefused, NodeUnreachable, NotDeployed
from strongroom.model import NATIVE, Address, Block, Call, Digest, Operation, Round, TokenId
from strongroom.observe import safe_state
from strongroom.ports import Read
from strongroom.protocols import chainlink, erc20, uniswap_v2, uniswap_v3
from strongroom.protocols.abi import encode_call
from strongroom.protocols.multisend import encode_multisend
from strongroom.world.anvil import BASE_FEE_WEI, Anvil
from strongroom.world.building import perform
from strongroom.world.contracts import blueprint
from strongroom.world.market import FALL_SECONDS, FALL_STEPS, falling
from strongroom.world.node import Node
from strongroom.world.people import ALICE, BOB, DEPLOYER, GUARDIANS, STRANGER
from strongroom.world.script import Script
from strongroom.world.treasury import DAI, DECIMALS, ETH, HALL, PRICES_E8, TREASURY, USDC, WETH
from strongroom.world.uniswap_v2 import Pair
from strongroom.world.uniswap_v3 import Pool
from strongroom.world.world import World

REVERTS = bytes.fromhex("60006000fd")
FUTURE = 10 * 365 * 86_400


def rounds(world: World, chain: RpcChain, token: TokenId) -> list[Round]:
    block = chain.head()
    found = [chainlink.round_from(f, chain.read(chainlink.round_reads(f), block)) for f in world.feeds[token]]
    return [each for each in found if each is not None]


def balance(world: World, chain: RpcChain, token: TokenId, holder: str) -> int:
    address = to_address(holder)
    if token == ETH:
        return chain.balances_wei([address], chain.head())[0]
    return int(chain.read([erc20.read_balance(world.contracts.tokens[token], address)], chain.head())[0])


@given(seconds=st.integers(1, FUTURE))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_advance_moves_time_exactly_and_every_feed_with_it(world: World, chain: RpcChain, seconds: int) -> None:
    before = world.now()
    world.advance(seconds)
    assert world.now() == chain.head().timestamp == before + seconds
    for token, answers in PRICES_E8.items():
        assert [(r.answer, r.updated_at) for r in rounds(world, chain, token)] == [(a, world.now()) for a in answers]


def test_time_may_pass_while_every_feed_stands_still(world: World, chain: RpcChain) -> None:
    before = [r.updated_at for r in rounds(world, chain, USDC)]
    world.advance(7_200, feeds=False)
    assert [r.updated_at for r in rounds(world, chain, USDC)] == before
    assert all(world.now() - each >= 7_200 for each in before)


def test_advance_restores_the_base_fee(world: World, chain: RpcChain) -> None:
    for _ in range(5):
        world.advance(12)
    assert chain.base_fee_wei(chain.head()) == BASE_FEE_WEI


@pytest.mark.parametrize("source", [0, 1])
def test_one_source_may_leave_the_other(source: int, world: World, chain: RpcChain) -> None:
    world.set_price(WETH, 2_000 * 10**8, source=source)
    answers = [r.answer for r in rounds(world, chain, WETH)]
    assert answers[source] == 2_000 * 10**8
    assert answers[1 - source] == PRICES_E8[WETH][1 - source]


def test_ether_and_wrapped_ether_share_their_sources(world: World, chain: RpcChain) -> None:
    world.set_price(ETH, 2_500 * 10**8)
    assert [r.answer for r in rounds(world, chain, WETH)] == [2_500 * 10**8] * 2


@pytest.mark.parametrize(("token", "factor_percent"), [(WETH, 70), (WETH, 130), (HALL, 50), (USDC, 98)])
def test_a_moved_market_leaves_every_pool_at_the_feeds(
    token: TokenId, factor_percent: int, world: World, chain: RpcChain
) -> None:
    """A small sale then costs the pool's fee and next to nothing else, in every pool."""
    usd = PRICES_E8[token][0] * factor_percent // 100
    world.move_market(token, usd)
    prices = {t: answers[0] for t, answers in PRICES_E8.items()} | {token: usd}
    tokens = world.contracts.tokens
    for pool in world.contracts.pools:
        sold, bought = pool.pair
        units_in = 10**8 * 10 ** DECIMALS[sold] // prices[sold]
        read = uniswap_v3.read_quote_in(world.contracts.quoter, tokens[sold], tokens[bought], pool.fee_pips, units_in)
        (quote,) = chain.read([read], chain.head())
        usd_out_e8 = quote.units * prices[bought] // 10 ** DECIMALS[bought]
        assert abs(1_000_000 - usd_out_e8 * 1_000_000 // 10**8 - pool.fee_pips) <= 300
    for pair in world.contracts.pairs:
        assert abs(ratio_pips(world, chain, pair, prices)) <= 1


FALLING = st.sampled_from([ETH, WETH, USDC, DAI, HALL])


@given(token=FALLING, bps=st.integers(1, 800))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_fall_ends_with_every_feed_and_every_pool_at_the_lower_price(
    token: TokenId, bps: int, world: World, chain: RpcChain
) -> None:
    """Within less than 1/10,000 in Uniswap V3, within a millionth in Uniswap V2."""
    before, began, snapshot = world.prices_e8(), world.now(), world.snapshot()
    world.fall(token, bps)
    assert world.now() == began + FALL_SECONDS
    fallen = tuple(price * (10_000 - bps) // 10_000 for price in before[token])
    sharing = {WETH, ETH} if token in (WETH, ETH) else {token}
    assert world.prices_e8() == {**before, **dict.fromkeys(sharing, fallen)}
    assert {each.updated_at for other in before for each in rounds(world, chain, other)} == {world.now()}
    prices = {each: answers[0] for each, answers in world.prices_e8().items()}
    assert {abs(pool_bps(world, chain, pool, prices)) for pool in world.contracts.pools} == {0}
    assert all(abs(ratio_pips(world, chain, pair, prices)) <= 1 for pair in world.contracts.pairs)
    world.revert(snapshot)


def pool_bps(world: World, chain: RpcChain, pool: Pool, usd_e8: dict[TokenId, int]) -> int:
    """How far a pool's price is from that of two USD prices, in 1/10,000, rounded down."""
    low, high = sorted(pool.pair, key=lambda token: int(world.contracts.tokens[token], 16))
    ((price_x96, _),) = chain.read([uniswap_v3.read_slot0(pool.address)], chain.head())
    fair: int = usd_e8[low] * 10 ** DECIMALS[high] * 2**192 // (usd_e8[high] * 10 ** DECIMALS[low])
    return int(abs(price_x96**2 - fair) * 10_000 // fair)


def markets(world: World) -> list[Address]:
    return [*(pool.address for pool in world.contracts.pools), *(pair.address for pair in world.contracts.pairs)]


def test_a_fall_takes_nothing_from_the_treasury_and_what_pools_gain_the_trader_pays(
    world: World, chain: RpcChain
) -> None:
    """Real swaps: in every token, all that pools, pairs and trader hold together stays what it was."""
    places = markets(world)
    tokens = [token for token in world.contracts.tokens if token != ETH]

    def together() -> list[int]:
        return [sum(balance(world, chain, token, each) for each in (*places, DEPLOYER.address)) for token in tokens]

    def treasury() -> list[int]:
        return [balance(world, chain, token, world.contracts.safe) for token in world.contracts.tokens]

    before, held, pool = together(), treasury(), balance(world, chain, WETH, places[0])
    world.fall(ETH, 3_500)
    assert (together(), treasury()) == (before, held)
    assert balance(world, chain, WETH, places[0]) > pool, "what falls is sold to the pools"


def test_no_feed_is_silent_for_long_while_the_market_falls(world: World, chain: RpcChain) -> None:
    """Each source answers each step, a little lower, never further apart than it was."""
    began, answers = chain.head().number, []
    world.fall(WETH, 3_500)
    for number in range(began + 1, chain.head().number + 1):
        seen = world.ask("eth_getBlockByNumber", hex(number), False)
        block = Block(number, Digest(seen["hash"]), int(seen["timestamp"], 16))
        found = [chainlink.round_from(f, chain.read(chainlink.round_reads(f), block)) for f in world.feeds[WETH]]
        assert all(each and block.timestamp - each.updated_at <= FALL_SECONDS // FALL_STEPS for each in found)
        answers.append(tuple(each.answer for each in found if each))
    steps = list(dict.fromkeys(answers))
    assert len(steps) == FALL_STEPS + 1 and steps == sorted(steps, reverse=True)
    assert all(abs(second - first) * 10_000 <= 3 * first for first, second in steps)


def test_the_same_fall_ends_the_same_every_time(world: World, chain: RpcChain) -> None:
    def fallen() -> list[int]:
        snapshot = world.snapshot()
        world.fall(WETH, 3_500)
        found = [balance(world, chain, token, each) for each in markets(world) for token in (WETH, USDC, HALL)]
        world.revert(snapshot)
        return found

    assert fallen() == fallen()


def test_a_fall_below_all_liquidity_is_refused_and_changes_nothing(world: World, chain: RpcChain) -> None:
    began, prices = world.now(), world.prices_e8()
    held = balance(world, chain, USDC, world.contracts.pools[0].address)
    with pytest.raises(BadValue, match=r"^`95 %` cannot be used for the fall of WETH; .* let it fall less$"):
        world.fall(WETH, 9_500)
    assert (world.now(), world.prices_e8()) == (began, prices)
    assert balance(world, chain, USDC, world.contracts.pools[0].address) == held


@pytest.mark.parametrize("blocks", [1, 25])
def test_blocks_pass_twelve_seconds_apart_whatever_the_wall_clock_says(
    blocks: int, world: World, chain: RpcChain
) -> None:
    world.advance(FUTURE)
    time.sleep(1.1)
    before = chain.head()
    world.mine(blocks)
    assert (chain.head().number - before.number, world.now() - before.timestamp) == (blocks, blocks * 12)


@given(
    before=st.tuples(st.integers(1, 2**100), st.integers(1, 2**100)),
    token=st.sampled_from([ETH, WETH, DAI]),
    bps=st.integers(1, 9_999),
)
def test_a_falling_token_and_what_shares_its_feeds_lose_evenly_and_nothing_else_moves(
    before: tuple[int, int], token: TokenId, bps: int
) -> None:
    feeds, prices = blueprint()[0].feeds, {ETH: before, WETH: before, DAI: before, USDC: (1, 2)}
    steps, whole = list(falling({each: feeds[each] for each in prices}, prices, token, bps)), FALL_STEPS * 10_000
    for number, (at, seen) in enumerate(steps, 1):
        assert at == number * FALL_SECONDS / FALL_STEPS
        kept = {each: whole - number * bps if feeds[each] == feeds[token] else whole for each in prices}
        assert seen == {each: tuple(p * kept[each] // whole for p in answers) for each, answers in prices.items()}


def ratio_pips(world: World, chain: RpcChain, pair: Pair, usd_e8: dict[TokenId, int]) -> int:
    """How much more the lower address's side of a pair is worth than the other, in millionths."""
    low, high = sorted(pair.pair, key=lambda token: int(world.contracts.tokens[token], 16))
    (held,) = chain.read([uniswap_v2.read_reserves(pair.address)], chain.head())
    worth = [
        units * usd_e8[token] * 10 ** (18 - DECIMALS[token]) for units, token in zip(held, (low, high), strict=True)
    ]
    return (worth[0] - worth[1]) * 10**6 // worth[1]


def test_revert_turns_back_time_money_and_feeds(world: World, chain: RpcChain) -> None:
    before, held = world.now(), balance(world, chain, USDC, world.contracts.safe)
    snapshot = world.snapshot()
    world.advance(FUTURE)
    world.set_price(USDC, 1)
    world.mint(USDC, world.contracts.safe, 10**6)
    world.revert(snapshot)
    world.ask("evm_mine")
    assert world.now() - before < 60
    assert balance(world, chain, USDC, world.contracts.safe) == held
    assert [r.answer for r in rounds(world, chain, USDC)] == list(PRICES_E8[USDC])


@pytest.mark.parametrize("token", [ETH, WETH, USDC, HALL])
def test_minted_units_arrive_exactly(token: TokenId, world: World, chain: RpcChain) -> None:
    before = balance(world, chain, token, STRANGER.address)
    world.mint(token, STRANGER.address, 12_345)
    assert balance(world, chain, token, STRANGER.address) == before + 12_345


def test_balance_and_code_are_set_at_will(world: World, chain: RpcChain) -> None:
    world.set_balance(STRANGER.address, 7)
    assert chain.balances_wei([STRANGER.address], chain.head()) == [7]
    world.set_code(world.contracts.quoter, REVERTS)
    assert chain.code(world.contracts.quoter, chain.head()) == REVERTS


def test_any_address_may_send_even_the_safe(world: World, chain: RpcChain) -> None:
    transfer = erc20.encode_transfer(STRANGER.address, 5)
    sent = world.send_as(world.contracts.safe, world.contracts.tokens[USDC], transfer)
    assert sent.success
    assert balance(world, chain, USDC, STRANGER.address) == 5
    assert chain.transaction(sent.tx_hash) == sent


def test_a_reverted_transaction_is_a_result(world: World) -> None:
    transfer = erc20.encode_transfer(STRANGER.address, 1)
    assert not world.send_as(STRANGER.address, world.contracts.tokens[USDC], transfer).success


def test_deploy_gives_the_address_of_running_code(world: World, chain: RpcChain) -> None:
    # Creation code that returns one byte, STOP.
    address = world.deploy(bytes.fromhex("6001600c60003960016000f300"))
    assert chain.code(address, chain.head()) == b"\x00"
    with pytest.raises(ValueError, match="the constructor reverted"):
        world.deploy(REVERTS)


def test_another_safe_takes_its_owners_orders_only(world: World, chain: RpcChain) -> None:
    account = world.new_safe([ALICE.address, BOB.address], 2)
    world.mint(ETH, account.safe, 10**18)
    assert world.safe_exec(account, [BOB, ALICE], STRANGER.address, value_wei=10**17).success
    assert not world.safe_exec(account, [ALICE], STRANGER.address, value_wei=1).success
    assert not world.safe_exec(account, [ALICE, GUARDIANS[0]], STRANGER.address, value_wei=1).success
    assert chain.balances_wei([account.safe], chain.head()) == [9 * 10**17]


def test_safes_with_the_same_owners_are_told_apart_by_salt(world: World, chain: RpcChain) -> None:
    first, second = (world.new_safe([ALICE.address], 1, salt=salt) for salt in (1, 2))
    assert first.safe != second.safe != world.contracts.safe
    assert [safe_state(chain, a.safe, chain.head()).owners for a in (first, second)] == [(ALICE.address,)] * 2


def test_a_safe_can_be_given_a_foreign_module(world: World, chain: RpcChain) -> None:
    account = world.new_safe([ALICE.address], 1)
    enable = encode_call("enableModule(address)", STRANGER.address)
    assert world.safe_exec(account, [ALICE], account.safe, enable).success
    assert safe_state(chain, account.safe, chain.head()).modules == (STRANGER.address,)


def test_the_treasury_pays_a_batch_through_multisend(world: World, chain: RpcChain) -> None:
    batch = encode_multisend(
        Call(
            world.account,
            world.contracts.tokens[payee.monthly.token],
            0,
            erc20.encode_transfer(payee.address, payee.monthly.units),
        )
        for payee in TREASURY.payees
    )
    sent = world.safe_exec(
        world.account, GUARDIANS[:2], world.contracts.multisend, batch, operation=Operation.DELEGATECALL
    )
    assert sent.success
    for payee in TREASURY.payees:
        assert balance(world, chain, payee.monthly.token, payee.address) == payee.monthly.units


def test_a_running_world_can_be_attached_to_and_left(world: World) -> None:
    assert world.anvil is not None
    with World.attach(world.anvil.port) as attached:
        assert attached.contracts == world.contracts
        assert attached.now() == world.now()
    assert world.now() > 0


def test_only_a_world_can_be_attached_to() -> None:
    empty = Anvil.start()
    try:
        with pytest.raises(NotDeployed, match=r"no world at `0x[0-9a-fA-F]{40}`; start one"):
            World.attach(empty.port)
    finally:
        empty.stop()
    with pytest.raises(NodeUnreachable):
        World.attach(empty.port)


def test_every_world_is_the_same(world: World, chain: RpcChain) -> None:
    with World.start() as other:
        assert other.contracts == world.contracts
        second = RpcChain(other.url)
        states = [
            each.read([uniswap_v3.read_slot0(pool.address) for pool in world.contracts.pools], each.head())
            for each in (chain, second)
        ]
        second.close()
    assert states[0] == states[1]


def test_a_world_that_cannot_be_built_says_which_of_its_transactions_failed() -> None:
    script = Script(DEPLOYER.address)
    token = script.create("MintableERC20", ["string", "string", "uint8"], ["A", "A", 18])
    for number in range(70):
        script.call(token, erc20.encode_transfer(ALICE.address, int(number in (40, 44))))
    anvil = Anvil.start()
    node = Node(anvil.port)
    try:
        with pytest.raises(NodeRefused, match=r"30 of 30 transactions were mined, failed: `\[41, 45\]`"):
            perform(node, script)
    finally:
        node.close()
        anvil.stop()


def test_everyone_but_the_deployer_starts_with_ten_ether(world: World, chain: RpcChain) -> None:
    people = [person.address for person in (*GUARDIANS, ALICE, BOB, STRANGER)]
    assert chain.balances_wei(people, chain.head()) == [10 * 10**18] * len(people)


def test_a_contract_that_is_no_token_answers_no_balance(world: World, chain: RpcChain) -> None:
    reads: list[Read[int]] = [erc20.read_balance(NATIVE, ALICE.address)]
    assert chain.read(reads, chain.head()) == [None]
