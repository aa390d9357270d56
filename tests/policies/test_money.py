"""Rules about amounts, each at exactly its limit and one unit beyond: payments, caps, approvals, reserves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.metered import Metered
from policies.spending import level
from policies.terms import PolicyDocument
from strongroom.model import TokenId, Verdict

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
ASKED = {"caps": ASK}
USDC = TokenId("USDC")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ("pay 12_000 USDC to alice", {}),
        ("pay 12_000.000001 USDC to alice", {"approvals": ASK}),
        ("pay 15_000 USDC to alice", {"approvals": ASK}),
        ("pay 15_000.000001 USDC to alice", {"approvals": ASK, "payments": DENY}),
        ("pay 9_000 DAI to dana", {}),
        ("pay 9_000.000000000000000001 DAI to dana", {"approvals": ASK, "payments": DENY}),
        ("pay 0.000001 USDC to alice", {}),
        ("pay 100 DAI to alice", {"payments": DENY}),
    ],
)
def test_a_payment_is_measured_against_tier_and_payee(desk: Any, request_: str, says: dict[str, Verdict]) -> None:
    assert desk.says(desk.stage(request_)) == says


def test_payments_to_one_payee_in_one_unit_add_up(desk: Any) -> None:
    assert desk.says(desk.stage("pay 6_000 USDC to alice", "pay 6_000 USDC to alice")) == {}
    assert desk.says(desk.stage("pay 8_000 USDC to alice", "pay 8_000 USDC to alice")) == {
        "approvals": ASK,
        "payments": DENY,
    }


@pytest.mark.parametrize(
    ("past", "says"),
    [
        (["2_000 USDC to alice 23 hours ago"], {}),
        (["2_000.000001 USDC to alice 23 hours ago"], {"approvals": ASK}),
        (["2_000.000001 USDC to alice 24 hours ago"], {}),
        (["2_000.000001 USDC to alice 86_399 seconds ago"], {"approvals": ASK}),
        (["9_000 USDC to bob 1 hour ago"], {}),
    ],
)
def test_a_tier_counts_what_one_recipient_got_within_its_window(
    desk: Any, past: list[str], says: dict[str, Verdict]
) -> None:
    assert desk.says(desk.stage("pay 10_000 USDC to alice", past=past)) == says


def test_the_highest_tier_reached_says_how_many_guardians_sign(desk: Any) -> None:
    two = desk.decide(desk.stage("pay 13_000 USDC to alice"))
    three = desk.decide(desk.stage("pay 13_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"]))
    assert (two.verdict, two.approvals_needed) == (ASK, 2)
    assert (three.verdict, three.approvals_needed) == (ASK, 3)
    assert three.guardians == desk.document.guardians.members


def test_the_safe_s_own_threshold_is_the_least_number_of_guardians(desk: Any) -> None:
    judged = desk.stage("pay 13_000 USDC to alice")
    safe = replace(judged.facts.safe, threshold=3)
    before = replace(judged.rehearsal.safe_before, threshold=3)
    after = replace(judged.rehearsal.safe_after, threshold=3)
    stricter = desk.with_rehearsal(desk.with_facts(judged, safe=safe), safe_before=before, safe_after=after)
    assert desk.decide(stricter).approvals_needed == 3


def test_asking_more_guardians_than_own_the_safe_denies(desk: Any) -> None:
    judged = desk.stage("pay 13_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"])
    owners = judged.facts.safe.owners[:2]
    safe = replace(judged.facts.safe, owners=owners)
    before, after = (replace(s, owners=owners) for s in (judged.rehearsal.safe_before, judged.rehearsal.safe_after))
    fewer = desk.with_rehearsal(desk.with_facts(judged, safe=safe), safe_before=before, safe_after=after)
    decision = desk.decide(fewer)
    assert decision.verdict is DENY
    last, *missing = decision.findings[-1], *desk.document.guardians.members[2:]
    assert (last.rule, last.verdict, last.measured) == ("approvals", DENY, "2")
    assert last.limit.startswith("3 of ")
    assert last.reason == "too few guardians can sign: " + ", ".join(f"`{m}` is no owner of the Safe" for m in missing)


def test_a_unit_above_the_ceiling_is_denied_whoever_signs(desk: Any) -> None:
    requests = ["pay 12_000 USDC to alice", "pay 12_000 USDC to bob", "pay 12_000 USDC to chidi"]
    at_ceiling = desk.stage(*requests, "pay 12_000 USDC to emre", "pay 12_000 USDC to alice")
    assert "approvals" in desk.says(at_ceiling)
    sixty = desk.decide(desk.stage(*requests, "pay 12_000 USDC to emre"))
    assert sixty.verdict is ASK
    ceiling = [f for f in desk.decide(at_ceiling).findings if "whoever signs" in f.reason]
    assert [(f.measured, f.limit, f.verdict) for f in ceiling] == [("60,000.00 USDC", "60,000.00 USDC", ALLOW)]


@pytest.mark.parametrize(
    ("past", "says"),
    [
        (["36_500 USDC to bob 1 day ago"], {}),
        (["36_500.000001 USDC to bob 1 day ago"], {"caps": ASK}),
        (["45_000 USDC to bob 6_666 minutes ago"], {"caps": ASK}),
        (["45_000 USDC to bob 9_600 minutes ago"], {}),
        (["45_000 USDC to bob 20 days ago", "10_000 USDC to bob 10 days ago", "10_000 USDC to bob 2 days ago"], {}),
        (["45_000 USDC to bob 20 days ago", "10_000 USDC to bob 10 days ago", "10_001 USDC to bob 2 days ago"], ASKED),
    ],
)
def test_a_bucket_of_45_000_flows_back_at_1_500_a_day(desk: Any, past: list[str], says: dict[str, Verdict]) -> None:
    assert desk.says(desk.stage("pay 10_000 USDC to alice", past=past)) == says


def test_a_burst_older_than_the_window_still_counts_while_it_flows_back(desk: Any, document: PolicyDocument) -> None:
    """With little flowing back, a cap that only looked at its window would allow a second burst the Kernel refuses."""
    cap = replace(document.caps["team"][USDC], cap_units=60_000 * 10**6)
    slow = desk.under(replace(document, caps={**document.caps, "team": {USDC: cap}}))
    past = ["45_000 USDC to bob 31 days ago"]
    assert cap.drain_seconds == 90 * 86_400
    assert slow.document.history_seconds() == 90 * 86_400
    assert slow.says(slow.stage("pay 15_000 USDC to alice", past=past)) == {"approvals": ASK}
    assert slow.says(slow.stage("pay 12_000 USDC to alice", "pay 3_501 USDC to emre", past=past)) == {"caps": ASK}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60 * 86_400), st.integers(1, 45_000 * 10**6)), max_size=12))
def test_what_goes_alone_keeps_every_window_within_the_cap(
    document: PolicyDocument, attempts: list[tuple[int, int]]
) -> None:
    """Replaying any attempts in time, and executing those the rule lets go alone: no window sees more than the cap."""
    cap = document.caps["team"][USDC]
    passed: list[Metered] = []
    for when, units in sorted(attempts):
        if level(cap, tuple(passed), when) + units <= cap.at_once_units:
            passed.append(Metered(USDC, units, document.payees["bob"].address, "team", when))
    for last in passed:
        window = [o.units for o in passed if last.timestamp - cap.window_seconds < o.timestamp <= last.timestamp]
        assert sum(window) <= cap.cap_units


def test_what_waits_in_the_queue_already_counts(desk: Any) -> None:
    waiting = ["15_000 USDC to bob", "15_000 USDC to chidi", "5_000 USDC to emre"]
    assert desk.says(desk.stage("pay 10_000 USDC to alice", waiting=waiting)) == {}
    assert desk.says(desk.stage("pay 10_000.000001 USDC to alice", waiting=waiting)) == {"caps": ASK}


def test_the_unit_s_own_proposal_in_the_queue_is_not_counted_twice(desk: Any) -> None:
    judged = desk.stage("pay 10_000 USDC to alice", waiting=["15_000 USDC to bob", "15_000 USDC to chidi"])
    own = replace(judged.facts.queue[0], tx=judged.action)
    again = desk.with_facts(judged, queue=(*judged.facts.queue, own))
    assert desk.says(again) == {}
    later = replace(own, tx=replace(judged.action, nonce=judged.action.nonce + 1))
    twice = desk.with_facts(judged, queue=(*judged.facts.queue, later))
    assert desk.says(twice) == {"caps": ASK, "approvals": ASK}


def test_an_executed_transaction_still_listed_in_the_queue_is_not_in_flight(desk: Any) -> None:
    judged = desk.stage("pay 10_000 USDC to alice", waiting=["15_000 USDC to bob", "15_000 USDC to bob"])
    old = tuple(replace(q, tx=replace(q.tx, nonce=0)) for q in judged.facts.queue)
    more = desk.with_facts(judged, queue=(*judged.facts.queue, *old))
    assert desk.says(more) == {}


def test_an_unexplained_outflow_counts_in_every_class_of_its_token(desk: Any) -> None:
    stranger = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
    past = [f"50_001 USDC to {stranger} 2 days ago"]
    assert desk.says(desk.stage("pay 10_000 USDC to alice", past=past)) == {"caps": ASK}
    assert desk.says(desk.stage("pay 5_000 USDC to grants_safe", past=past)) == {"caps": ASK}
    assert desk.says(desk.stage("pay 9_000 DAI to dana", past=past)) == {}


def test_another_class_of_the_same_token_leaves_room(desk: Any) -> None:
    past = ["40_000 USDC to grants_safe 2 days ago"]
    assert desk.says(desk.stage("pay 12_000 USDC to alice", past=past)) == {}


def test_swaps_are_metered_by_the_pool_they_went_to(desk: Any) -> None:
    pool = desk.document.venues["uniswap"].pools[0].address
    past = [f"16 WETH to {pool} 2 days ago"]
    swap = "swap 9.7 WETH to USDC"
    assert desk.says(desk.stage(swap, past=past, arrives="99.7 %")) == {}
    assert desk.says(desk.stage(swap, past=[f"30 WETH to {pool} 2 days ago"], arrives="99.7 %")) == {"caps": ASK}


def test_a_payment_in_ether_asks_because_its_past_is_invisible(desk: Any) -> None:
    assert desk.says(desk.stage("pay 0.1 ETH to grants_safe")) == {"caps": ASK}


@pytest.mark.parametrize(
    ("held", "says"), [("110_500 USDC", ALLOW), ("110_499.999999 USDC", ASK), ("110_000 USDC", ASK)]
)
def test_what_waits_is_no_reserve(desk: Any, held: str, says: Verdict) -> None:
    """The same payment as below, beside 500 USDC that wait to be paid."""
    decision = desk.decide(desk.stage("pay 10_000 USDC to alice", balances=[held], waiting=["500 USDC to bob"]))
    (finding,) = [each for each in decision.findings if each.rule == "reserves"]
    assert (finding.verdict, finding.reason) == (says, "at least this much USDC should stay, once what waits has left")


@pytest.mark.parametrize(("held", "says"), [("110_000 USDC", {}), ("109_999.999999 USDC", {"reserves": ASK})])
def test_the_reserve_stays_or_guardians_look(desk: Any, held: str, says: dict[str, Verdict]) -> None:
    assert desk.says(desk.stage("pay 10_000 USDC to alice", balances=[held])) == says


def test_measured_and_limit_are_written_for_people(desk: Any) -> None:
    findings = desk.decide(desk.stage("pay 12_345.5 USDC to alice")).findings
    (tier,) = [f for f in findings if f.rule == "approvals" and f.verdict is ASK]
    assert (tier.measured, tier.limit) == ("12,345.50 USDC", "12,000.00 USDC")
    assert tier.reason == "2 guardians above this much USDC to one recipient within 1 day"


def test_what_no_class_caps_cannot_move(desk: Any, document: PolicyDocument) -> None:
    swaps = {token: cap for token, cap in document.caps["swaps"].items() if token != "WETH"}
    closed = desk.under(replace(document, caps={**document.caps, "swaps": swaps}))
    assert closed.says(closed.stage("swap 1 WETH to USDC", arrives="99.7 %")) == {"caps": DENY}
    assert desk.says(desk.stage("pay 1 HALL to alice")) == {"caps": DENY, "payments": DENY}


def test_a_swap_split_over_pools_and_days_reaches_the_same_tier(desk: Any, document: PolicyDocument) -> None:
    one, two, *_ = document.venues["uniswap"].pools
    past = [f"4 WETH to {one.address} 3 hours ago", f"4 WETH to {two.address} 2 hours ago"]
    assert desk.says(desk.stage("swap 2 WETH to USDC", past=past, arrives="99.7 %")) == {}
    more = desk.stage("swap 2.000000000000000001 WETH to USDC", past=past, arrives="99.7 %")
    assert desk.says(more) == {"approvals": ASK}


def test_the_window_and_the_moment_are_both_shown(desk: Any) -> None:
    judged = desk.stage("pay 10_000 USDC to alice", past=["20_000 USDC to bob 5 days ago"])
    shown = [(f.measured, f.limit) for f in desk.decide(judged).findings if f.rule == "caps"]
    assert shown == [("30,000.00 USDC", "90,000.00 USDC"), ("22,500.00 USDC", "45,000.00 USDC")]
