"""The TWAP feed on a real Uniswap V3 pool: exact, slow to follow whoever pushes the pool, and silent where it cannot
know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, getcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Round
from strongroom.protocols.abi import decode_values, encode_call, selector, view
from strongroom.protocols.chainlink import round_from, round_reads
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.price_source import PriceTerms
from strongroom.protocols.twap_feed import TwapTerms, consult_read, twap_from, twap_reads
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.wallet.deploy import artifact
from strongroom.world.people import STRANGER
from strongroom.world.treasury import PRICES_E8, USDC, WETH, units
from strongroom.world.world import World

getcontext().prec = 90
HOUR, DAY = 3_600, 86_400
FEE_PIPS, LEAST, DEVIATION_BPS = 500, 10**12, 150
OUT = Path(__file__).parents[2] / "contracts" / "out"
MOST_TICK = 443_636


@dataclass(frozen=True)
class Booth:
    """WETH priced by one Chainlink feed and by a pool's last hour."""

    world: World
    chain: RpcChain
    pool: Address
    twap: Address
    source: Address

    def consult(self) -> tuple[int, int]:
        found: tuple[int, int] | None = self.chain.read([consult_read(self.twap)], self.chain.head())[0]
        assert found is not None
        return found

    def round(self) -> Round | None:
        return round_from(self.twap, self.chain.read(round_reads(self.twap), self.chain.head()))

    def prices(self) -> tuple[int, int] | None:
        read = view(self.source, "prices()", ["uint256", "uint256"], lambda low, high: (low, high))
        found: tuple[int, int] | None = self.chain.read([read], self.chain.head())[0]
        return found

    def refusal(self) -> bytes:
        with pytest.raises(NodeRefused) as refused:
            self.world.ask("eth_call", {"to": self.source, "data": "0x" + selector("prices()").hex()}, "latest")
        return refused.value.data

    def push(self, usdc: int) -> None:
        """Somebody buys ether for so many whole USDC in this one pool."""
        world, tokens, spent = self.world, self.world.contracts.tokens, units(USDC, usdc)
        world.mint(USDC, STRANGER.address, spent)
        router, until = world.contracts.swap_router, world.now() + DAY
        assert world.send_as(STRANGER.address, tokens[USDC], encode_approve(router, spent)).success
        swap = ExactInput(tokens[USDC], tokens[WETH], FEE_PIPS, STRANGER.address, until, spent, 0)
        assert world.send_as(STRANGER.address, router, encode_exact_input(swap)).success


def remembering(world: World, pool: Address, observations: int) -> None:
    """Anybody may make a pool remember more."""
    data = encode_call("increaseObservationCardinalityNext(uint16)", observations)
    assert world.send_as(STRANGER.address, pool, data, gas=30_000_000).success


@pytest.fixture
def booth(world: World, chain: RpcChain) -> Booth:
    found = (each for each in world.contracts.pools if each.pair == (WETH, USDC) and each.fee_pips == FEE_PIPS)
    pool, token = next(found).address, world.contracts.tokens[WETH]
    remembering(world, pool, 10)
    world.advance(2 * HOUR)
    terms = TwapTerms(pool, token, world.feeds[USDC][0], HOUR, LEAST)
    twap = world.deploy(artifact("TwapFeed").creation + terms.encoded)
    assert twap_from(chain.read(twap_reads(twap), chain.head())) == terms
    prices = PriceTerms(token, 18, world.feeds[WETH][0], twap, DAY, DAY, DEVIATION_BPS, NATIVE)
    return Booth(world, chain, pool, twap, world.deploy(artifact("PriceSource").creation + prices.encoded))


def test_the_price_is_the_average_ticks_to_the_last_of_seventeen_digits(booth: Booth) -> None:
    tick, liquidity = booth.consult()
    found, weth_first = (
        booth.round(),
        int(booth.world.contracts.tokens[WETH], 16) < int(booth.world.contracts.tokens[USDC], 16),
    )
    assert found is not None and found.decimals == 18 and liquidity > LEAST
    ratio = Decimal("1.0001") ** (tick if weth_first else -tick)
    exact = ratio * Decimal(10) ** (18 - 6) * PRICES_E8[USDC][0] * 10**10
    assert abs(Decimal(found.answer) / exact - 1) < Decimal(2) ** -56
    assert abs(Decimal(found.answer) / 10**10 / PRICES_E8[WETH][0] - 1) < Decimal("0.001"), "and the market's"


def test_a_price_source_answers_between_the_feed_and_the_pool(booth: Booth) -> None:
    prices, pool = booth.prices(), booth.round()
    assert prices is not None and pool is not None
    assert sorted([pool.answer, PRICES_E8[WETH][0] * 10**10]) == list(prices)


def test_who_moves_the_pool_within_a_block_moves_nothing_and_within_minutes_little(booth: Booth) -> None:
    before = booth.round()
    booth.push(1_200_000)
    after = booth.round()
    assert before is not None and after is not None
    assert abs(after.answer - before.answer) * 10_000 < before.answer * 10, "less than ten basis points"
    booth.world.advance(60)
    minute = booth.round()
    assert minute is not None and 0 < (minute.answer - before.answer) * 10_000 < before.answer * 200


def test_who_holds_the_pool_for_long_stops_the_swaps_instead_of_moving_their_price(booth: Booth) -> None:
    booth.push(1_200_000)
    booth.world.advance(HOUR)
    assert booth.refusal()[:4] == selector("SourcesDeviate(uint256,uint256,uint256)")


def test_a_pool_that_remembers_less_than_the_window_is_absent(world: World, chain: RpcChain, booth: Booth) -> None:
    for _ in range(12):
        # The pool writes down only what changes its tick.
        booth.push(20_000)
        world.advance(12)
    refused = booth.refusal()
    assert refused[:4] == selector("FeedUnusable(address,bytes32)")
    assert decode_values(["address", "bytes32"], refused[4:]) == (booth.twap, b"absent".ljust(32, b"\0"))
    assert booth.round() is None, "for the policy engine too"


def test_when_the_quotes_feed_is_silent_the_pool_says_nothing_new(booth: Booth) -> None:
    booth.world.advance(2 * DAY, feeds=False)
    assert booth.refusal()[:4] == selector("FeedUnusable(address,bytes32)")


@pytest.fixture(scope="module")
def ratio(module_world: World) -> Address:
    built = json.loads((OUT / "TwapFeed.t.sol" / "TickRatioCaller.json").read_text())
    return module_world.deploy(bytes.fromhex(built["bytecode"]["object"].removeprefix("0x")))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ticks=st.lists(st.integers(-MOST_TICK, MOST_TICK), min_size=16, max_size=16), amount=st.integers(1, 2**160))
def test_a_power_of_any_tick_is_right_to_seventeen_digits(
    ratio: Address, module_chain: RpcChain, ticks: list[int], amount: int
) -> None:
    reads = [view(ratio, "scaled(uint256,int256)", ["uint256"], int, [amount, tick]) for tick in ticks]
    for tick, found in zip(ticks, module_chain.read(reads, module_chain.head()), strict=True):
        exact = amount * Decimal("1.0001") ** tick
        assert found is not None and abs(found - exact) <= exact / 2**59 + 1
