"""An honest agent never trips the Kernel's soft limit on losses: what its swaps may lose at worst is known before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compiler import dress_for_kernel
from policies.document import document_hash
from policies.grants import compile_policy, granted_legs, shortage
from policies.scenario import Judged
from policies.source_prices import source_price
from policies.swap_losses import unalarming_e8, worst_loss_e8, worst_losses_e8
from policies.terms import LossLimit, PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.model import Address, Bucket, Facts, KernelCall, KernelState, TokenId, Verdict
from strongroom.protocols.kernel import LOSSES, bucket_key
from strongroom.protocols.kernel_legs import GrantedSwap, encode_legs
from strongroom.protocols.uniswap_v3 import ExactInput
from strongroom.valuation import E8, Problem

USDC, DAI, WETH = TokenId("USDC"), TokenId("DAI"), TokenId("WETH")
CAPACITY_E8 = 5_000 * E8
SOFT_E8 = 3_750 * E8
KEY = bucket_key(LOSSES, 0)
KERNEL, AGENT = Address("0x2222222222222222222222222222222222222222"), to_address(keccak(b"agent")[12:])


def address(name: str) -> Address:
    return to_address(keccak(name.encode())[12:])


@pytest.fixture(scope="module")
def swaps(desk: Any) -> Any:
    """A desk whose policy lets the agent swap alone: price sources and a limit on losses, and no drawdown stop."""
    document: PolicyDocument = desk.document
    sourced = {t: replace(document.tokens[t], source=address(t)) for t in (USDC, WETH)}
    losses = LossLimit(20_000 * E8, 30 * 86_400, CAPACITY_E8)
    return desk.under(replace(document, tokens={**document.tokens, **sourced}, losses=losses, watch=None))


def kernel(document: PolicyDocument, at: int, lost_e8: int = 0) -> KernelState:
    compiled = compile_policy(document)
    buckets = {each.key: Bucket(each.capacity_units, 0, at, each.drain_seconds) for each in compiled.buckets}
    buckets[KEY] = replace(buckets[KEY], level=lost_e8)
    terms = (compiled.root, document_hash(document), 86_400, buckets)
    return KernelState(KERNEL, document.account.safe, True, AGENT, 0, 1, False, *terms)


def staged(desk: Any, *requests: str, lost_e8: int = 0) -> Judged:
    """A unit as one Kernel call, with so much lost before."""
    judged: Judged = desk.stage(*requests, arrives="99.7 %")
    facts = judged.facts
    safe = replace(facts.safe, modules=(KERNEL,))
    facts = replace(facts, safe=safe, kernel=kernel(desk.document, facts.block.timestamp, lost_e8))
    judged = desk.with_rehearsal(replace(judged, facts=facts), safe_before=safe, safe_after=safe)
    action = KernelCall(desk.document.account, AGENT, KERNEL, encode_legs(legs_of(desk, judged)))
    return replace(judged, action=action)


def legs_of(desk: Any, judged: Judged) -> tuple[GrantedSwap, ...]:
    legs = granted_legs(judged.compiled.calls, desk.document)
    assert legs is not None
    return tuple(leg for leg in legs if isinstance(leg, GrantedSwap))


def loss_e8(desk: Any, judged: Judged) -> int:
    found = worst_losses_e8((leg.swap for leg in legs_of(desk, judged)), judged.facts, desk.document)
    assert isinstance(found, int)
    return found


def with_price(facts: Facts, token: TokenId, *answers: int) -> Facts:
    rounds = [replace(round_, answer=answer) for round_, answer in zip(facts.rounds[token], answers, strict=True)]
    return replace(facts, rounds={**facts.rounds, token: tuple(rounds)})


def test_a_swap_that_must_bring_half_a_percent_less_may_lose_just_that(swaps: Any) -> None:
    judged = staged(swaps, "swap 2 WETH to USDC")
    assert loss_e8(swaps, judged) == 30 * E8


def test_the_sources_apart_make_the_loss_larger_by_as_much(swaps: Any) -> None:
    judged = staged(swaps, "swap 2 WETH to USDC")
    apart = with_price(judged.facts, WETH, 3_000 * E8, 3_003 * E8)
    assert loss_e8(swaps, replace(judged, facts=apart)) == 36 * E8


def test_up_to_three_quarters_need_nobody_and_a_hundred_millionth_of_a_dollar_more_asks(swaps: Any) -> None:
    room = SOFT_E8 - 30 * E8
    assert swaps.says(staged(swaps, "swap 2 WETH to USDC", lost_e8=room)) == {}
    assert swaps.says(staged(swaps, "swap 2 WETH to USDC", lost_e8=room + 1)) == {"grants": Verdict.ASK}


def test_the_losses_of_one_unit_add_up(swaps: Any) -> None:
    both = ("swap 2 WETH to USDC", "swap 3 WETH to USDC")
    assert swaps.says(staged(swaps, *both, lost_e8=SOFT_E8 - 75 * E8)) == {}
    assert swaps.says(staged(swaps, *both, lost_e8=SOFT_E8 - 75 * E8 + 1)) == {"grants": Verdict.ASK}


def test_a_shortage_says_in_dollars_what_may_be_lost_and_what_is_left(swaps: Any) -> None:
    judged = staged(swaps, "swap 2 WETH to USDC", lost_e8=SOFT_E8 - 30 * E8 + 1)
    assert shortage(legs_of(swaps, judged), judged.facts, swaps.document) == (
        "the swaps may lose 30.00 USD at the worse of both prices, more than 29.99 USD makes the Kernel pause its agent"
    )


def test_a_closed_bucket_for_losses_lets_only_what_loses_nothing_pass(swaps: Any) -> None:
    judged = staged(swaps, "swap 2 WETH to USDC")
    assert judged.facts.kernel is not None
    without = {key: bucket for key, bucket in judged.facts.kernel.buckets.items() if key != KEY}
    facts = replace(judged.facts, kernel=replace(judged.facts.kernel, buckets=without))
    (leg,) = legs_of(swaps, judged)
    assert "more than 0.00 USD" in shortage([leg], facts, swaps.document)
    assert isinstance(leg.swap, ExactInput)
    fair = replace(leg, swap=replace(leg.swap, min_out_units=6_000 * 10**6))
    assert shortage([fair], facts, swaps.document) == ""


@pytest.mark.parametrize("token", [WETH, USDC])
def test_without_a_price_there_is_no_room(swaps: Any, token: TokenId) -> None:
    judged = staged(swaps, "swap 2 WETH to USDC")
    for rounds in ((), judged.facts.rounds[token][:1], stale(judged.facts, token), apart(judged.facts, token)):
        facts = replace(judged.facts, rounds={**judged.facts.rounds, token: rounds})
        assert "not known without a price" in shortage(legs_of(swaps, judged), facts, swaps.document)


def stale(facts: Facts, token: TokenId) -> tuple[Any, ...]:
    one, two = facts.rounds[token]
    return one, replace(two, updated_at=two.updated_at - 1)


def apart(facts: Facts, token: TokenId) -> tuple[Any, ...]:
    one, two = facts.rounds[token]
    return one, replace(two, answer=two.answer * 2)


def test_a_third_source_is_none_of_the_contract_s(swaps: Any) -> None:
    """The PriceSource asks the first two feeds; the policy's rules see the third besides."""
    judged = staged(swaps, "swap 2 WETH to USDC")
    listed = swaps.document.tokens[WETH]
    third = replace(listed, feeds=(*listed.feeds, address("third")))
    document = replace(swaps.document, tokens={**swaps.document.tokens, WETH: third})
    rounds = (*judged.facts.rounds[WETH], replace(judged.facts.rounds[WETH][0], feed=third.feeds[2], answer=1))
    facts = replace(judged.facts, rounds={**judged.facts.rounds, WETH: rounds})
    assert source_price(WETH, facts, document) == source_price(WETH, judged.facts, swaps.document)


