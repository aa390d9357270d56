"""What the policy says of losses, before the real Kernel: where it sees room a run executes and pauses nothing, and one
hundred-millionth of a dollar further the Kernel pauses, or refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.app import subject_of
from agent.compiler import compile_unit, dress_for_kernel
from agent.swaps import Routed, routed
from policies.effects import swap_order
from policies.grants import granted_legs, shortage
from policies.swap_losses import worst_losses_e8
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import (
    Address,
    Bucket,
    Call,
    Compiled,
    Facts,
    Label,
    Labelled,
    Lane,
    Leg,
    Swap,
    TokenId,
    Unit,
)
from strongroom.observe import observe
from strongroom.protocols.kernel import LOSSES, Birth, bucket_key, encode_enable_module
from strongroom.protocols.kernel_legs import AnyLeg, GrantedSwap, encode_legs
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import encode_exact_input
from strongroom.wallet.deploy import artifact
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import AGENT
from strongroom.world.treasury import DAI, PRICES_E8, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.installed import Site

BORN_IN, RUN_IN = 30, 130
"""Seconds from now at which the Kernel is made, and at which the run is mined."""


@dataclass(frozen=True)
class Yard:
    """The price sources of the example's policy stand, and Kernels are made with losses behind them."""

    site: Site
    document: PolicyDocument
    birth: Birth

    def look(self, kernel: Address | None = None) -> Facts:
        world = self.site.world
        subject = subject_of(self.document, AGENT.address, kernel)
        return observe(self.site.chain, MemoryQueue(world.account, (), {}), subject)

    def routed(self, sold: TokenId, bought: TokenId, amount: int) -> Routed:
        found = routed(order(sold, bought, amount), self.look(), self.document, Lane.AGENT)
        assert isinstance(found, Routed), found
        return found

    def legs(self, *swaps: Routed) -> tuple[AnyLeg, ...]:
        """The runs' legs, each of which takes no unit less than its quote: what it may lose is what it does lose."""
        calls = [call for each in swaps for call in exactly(each, self.document)]
        found = granted_legs(calls, self.document)
        assert found is not None
        return found

    def worst_e8(self, legs: Sequence[AnyLeg], facts: Facts) -> int:
        found = worst_losses_e8([leg.swap for leg in legs if isinstance(leg, GrantedSwap)], facts, self.document)
        assert isinstance(found, int)
        return found

    def bucket(self) -> Bucket:
        (setting,) = [each for each in self.birth.buckets if each.token == LOSSES]
        return Bucket(setting.capacity_units, 0, 0, setting.drain_seconds)

    def kernel(self, left_e8: int) -> tuple[Address, Facts]:
        """A Kernel that at the time of the run takes losses of `left_e8` more before three quarters of its bucket are
        reached (negative: it is beyond), and facts as if observed at that very time."""
        world, bucket, now = self.site.world, self.bucket(), self.site.world.now()
        leaked = (RUN_IN - BORN_IN) * bucket.capacity // bucket.drain
        level = bucket.capacity - bucket.capacity // 4 - left_e8 + leaked
        buckets = [replace(each, level_units=level) if each.token == LOSSES else each for each in self.birth.buckets]
        world.ask("evm_setNextBlockTimestamp", now + BORN_IN)
        kernel = world.deploy(artifact("Kernel").creation + replace(self.birth, buckets=tuple(buckets)).encoded)
        self.site.as_safe(world.account.safe, encode_enable_module(kernel))
        facts = self.look(kernel)
        return kernel, replace(facts, block=replace(facts.block, timestamp=now + RUN_IN))

    def run(self, kernel: Address, legs: Sequence[AnyLeg], at: int) -> str:
        """`executed`, `paused` or `refused`, mined at the time `at`."""
        self.site.world.ask("evm_setNextBlockTimestamp", at)
        sent = self.site.world.send_as(AGENT.address, kernel, encode_legs(legs))
        state = self.look(kernel).kernel
        assert state is not None
        return "refused" if not sent.success else "paused" if state.paused else "executed"


def order(sold: TokenId, bought: TokenId, amount: int) -> Swap:
    by = Label.OPERATOR
    return Swap("s", Labelled(sold, by), Labelled(bought, by), Labelled(amount, by), Labelled("", by))


def exactly(found: Routed, document: PolicyDocument) -> Iterator[Call]:
    """The route's calls with each minimum at its quote."""
    for leg, approval, call in zip(found.route.legs, found.calls[::2], found.calls[1::2], strict=True):
        yield approval
        yield replace(call, data=_at_quote(call, leg, document))


def _at_quote(call: Call, leg: Leg, document: PolicyDocument) -> bytes:
    venue = next(venue for venue in document.venues.values() if venue.router == call.to)
    swap = replace(swap_order(call.data, venue), min_out_units=leg.quoted_out_units)
    return encode_swap(swap) if isinstance(swap, PairSwap) else encode_exact_input(swap)


@pytest.fixture
def yard(world: World, chain: RpcChain, tmp_path: Path) -> Yard:
    site = Site.of(world, chain, tmp_path)
    birth = site.birth()
    site.stand(birth)
    return Yard(site, site.policy, birth)


