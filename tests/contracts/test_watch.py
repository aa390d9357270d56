"""The Watch on the world's treasury: ether falls in feeds and pools, and somebody without any role stops the agent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.tree import root
from strongroom.addresses import to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, TokenId, WatchState
from strongroom.protocols.abi import decode_values, selector
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import (
    ACTIONS,
    Birth,
    BucketSetting,
    encode_add_guardian,
    encode_announce,
    encode_enable_module,
    encode_rekey,
)
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.protocols.price_source import PriceTerms
from strongroom.protocols.watch import (
    WatchBirth,
    Watched,
    encode_rebase,
    encode_trip,
    paid_read,
    watch_from,
    watch_reads,
    watched_read,
)
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import DECIMALS, ETH, PRICES_E8, USDC, WETH, units
from strongroom.world.world import World

MONTH, DAY, HOUR = 30 * 86_400, 86_400, 3_600
CONFIRM, EXPIRY, DRAWDOWN_BPS = 5, 50, 1_000
SALARY = units(USDC, 100_000)
FALLEN_E8 = PRICES_E8[WETH][0] * 65 // 100
"""Thirty-five percent below."""


@dataclass(frozen=True)
class Post:
    """A Kernel with one payee, and the watch that guards it."""

    world: World
    chain: RpcChain
    kernel: Address
    rule: PayRule
    watch: Address

    def state(self) -> WatchState:
        found = watch_from(self.watch, self.chain.read(watch_reads(self.watch), self.chain.head()))
        assert found is not None
        return found

    def pay(self, agent: Address = AGENT.address) -> bool:
        return self.world.send_as(agent, self.kernel, encode_legs([Payment(self.rule, SALARY, ())])).success

    def trip(self) -> bool:
        """By somebody without any role."""
        return self.world.send_as(STRANGER.address, self.watch, encode_trip()).success

    def refusal(self, data: bytes, sender: Address = STRANGER.address) -> bytes:
        with pytest.raises(NodeRefused) as refused:
            self.world.ask("eth_call", {"from": sender, "to": self.watch, "data": "0x" + data.hex()}, "latest")
        return refused.value.data

    def mine(self, blocks: int) -> None:
        self.world.ask("anvil_mine", hex(blocks))

    def owners(self, to: Address, data: bytes) -> None:
        assert self.world.safe_exec(self.world.account, GUARDIANS[:2], to, data).success

    def ether_falls(self) -> None:
        self.world.move_market(WETH, FALLEN_E8)
        self.world.advance(60)


def source(world: World, token: Address, decimals: int, feeds: tuple[Address, ...]) -> Address:
    terms = PriceTerms(token, decimals, *feeds, DAY, DAY, 50, NATIVE)
    return world.deploy(artifact("PriceSource").creation + terms.encoded)


def watched(world: World, ids: tuple[TokenId, ...]) -> tuple[Watched, ...]:
    """Ether is priced by the feeds of its wrapping."""
    tokens = {**world.contracts.tokens, ETH: NATIVE}
    feeds = {**world.feeds, ETH: world.feeds[WETH]}
    return tuple(Watched(tokens[each], source(world, tokens[each], DECIMALS[each], feeds[each])) for each in ids)


@pytest.fixture
def post(world: World, chain: RpcChain) -> Post:
    safe, usdc = world.account.safe, world.contracts.tokens[USDC]
    rule = PayRule(usdc, ALICE.address, SALARY, 1)
    buckets = (BucketSetting(ACTIONS, 0, 10**9, MONTH), BucketSetting(usdc, 1, 10 * SALARY, MONTH))
    terms = (root([rule.leaf]), rule.leaf, buckets, DAY, HOUR, 7 * DAY)
    kernel = world.deploy(artifact("Kernel").creation + Birth(safe, NATIVE, AGENT.address, (), *terms).encoded)
    limits = (world.contracts.tokens[TokenId("HALL")], DRAWDOWN_BPS, CONFIRM, EXPIRY)
    birth = WatchBirth(kernel, watched(world, (USDC, WETH, ETH)), *limits)
    watch = world.deploy(artifact("Watch").creation + birth.encoded)
    made = Post(world, chain, kernel, rule, watch)
    made.owners(safe, encode_enable_module(kernel))
    made.owners(kernel, encode_add_guardian(watch))
    return made


def test_a_fall_of_ether_lets_anybody_stop_the_agent_and_the_same_call_before_it_reverts(post: Post) -> None:
    assert post.refusal(encode_trip())[:4] == selector("NoDrawdown(uint256,uint256)")
    assert not post.trip()
    post.ether_falls()
    assert post.trip() and post.pay(), "one observation stops nothing"
    post.mine(CONFIRM)
    assert post.trip()
    assert not post.pay(), "the agent is refused"


def test_after_the_re_key_and_a_rebase_work_resumes_under_the_new_key_only(post: Post) -> None:
    post.ether_falls()
    assert post.trip()
    post.mine(CONFIRM)
    assert post.trip()
    rekey = encode_rekey(NEXT_AGENT.address)
    post.owners(post.kernel, encode_announce(rekey))
    post.world.advance(HOUR)
    assert post.world.send_as(GUARDIANS[0].address, post.kernel, rekey).success
    post.owners(post.watch, encode_rebase())
    assert not post.trip(), "the mark is the wealth of now"
    assert post.pay(NEXT_AGENT.address) and not post.pay()


def test_a_payroll_is_no_loss_and_owners_who_pay_rebase(post: Post) -> None:
    before = post.state()
    usdc = post.world.contracts.tokens[USDC]
    assert post.pay()
    assert post.chain.read([paid_read(post.kernel, usdc)], post.chain.head())[0] == SALARY
    assert post.state() == before
    post.owners(usdc, encode_transfer(ALICE.address, 10 * SALARY // 4))
    assert post.state().wealth_e8 < before.wealth_e8  # type: ignore[operator]
    post.owners(post.watch, encode_rebase())
    assert post.state().mark_e8 == post.state().wealth_e8


def test_the_state_says_when_a_second_observation_counts(post: Post) -> None:
    healthy = post.state()
    assert (healthy.kernel, healthy.has_fallen, healthy.confirmable_at) == (post.kernel, False, None)
    assert healthy.floor_e8 == healthy.mark_e8 * (10_000 - DRAWDOWN_BPS) // 10_000
    post.ether_falls()
    assert post.trip()
    block = int(post.world.ask("eth_blockNumber"), 16)
    assert (post.state().has_fallen, post.state().confirmable_at) == (True, block + CONFIRM)
    too_soon = post.refusal(encode_trip())
    assert too_soon[:4] == selector("TooSoon(uint256)")
    assert decode_values(["uint256"], too_soon[4:]) == (block + CONFIRM,)


def test_without_fresh_prices_wealth_is_unknown_and_nothing_trips(post: Post) -> None:
    post.world.advance(2 * DAY, feeds=False)
    assert post.state().wealth_e8 is None and post.state().has_fallen is None
    assert post.refusal(encode_trip())[:4] == selector("FeedUnusable(address,bytes32)")


def test_what_is_no_watch_has_no_state(post: Post) -> None:
    values = post.chain.read(watch_reads(post.kernel), post.chain.head())
    assert watch_from(post.kernel, values) is None


def test_a_watch_shows_what_it_was_born_with(post: Post) -> None:
    (shown,) = post.chain.read([watched_read(post.watch)], post.chain.head())
    tokens = post.world.contracts.tokens
    assert [each.token for each in shown] == sorted([NATIVE, tokens[USDC], tokens[WETH]], key=lambda a: int(a, 16))


pairs = st.lists(st.binary(min_size=20, max_size=20).map(to_address), min_size=1, max_size=8, unique=True)


@given(pairs, st.randoms(use_true_random=False))
def test_a_birth_is_the_same_in_whatever_order_its_tokens_are_named(tokens: list[Address], random: Any) -> None:
    birth = WatchBirth(NATIVE, tuple(Watched(token, NATIVE) for token in tokens), NATIVE, 1, 1, 1)
    shuffled = list(birth.watched)
    random.shuffle(shuffled)
    assert replace(birth, watched=tuple(shuffled)).encoded == birth.encoded