def test_what_the_kernel_might_pause_for_is_not_dressed_for_it(swaps: Any) -> None:
    judged = staged(swaps, "pay 10 USDC to alice")
    assert dress_for_kernel(judged.compiled, judged.facts, swaps.document) is not None
    easy = staged(swaps, "swap 2 WETH to USDC", lost_e8=SOFT_E8 - 30 * E8)
    assert dress_for_kernel(easy.compiled, easy.facts, swaps.document) is not None
    tight = staged(swaps, "swap 2 WETH to USDC", lost_e8=SOFT_E8)
    assert dress_for_kernel(tight.compiled, tight.facts, swaps.document) is None


UNITS = st.integers(1, 10**22)
OUT = st.integers(1, 10**14)
ANSWERS = st.integers(1, 10**13)
SPREAD = st.integers(0, 200)


def order(document: PolicyDocument, units: int, least: int) -> ExactInput:
    pair = (document.tokens[WETH].token.address, document.tokens[USDC].token.address)
    return ExactInput(*pair, 500, document.account.safe, 2**40, units, least)


def charged_e8(given_: tuple[int, int], got: tuple[int, int], spent: int, received: int) -> int:
    """`_lossE8` of the Kernel over `PriceSource.valueE8`, written from the contracts: WETH for USDC by such feeds."""
    high = max(given_) * 10**10
    low = min(got) * 10**10
    return max(-(-spent * high // 10**28) - received * low // 10**16, 0)


def near(answer: int, bps: int) -> tuple[int, int]:
    return answer, answer + answer * bps // 10_000


@given(UNITS, OUT, OUT, ANSWERS, ANSWERS, SPREAD, SPREAD)
def test_no_swap_that_brings_its_least_is_charged_more(
    swaps: Any, units: int, least: int, more: int, weth: int, usdc: int, one: int, two: int
) -> None:
    """charged(spent, received >= least) <= worst(amount, least), and equal when it brings just the least."""
    paid, got = near(weth, one), near(usdc, two)
    facts = with_price(with_price(staged(swaps, "swap 2 WETH to USDC").facts, WETH, *paid), USDC, *got)
    worst = worst_loss_e8(order(swaps.document, units, least), facts, swaps.document)
    if isinstance(worst, Problem):
        assert max(one, two) > 100 or min(weth, usdc) < 10**4
        return
    assert charged_e8(paid, got, units, least) == worst
    assert charged_e8(paid, got, units, least + more) <= worst


@given(st.lists(st.tuples(UNITS, OUT), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_sum_is_that_of_its_parts_in_any_order_and_a_gain_makes_up_for_nothing(
    swaps: Any, amounts: list[tuple[int, int]], random: Any
) -> None:
    facts = staged(swaps, "swap 2 WETH to USDC").facts
    orders = [order(swaps.document, *each) for each in amounts]
    alone = [worst_loss_e8(each, facts, swaps.document) for each in orders]
    shuffled = list(orders)
    random.shuffle(shuffled)
    total = worst_losses_e8(shuffled, facts, swaps.document)
    assert total == sum(loss for loss in alone if isinstance(loss, int))
    assert isinstance(total, int) and total >= max(loss for loss in alone if isinstance(loss, int))


BUCKETS = st.builds(Bucket, st.integers(0, 10**15), st.integers(0, 10**15), st.just(1_000), st.integers(0, 10**8))
CHARGES = st.lists(st.integers(0, 10**14), max_size=6)


def run(bucket: Bucket, charges: Sequence[int], at: int) -> str:
    """`LeakyBucket` over one run, written from the contract: `reverts`, `pauses` or neither."""
    pauses, updated, level = False, bucket.updated, bucket.level
    for charge in charges:
        if not charge:
            continue
        leaked = (at - updated) * bucket.capacity // bucket.drain if bucket.drain else 0
        before = max(level - leaked, 0)
        if charge > max(bucket.capacity - before, 0):
            return "reverts"
        level, updated = before + charge, at
        soft = bucket.capacity - bucket.capacity // 4
        pauses = pauses or (level > soft and level - charge <= soft)
    return "pauses" if pauses else ""


@given(BUCKETS, CHARGES, st.integers(0, 10**8), st.integers(0, 10**6))
def test_what_fits_neither_reverts_nor_pauses_then_or_later(
    bucket: Bucket, charges: list[int], passed: int, later: int
) -> None:
    """Also when the run is mined a while after the facts."""
    at = bucket.updated + passed
    room = unalarming_e8(bucket, at)
    if sum(charges) <= room:
        assert run(bucket, charges, at) == ""
        assert run(bucket, charges, at + later) == ""


@given(BUCKETS, st.integers(0, 10**8), st.integers(1, 10**9))
def test_one_more_than_fits_pauses_or_reverts_where_the_limit_was_not_passed_before(
    bucket: Bucket, passed: int, over: int
) -> None:
    at = bucket.updated + passed
    room = unalarming_e8(bucket, at)
    soft = bucket.capacity - bucket.capacity // 4
    leaked = passed * bucket.capacity // bucket.drain if bucket.drain else 0
    if max(bucket.level - leaked, 0) <= soft:
        assert run(bucket, [room + over], at) in ("pauses", "reverts")