@pytest.mark.parametrize(("over", "outcome"), [(0, "executed"), (1, "paused")])
def test_the_last_hundred_millionth_of_a_dollar_decides(yard: Yard, over: int, outcome: str) -> None:
    """Two swaps in one run: their losses add up to the soft limit, or to one beyond."""
    legs = yard.legs(yard.routed(WETH, USDC, units(WETH, 12)), yard.routed(DAI, USDC, units(DAI, 9_000)))
    assert all(yard.worst_e8([leg], yard.look()) > 0 for leg in legs) and len(legs) > 1
    kernel, facts = yard.kernel(yard.worst_e8(legs, yard.look()) - over)
    assert bool(shortage(legs, facts, yard.document)) is bool(over)
    assert yard.run(kernel, legs, facts.block.timestamp) == outcome


def test_the_last_quarter_is_for_guardians_though_the_kernel_would_let_it_be_used_up(yard: Yard) -> None:
    """A level beyond the soft limit, as after a re-key, pauses nothing anew; one unit past the capacity is refused."""
    legs = yard.legs(yard.routed(WETH, USDC, units(WETH, 12)))
    quarter = yard.bucket().capacity // 4
    for over, outcome in ((0, "executed"), (1, "refused")):
        snapshot = yard.site.world.snapshot()
        kernel, facts = yard.kernel(yard.worst_e8(legs, yard.look()) - quarter - over)
        assert "more than 0.00 USD" in shortage(legs, facts, yard.document)
        assert yard.run(kernel, legs, facts.block.timestamp) == outcome
        yard.site.world.revert(snapshot)


def test_without_fresh_prices_there_is_no_room_and_the_kernel_refuses(yard: Yard) -> None:
    legs = yard.legs(yard.routed(WETH, USDC, units(WETH, 1)))
    yard.site.world.advance(2 * 86_400, feeds=False)
    kernel, facts = yard.kernel(10**11)
    assert "not known without a price" in shortage(legs, facts, yard.document)
    assert yard.run(kernel, legs, facts.block.timestamp) == "refused"


def test_a_swap_without_room_is_compiled_for_guardians_who_take_their_time(yard: Yard) -> None:
    """The same swap: its deadline is twenty minutes where the Kernel takes it, and days where people sign."""
    unit = Unit("u", yard.document.account, (order(WETH, USDC, units(WETH, 2)),))
    found = {}
    for room in (0, 10**12):
        _, facts = yard.kernel(room if room == 0 else yard.bucket().capacity // 2)
        compiled = compile_unit(unit, facts, yard.document, Lane.AGENT)
        assert isinstance(compiled, Compiled)
        assert (dress_for_kernel(compiled, facts, yard.document) is None) is (room == 0)
        venue = next(v for v in yard.document.venues.values() if v.router == compiled.calls[1].to)
        found[room] = swap_order(compiled.calls[1].data, venue).deadline - facts.block.timestamp
    assert found == {0: 3 * 86_400, 10**12: 20 * 60}


# Each example makes a Kernel: shrinking a failure would take minutes.
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate])
@given(
    st.booleans(),
    st.integers(10**15, 8 * 10**18),
    st.integers(-140, 140),
    st.integers(-140, 140),
    st.sampled_from([-1, 0, 1, 10**6, -(10**6)]),
    st.integers(0, 10**9),
)
def test_policy_and_kernel_agree_whatever_the_prices(
    yard: Yard, sells_ether: bool, wei: int, ether_bps: int, dollar_bps: int, beside: int, slack: int
) -> None:
    """Second sources moved by up to their tolerance, and room around the loss: no room where it pauses or refuses, room
    only where it executes."""
    world = yard.site.world
    snapshot = world.snapshot()
    for token, bps in ((WETH, ether_bps), (USDC, dollar_bps)):
        world.set_price(token, PRICES_E8[token][0] * (10_000 + bps) // 10_000, 1)
    sold, bought = (WETH, USDC) if sells_ether else (USDC, WETH)
    amount = wei if sells_ether else max(wei * 3_000 // 10**12, 1)
    found = routed(order(sold, bought, amount), yard.look(), yard.document, Lane.AGENT)
    if isinstance(found, Routed):
        legs = yard.legs(found)
        worst = yard.worst_e8(legs, yard.look())
        kernel, facts = yard.kernel(max(worst + beside, 0) + (slack if beside > 0 else 0))
        outcome = yard.run(kernel, legs, facts.block.timestamp)
        if not shortage(legs, facts, yard.document):
            assert outcome == "executed"
        else:
            assert outcome in ("paused", "refused")
    world.revert(snapshot)


def test_the_loss_that_the_kernel_logs_is_the_one_foreseen(yard: Yard) -> None:
    legs = yard.legs(yard.routed(WETH, USDC, units(WETH, 12)))
    worst = yard.worst_e8(legs, yard.look())
    kernel, facts = yard.kernel(worst)
    key = bucket_key(LOSSES, 0)
    assert facts.kernel is not None
    bucket = facts.kernel.buckets[key]
    leaked = (facts.block.timestamp - bucket.updated) * bucket.capacity // bucket.drain
    assert yard.run(kernel, legs, facts.block.timestamp) == "executed"
    after = yard.look(kernel).kernel
    assert after is not None
    assert after.buckets[key].level == bucket.level - leaked + worst
