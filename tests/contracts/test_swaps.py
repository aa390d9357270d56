"""Swaps on the real Uniswap V3 router between tokens that real Chainlink proxies price: effects, refusals and gas.

`make gas` prints and writes the gas figures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from policies.tree import proof, root
from strongroom.addresses import from_digest, to_digest
from strongroom.model import NATIVE, Address, Digest, TokenId
from strongroom.ports import MinedTransaction
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import ACTIONS, Birth, BucketSetting, bucket_key, encode_enable_module
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.world.people import GUARDIANS
from strongroom.world.treasury import DECIMALS, USDC, WETH
from strongroom.world.world import World
from tests.contracts.gas_book import GasBook

ROOT = Path(__file__).parents[2]
OUT = ROOT / "contracts" / "out"
SAFE = "node_modules/@safe-global/safe-contracts/build/artifacts/contracts/Safe.sol/Safe.json"
AGENT = Address("0x00000000000000000000000000000000000A6E27")
LOSSES = Address("0x0000000000000000000000000000000000000002")
SWAPS = 77
SWAP = 2
MONTH, DAY = 30 * 86400, 86400
SLIPPAGE_BPS = 100
ENTRY = b"\x11" * 32
FEE_PIPS = 500
AMOUNT = 6_000_000_000
TEMPLATE = "(bytes32,uint16,uint16,uint16)"
RULE = f"(address,address,address,address,{TEMPLATE},uint96,uint96,uint128,address,address,uint16,uint32,uint32)"
TAG = (
    "Swap(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,"
    "uint96 dust,uint128 maxHolding,address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)"
    "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
)
# Above the same legs unchecked; the first without the feeds' own gas.
GOALS = {4: 46_000, 500: 135_000}
RUN = "run((uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)[],bytes32)"
WORDS = (4 + 5 * 32, 4 + 6 * 32, 4 + 4 * 32)
"""Offsets of amount, least out and deadline in `exactInputSingle`."""


def leaf(rule: bytes) -> Digest:
    """keccak(keccak(tag ++ rule)), a second implementation beside the contract's."""
    return to_digest(keccak(keccak(keccak(text=TAG) + rule)))


def creation(name: str, types: list[str], arguments: list[object], file: str = "") -> bytes:
    built = json.loads((OUT / f"{file or name}.sol" / f"{name}.json").read_text())
    return bytes.fromhex(built["bytecode"]["object"].removeprefix("0x")) + encode(types, arguments)


