"""A swap's loss leaves the treasury above its watch's floor, to 1e-8 USD; a payment is no loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash
from policies.engine import judge
from policies.rules import drawdown
from policies.scenario import Judged
from policies.watching import WatchTerms
from strongroom.model import Address, Delta, Finding, KernelState, TokenId, Verdict, WatchState
from strongroom.valuation import E8

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC, DAI, WETH = TokenId("USDC"), TokenId("DAI"), TokenId("WETH")
WATCH, KERNEL = (Address("0x" + digit * 40) for digit in "78")
FLOOR_E8 = 360_000 * E8
LOST_E8 = 90 * E8
"""10 WETH at 3,000 bring 99.7 % of 30,000 USDC."""


@pytest.fixture(scope="module")
def guarded(desk: Any) -> Any:
    return desk.under(replace(desk.document, watch=WatchTerms(1_000, 25, 600, (USDC, WETH), None)))


def staged(desk: Any, *requests: str, wealth_e8: int | None = FLOOR_E8, **keys: Any) -> Judged:
    watch = WatchState(WATCH, KERNEL, 400_000 * E8, FLOOR_E8, 0, 25, wealth_e8)
    judged: Judged = desk.with_facts(desk.stage(*requests, **({"arrives": "99.7 %"} | keys)), watch=watch)
    return judged


def says(desk: Any, judged: Judged) -> Finding:
    (finding,) = judge(desk.open(judged), {drawdown.RULE: drawdown.judge}).findings
    return finding


@pytest.mark.parametrize(
    ("above_e8", "expected"), [(LOST_E8 + 1, ALLOW), (LOST_E8, ALLOW), (LOST_E8 - 1, ASK), (0, ASK)]
)
def test_a_swaps_loss_may_reach_the_floor_and_not_1e_8_usd_below(
    guarded: Any, above_e8: int, expected: Verdict
) -> None:
    finding = says(guarded, staged(guarded, "swap 10 WETH to USDC", wealth_e8=FLOOR_E8 + above_e8))
    assert finding.verdict is expected and "the unit loses 90.00 USD" in finding.reason
    assert finding.measure and finding.measure.margin == above_e8 - LOST_E8


def test_a_payment_is_no_loss_alone_or_beside_a_swap(guarded: Any) -> None:
    poor = {"wealth_e8": FLOOR_E8 - 1}
    assert says(guarded, staged(guarded, "pay 15_000 USDC to alice", arrives="100 %", **poor)).verdict is ALLOW
    both = staged(guarded, "swap 10 WETH to USDC", "pay 15_000 USDC to alice", wealth_e8=FLOOR_E8 + LOST_E8)
    assert says(guarded, both).verdict is ALLOW
    less = staged(guarded, "swap 10 WETH to USDC", "pay 15_000 USDC to alice", wealth_e8=FLOOR_E8 + LOST_E8 - 1)
    assert says(guarded, less).verdict is ASK


def test_below_the_floor_only_what_loses_more_is_asked(guarded: Any) -> None:
    poor = {"wealth_e8": FLOOR_E8 - 100 * E8}
    assert says(guarded, staged(guarded, "swap 10 WETH to USDC", arrives="100 %", **poor)).verdict is ALLOW
    assert says(guarded, staged(guarded, "swap 10 WETH to USDC", **poor)).verdict is ASK
    assert says(guarded, staged(guarded, "supply 100 USDC to aave", arrives="100 %", **poor)).verdict is ALLOW


def test_selling_for_what_the_watch_does_not_count_looks_like_a_loss_to_it(guarded: Any) -> None:
    judged = staged(guarded, "swap 1_000 USDC to DAI", arrives="100 %", wealth_e8=FLOOR_E8 + 1_000 * E8 - 1)
    assert says(guarded, judged).verdict is ASK


def test_a_missing_or_stale_fact_denies(guarded: Any) -> None:
    assert says(guarded, staged(guarded, "swap 10 WETH to USDC", wealth_e8=None)).verdict is DENY
    stale = says(guarded, staged(guarded, "swap 10 WETH to USDC", stale=["WETH"], wealth_e8=FLOOR_E8 * 2))
    assert stale.verdict is DENY and "WETH: feed" in stale.reason
    judged = staged(guarded, "swap 10 WETH to USDC", wealth_e8=FLOOR_E8 * 2)
    without = {id_: units for id_, units in judged.facts.balances.items() if id_ != USDC}
    missing = says(guarded, guarded.with_facts(judged, balances=without))
    assert (missing.verdict, missing.reason) == (
        DENY,
        "what the unit loses is not known: the balance of `USDC` is not known",
    )


def with_kernel(desk: Any, judged: Judged, address: Address = KERNEL) -> Judged:
    terms = (document_hash(desk.document), document_hash(desk.document), 86_400, {})
    kernel = KernelState(address, desk.document.account.safe, True, KERNEL, 0, 1, False, *terms)
    observed: Judged = desk.with_facts(judged, kernel=kernel)
    return observed


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("swap 10 WETH to USDC", DENY),
        ("supply 100 USDC to aave", DENY),
        ("withdraw 100 USDC from aave", ALLOW),
        ("pay 100 USDC to alice", ALLOW),
    ],
)
def test_a_kernel_without_its_watch_lacks_a_fact_that_swaps_and_loans_need(
    guarded: Any, request_: str, expected: Verdict
) -> None:
    """Neither no watch nor that of another Kernel says how far the treasury may fall. What comes home needs no word."""
    judged = staged(guarded, request_, wealth_e8=FLOOR_E8 * 2, supplied=["100 USDC"])
    assert says(guarded, with_kernel(guarded, judged)).verdict is ALLOW
    unobserved = says(guarded, with_kernel(guarded, guarded.with_facts(judged, watch=None)))
    of_another = says(guarded, with_kernel(guarded, judged, WATCH))
    assert unobserved.verdict is of_another.verdict is expected
    assert ("was not observed; name it in treasury.toml" in unobserved.reason) is (expected is DENY)


def test_without_a_watch_nothing_is_measured(desk: Any, guarded: Any) -> None:
    """Neither without a Kernel, which it would guard, nor under a policy without a drawdown stop."""
    judged = staged(guarded, "swap 10 WETH to USDC")
    assert says(guarded, guarded.with_facts(judged, watch=None)).verdict is ALLOW
    unwatched = desk.under(replace(desk.document, watch=None))
    assert says(unwatched, judged).verdict is ALLOW
    assert says(unwatched, with_kernel(unwatched, unwatched.with_facts(judged, watch=None))).verdict is ALLOW


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9), st.integers(-(10**12), 10**12))
def test_it_asks_exactly_below_the_floor(guarded: Any, sold: int, gained: int, above_e8: int) -> None:
    """In units of USDC (1e-6 at 1 USD) for WETH of no more than dust, so the loss is known to the digit."""
    judged = staged(guarded, "swap 1 USDC to WETH", wealth_e8=FLOOR_E8 + above_e8)
    safe = guarded.document.account.safe
    judged = guarded.with_rehearsal(judged, deltas=(Delta(safe, USDC, gained - sold),))
    lost_e8 = (sold - gained) * 100
    assert (says(guarded, judged).verdict is ASK) == (lost_e8 > 0 and above_e8 < lost_e8)