@dataclass(frozen=True)
class Desk:
    """A Kernel on the world's Safe with one rule: to sell USDC for WETH in the pool of five hundredths of a percent."""

    world: World
    kernel: Address
    rule: bytes
    proof: tuple[Digest, ...]

    def swap_of(self, amount: int = AMOUNT, min_out: int = 0) -> ExactInput:
        tokens, deadline = self.world.contracts.tokens, self.world.now() + 600
        return ExactInput(tokens[USDC], tokens[WETH], FEE_PIPS, self.world.contracts.safe, deadline, amount, min_out)

    def run(self, swap: ExactInput, data: bytes | None = None) -> MinedTransaction:
        """The leg as the agent sends it; `data` where it lies about the venue's calldata."""
        path = [from_digest(sibling) for sibling in self.proof]
        typed = (swap.amount_in_units, swap.min_out_units, swap.deadline)
        leg = (SWAP, self.rule, path, *typed, data or encode_exact_input(swap))
        return self.world.send_as(AGENT, self.kernel, encode_call(RUN, [leg], ENTRY))

    def held(self, token: TokenId) -> int:
        safe = self.world.account.safe
        return self._view(self.world.contracts.tokens[token], encode_call("balanceOf(address)", safe))

    def allowance(self) -> int:
        safe, router = self.world.account.safe, self.world.contracts.swap_router
        return self._view(self.world.contracts.tokens[USDC], encode_call("allowance(address,address)", safe, router))

    def left(self, token: Address, bucket_class: int) -> int:
        return self._view(self.kernel, encode_call("available(bytes32)", from_digest(bucket_key(token, bucket_class))))

    def refusal(self, swap: ExactInput, data: bytes | None = None) -> bytes:
        """The selector of the error that the newest block's state gives for `run`."""
        before = self.world.snapshot()
        mined = self.run(swap, data)
        assert not mined.success, "the Kernel let it through"
        trace = self.world.ask("debug_traceTransaction", mined.tx_hash, {"tracer": "callTracer"})
        self.world.revert(before)
        return bytes.fromhex(trace["output"][2:10])

    def _view(self, to: Address, data: bytes) -> int:
        return int(self.world.ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest"), 16)


def source(world: World, token: TokenId) -> Address:
    """A PriceSource on the world's two proxies of a token."""
    config = (world.contracts.tokens[token], DECIMALS[token], list(world.feeds[token]), [DAY, DAY], 50, NATIVE)
    types = ["(address,uint8,address[2],uint32[2],uint16,address)"]
    return world.deploy(creation("PriceSource", types, [config]))


def open_desk(world: World, sources: tuple[Address, Address], leaves: int) -> Desk:
    tokens, safe, router = world.contracts.tokens, world.account.safe, world.contracts.swap_router
    blank = encode_exact_input(ExactInput(tokens[USDC], tokens[WETH], FEE_PIPS, safe, 0, 0, 0))
    pair = (router, router, tokens[USDC], tokens[WETH])
    limits = (10**12, 0, 2**128 - 1, *sources, SLIPPAGE_BPS, SWAPS, 0)
    rule = encode([RULE], [(*pair, (keccak(blank), *WORDS), *limits)])
    tree = [leaf(rule), *(to_digest(keccak(number.to_bytes(2, "big"))) for number in range(leaves - 1))]
    buckets = (
        BucketSetting(ACTIONS, 0, 10**9, MONTH),
        BucketSetting(LOSSES, 0, 10_000 * 10**8, MONTH),
        BucketSetting(tokens[USDC], SWAPS, 100_000 * 10**6, MONTH),
    )
    birth = Birth(safe, NATIVE, AGENT, (), root(tree), to_digest(bytes(32)), buckets, DAY, 3600, 7 * DAY)
    kernel = world.deploy(creation("Kernel", [], []) + birth.encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(kernel)).success
    world.set_balance(AGENT, 10**18)
    return Desk(world, kernel, rule, proof(tree, leaf(rule)))


@pytest.fixture
def desk(world: World) -> Desk:
    return open_desk(world, (source(world, USDC), source(world, WETH)), 500)


def test_a_swap_on_the_real_router_brings_what_was_asked_and_leaves_no_allowance(desk: Desk) -> None:
    usdc, weth = desk.held(USDC), desk.held(WETH)
    swap = desk.swap_of(min_out=1_990_000_000_000_000_000)
    assert desk.run(swap).success
    assert desk.held(USDC) == usdc - AMOUNT
    assert desk.held(WETH) >= weth + swap.min_out_units
    assert desk.allowance() == 0
    assert desk.left(swap.token_in, SWAPS) == 100_000 * 10**6 - AMOUNT


def test_what_a_swap_loses_between_the_worse_prices_is_charged(desk: Desk) -> None:
    weth = desk.held(WETH)
    assert desk.run(desk.swap_of()).success
    # Spent at 1.0000, received at 3,000.00: the higher source of one, the lower of the other.
    loss = AMOUNT * 100 - (desk.held(WETH) - weth) * 3_000_00000000 // 10**18
    assert loss > 0
    assert abs(desk.left(LOSSES, 0) - (10_000 * 10**8 - loss)) <= 1


def test_other_calldata_than_the_rule_s_is_refused(desk: Desk) -> None:
    swap = desk.swap_of()
    for other in (
        replace(swap, recipient=AGENT),
        replace(swap, fee_pips=3000),
        replace(swap, price_limit_x96=1),
        replace(swap, token_out=desk.world.contracts.tokens[TokenId("DAI")]),
    ):
        refused = desk.refusal(swap, encode_exact_input(other))
        assert refused == selector("TemplateMismatch(bytes32,bytes32)")
    more = desk.refusal(swap, encode_exact_input(replace(swap, amount_in_units=AMOUNT + 1)))
    assert more == selector("WordMismatch(uint256,uint256,uint256)")


def test_a_pool_that_moved_away_from_the_feeds_is_not_traded(desk: Desk) -> None:
    """Ether costs 2 % more in the pool than at the feeds: the same swap now loses more than the rule allows."""
    desk.world.move_market(WETH, 3_060_00000000)
    assert desk.run(desk.swap_of()).success, "pool and feeds agree"
    desk.world.set_price(WETH, 3_000_00000000)
    assert desk.refusal(desk.swap_of()) == selector("SlippageTooHigh(uint256,uint256)")


def test_stale_or_deviating_proxies_stop_swaps(desk: Desk) -> None:
    desk.world.set_price(WETH, 3_030_00000000, source=1)
    assert desk.refusal(desk.swap_of()) == selector("SourcesDeviate(uint256,uint256,uint256)")
    desk.world.set_price(WETH, 3_000_00000000)
    assert desk.run(desk.swap_of()).success
    desk.world.advance(DAY + 60, feeds=False)
    assert desk.refusal(desk.swap_of()) == selector("FeedUnusable(address,bytes32)")


def test_what_is_sold_bit_by_bit_never_passes_the_bucket(desk: Desk) -> None:
    swap = desk.swap_of(amount=30_000 * 10**6)
    for _ in range(3):
        assert desk.run(swap).success
    assert desk.refusal(swap) == selector("BucketExceeded(bytes32,uint256,uint256)")
    assert desk.run(replace(swap, amount_in_units=9_000 * 10**6)).success


# GAS


@pytest.fixture
def plain(world: World) -> World:
    """The world with Safe instead of SafeL2, which emits one more event for each call of a module."""
    built = json.loads((ROOT / SAFE).read_text())
    world.set_code(world.contracts.safe_singleton, bytes.fromhex(built["deployedBytecode"][2:]))
    return world


def bare_gas(desk: Desk) -> int:
    """Gas of approve and swap through a module that checks nothing, in the steady state."""
    world, swap, router = desk.world, desk.swap_of(), desk.world.contracts.swap_router
    safe = world.account.safe
    module = world.deploy(creation("UncheckedModule", ["address"], [safe]))
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(module)).success
    calls = [(swap.token_in, 0, encode_approve(router, AMOUNT)), (router, 0, encode_exact_input(swap))]
    desk.world.advance(60)
    mined = world.send_as(AGENT, module, encode_call("run((address,uint256,bytes)[])", calls))
    assert mined.success
    return mined.gas_used


def cold_and_steady_gas(desk: Desk) -> tuple[int, int]:
    """Gas of a Kernel's first run and of a second equal one."""
    swap = desk.swap_of()
    first = desk.run(swap)
    # A pool notes its price once a second: both figures pay for that, whatever the clock does meanwhile.
    desk.world.advance(60)
    second = desk.run(swap)
    assert first.success and second.success
    return first.gas_used, second.gas_used


def fixed_source(world: World, token: TokenId, usd_e8: int) -> Address:
    arguments = [world.contracts.tokens[token], usd_e8 * 10 ** (18 - DECIMALS[token])]
    return world.deploy(creation("FixedSource", ["address", "uint256"], arguments, file="UncheckedModule"))


def test_the_checks_of_a_swap_cost_what_the_book_says_without_feeds(plain: World, gas_book: GasBook) -> None:
    sources = (fixed_source(plain, USDC, 10**8), fixed_source(plain, WETH, 3_000 * 10**8))
    desk = open_desk(plain, sources, 4)
    (cold, checked), bare = cold_and_steady_gas(desk), bare_gas(desk)
    gas_book.line("the same swap unchecked (beside ours)", bare)
    gas_book.line("swap, 4 leaves, without feeds, checks included", checked)
    gas_book.line("swap, 4 leaves, without feeds, checks included, the first of a Kernel", cold)
    gas_book.line("checks of a swap, 4 leaves, without feeds", checked - bare, GOALS[4])


def test_the_checks_of_a_swap_cost_what_the_book_says_with_four_proxies(plain: World, gas_book: GasBook) -> None:
    desk = open_desk(plain, (source(plain, USDC), source(plain, WETH)), 500)
    (_, checked), bare = cold_and_steady_gas(desk), bare_gas(desk)
    gas_book.line("checks of a swap, 500 leaves, four Chainlink proxies", checked - bare, GOALS[500])
