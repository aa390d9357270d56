"""Deny lists: who stands on one gets nothing, who appeals goes to guardians, and an old or missing list stops all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash, load
from policies.grants import off_chain_only
from policies.sanctions import Dispute, SanctionTerms
from policies.scenario import NOW
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, InputError
from strongroom.model import Address, Allowance, Call, Listing, TokenId, Verdict
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
DAY = 86_400
OFAC, EU = "ofac", "eu"
USDC = TokenId("USDC")
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
MIDNIGHT = NOW - NOW % DAY
TERMS = SanctionTerms((OFAC, EU), 7 * DAY)


def under_lists(document: PolicyDocument, *disputes: Dispute, sources: tuple[str, ...] = (OFAC, EU)) -> PolicyDocument:
    """The policy with this table, read again from its own text."""
    return load(render(replace(document, sanctions=replace(TERMS, sources=sources, disputes=disputes))))


@pytest.fixture(scope="module")
def listed(desk: Any) -> Any:
    return desk.under(under_lists(desk.document))


def address(desk: Any, name: str) -> Address:
    found: Address = desk.document.payees[name].address
    return found


def appeal(who: Address, until: int) -> Dispute:
    return Dispute(who, "another firm of that name", "ana", until)


# WHO STANDS ON A LIST


def test_who_stands_on_a_list_is_not_paid_and_others_are(listed: Any) -> None:
    assert listed.says(listed.stage("pay 10 USDC to alice")) == {}
    assert listed.says(listed.stage("pay 10 USDC to alice", denied=["bob"])) == {}
    assert listed.says(listed.stage("pay 10 USDC to alice", denied=["bob", "alice"])) == {"sanctions": DENY}
    assert listed.says(listed.stage("pay 1 USDC to bob", "pay 1 USDC to alice", denied=["alice"])) == {
        "sanctions": DENY
    }


def test_the_finding_says_who_which_list_and_its_words(listed: Any) -> None:
    judged = listed.stage("pay 10 USDC to alice")
    note = "SDN 33151\u202e"
    named = [replace(each, entries={address(listed, "alice"): note}) for each in judged.facts.listings]
    denials = [f for f in listed.decide(listed.with_facts(judged, listings=tuple(named))).findings if f.verdict is DENY]
    assert [f.reason for f in denials] == [
        f'`alice` stands on deny list `{name}`, which says "SDN 33151\\u202e"' for name in (OFAC, EU)
    ]


@pytest.mark.parametrize("what", ["router", "pool"])
def test_a_listed_router_or_pool_is_not_traded_with(listed: Any, what: str) -> None:
    """The pool stands in no calldata: it follows from tokens and fee."""
    venue = listed.document.venues["uniswap"]
    (pool,) = [each.address for each in venue.pools if set(each.tokens) == {"WETH", "USDC"}][:1]
    denied = {"router": venue.router, "pool": pool}[what]
    judged = listed.stage("swap 1 WETH to USDC", arrives="99.7 %", denied=[denied])
    safe = listed.document.account.safe
    unseen = tuple(delta for delta in judged.rehearsal.deltas if delta.holder == safe)
    assert listed.says(listed.with_rehearsal(judged, deltas=unseen)) == {"sanctions": DENY}
    assert listed.says(listed.stage("swap 1 WETH to USDC", arrives="99.7 %", denied=[STRANGER])) == {}


@pytest.mark.parametrize("request_", ["supply 500 USDC to aave", "withdraw 500 USDC from aave"])
def test_nothing_is_lent_to_a_listed_market_or_taken_back_from_it(listed: Any, request_: str) -> None:
    market, supplied = listed.document.markets["aave"], ["1_000 USDC"]
    share = next(each.share for each in market.reserves if each.token == USDC)
    assert listed.says(listed.stage(request_, supplied=supplied)) == {}
    for denied in (market.pool, share):
        assert listed.says(listed.stage(request_, supplied=supplied, denied=[denied])) == {"sanctions": DENY}


def test_a_listed_address_deep_in_a_call_nobody_can_read_is_found(listed: Any) -> None:
    """In the owner lane guardians may sign what the policy cannot read; not for somebody on a list."""
    inner = encode_call("execute(bytes)", encode_transfer(STRANGER, 1))
    judged = listed.stage("pay 10 USDC to alice", denied=[STRANGER])
    token = listed.document.tokens[USDC].token.address
    hidden = listed.with_calls(judged, *judged.compiled.calls, Call(listed.document.account, token, 0, inner))
    assert listed.says(judged) == {}
    assert listed.says(hidden)["sanctions"] is DENY
    called = Call(listed.document.account, STRANGER, 0, b"")
    assert listed.says(listed.with_calls(judged, *judged.compiled.calls, called))["sanctions"] is DENY


def test_a_listed_address_that_only_the_rehearsal_saw_is_found(listed: Any) -> None:
    judged = listed.stage("pay 10 USDC to alice", denied=[STRANGER])
    assert listed.says(listed.with_delta(judged, STRANGER, "USDC", 1))["sanctions"] is DENY
    left = listed.with_rehearsal(judged, allowances=(Allowance(USDC, STRANGER, 1),))
    assert listed.says(left)["sanctions"] is DENY


def test_a_list_that_the_policy_does_not_ask_for_says_nothing(listed: Any) -> None:
    judged = listed.stage("pay 10 USDC to alice")
    other = Listing("another", "the case", NOW, {address(listed, "alice"): ""})
    assert listed.says(listed.with_facts(judged, listings=(*judged.facts.listings, other))) == {}


@settings(deadline=None, max_examples=40)
@given(st.sets(st.sampled_from(["alice", "bob", "chidi", "dana"])), st.sampled_from(["alice", "bob"]))
def test_a_payment_is_denied_just_when_its_payee_is_listed(listed: Any, denied: set[str], payee: str) -> None:
    judged = listed.stage(f"pay 10 USDC to {payee}", denied=sorted(denied))
    assert (listed.decide(judged).verdict is DENY) == (payee in denied)


@pytest.mark.parametrize("name", [OFAC, EU])
def test_one_list_alone_is_enough(listed: Any, name: str) -> None:
    judged = listed.stage("pay 10 USDC to alice", denied=["alice"], denied_by=name)
    (denial,) = [f.reason for f in listed.decide(judged).findings if f.verdict is DENY]
    assert name in denial


def test_a_case_whose_list_the_policy_does_not_ask_for_is_refused(listed: Any) -> None:
    with pytest.raises(BadValue, match=r"`Ofak`.*denied_by.*name one of the policy's lists: "):
        listed.stage("pay 10 USDC to alice", denied=["alice"], denied_by="Ofak")


# HOW OLD


@pytest.mark.parametrize(
    ("age", "says"), [(0, {}), (7 * DAY - 1, {}), (7 * DAY, {}), (7 * DAY + 1, {"sanctions": DENY})]
)
def test_a_list_is_good_until_the_last_second_of_its_age(listed: Any, age: int, says: dict[str, Verdict]) -> None:
    keys = {"lists_age": f"{age} seconds"} if age else {}
    assert listed.says(listed.stage("pay 10 USDC to alice", **keys)) == says


@pytest.mark.parametrize(("ahead", "says"), [(0, {}), (1, {"sanctions": DENY})])
def test_a_list_of_tomorrow_never_grows_old_and_is_refused(listed: Any, ahead: int, says: dict[str, Verdict]) -> None:
    judged = listed.stage("pay 10 USDC to alice")
    dated = tuple(replace(each, dated_at=NOW + ahead) for each in judged.facts.listings)
    assert listed.says(listed.with_facts(judged, listings=dated)) == says


@pytest.mark.parametrize("kept", [0, 1])
def test_a_missing_list_denies_whatever_the_other_says(listed: Any, kept: int) -> None:
    judged = listed.stage("pay 10 USDC to alice")
    fewer = listed.with_facts(judged, listings=judged.facts.listings[:kept])
    assert listed.says(fewer) == {"sanctions": DENY}
    missing = [f.reason for f in listed.decide(fewer).findings if f.verdict is DENY]
    assert [reason.split("`")[1] for reason in missing] == [OFAC, EU][kept:]


def test_an_old_list_that_names_the_payee_says_both(listed: Any) -> None:
    judged = listed.stage("pay 10 USDC to alice", denied=["alice"], lists_age="8 days")
    assert len([f for f in listed.decide(judged).findings if f.verdict is DENY]) == 4


# WHO APPEALS


@pytest.mark.parametrize(("until", "verdict"), [(MIDNIGHT, DENY), (MIDNIGHT + DAY, ASK)])
def test_during_an_appeal_guardians_are_asked_and_after_it_nobody(desk: Any, until: int, verdict: Verdict) -> None:
    disputed = desk.under(under_lists(desk.document, appeal(address(desk, "alice"), until)))
    assert disputed.says(disputed.stage("pay 10 USDC to alice", denied=["alice"])) == {"sanctions": verdict}


@pytest.mark.parametrize(("before", "verdict"), [(1, ASK), (0, DENY), (-1, DENY)])
def test_an_appeal_ends_with_the_second_that_its_day_begins(desk: Any, before: int, verdict: Verdict) -> None:
    disputed = desk.under(under_lists(desk.document, appeal(address(desk, "alice"), MIDNIGHT + DAY)))
    judged = disputed.stage("pay 10 USDC to alice", denied=["alice"])
    block = replace(judged.facts.block, timestamp=MIDNIGHT + DAY - before)
    found = [f.verdict for f in disputed.decide(disputed.with_facts(judged, block=block)).findings]
    sanctions = [f for f in disputed.decide(disputed.with_facts(judged, block=block)).findings if f.rule == "sanctions"]
    assert max((f.verdict for f in sanctions), key=lambda v: v.rank) is verdict
    assert verdict in found


def test_one_appeal_helps_nobody_else(desk: Any) -> None:
    disputed = desk.under(under_lists(desk.document, appeal(address(desk, "bob"), MIDNIGHT + DAY)))
    assert disputed.says(disputed.stage("pay 10 USDC to alice", denied=["alice"])) == {"sanctions": DENY}
    both = disputed.stage("pay 10 USDC to alice", "pay 10 USDC to bob", denied=["alice", "bob"])
    assert disputed.says(both) == {"sanctions": DENY}


def test_an_appeal_is_no_way_around_an_old_list(desk: Any) -> None:
    disputed = desk.under(under_lists(desk.document, appeal(address(desk, "alice"), MIDNIGHT + DAY)))
    judged = disputed.stage("pay 10 USDC to alice", denied=["alice"], lists_age="8 days")
    assert disputed.says(judged) == {"sanctions": DENY}


# WITHOUT


def test_without_the_table_lists_say_nothing_and_none_need_be_there(desk: Any) -> None:
    judged = desk.stage("pay 10 USDC to alice", denied=["alice"])
    assert judged.facts.listings == ()
    on_it = Listing(OFAC, "the case", NOW, {address(desk, "alice"): ""})
    assert desk.says(desk.with_facts(judged, listings=(on_it,))) == {}


def test_without_the_rule_the_listed_are_paid(listed: Any) -> None:
    judged = listed.stage("pay 10 USDC to alice", denied=["alice"])
    assert listed.decide(judged, without="sanctions").verdict is ALLOW


# WRITTEN


def test_the_table_is_written_read_back_and_hashed(document: PolicyDocument) -> None:
    alice, bob = (document.payees[name].address for name in ("alice", "bob"))
    first = under_lists(document, appeal(alice, MIDNIGHT), appeal(bob, MIDNIGHT + DAY))
    assert first.sanctions == replace(TERMS, disputes=(appeal(alice, MIDNIGHT), appeal(bob, MIDNIGHT + DAY)))
    others = [under_lists(document), under_lists(document, sources=(OFAC,)), under_lists(document, appeal(alice, 0))]
    assert len({document_hash(each) for each in (first, *others, document)}) == 5


DISPUTE = f"""
[[sanctions.disputes]]
address = "{STRANGER}"
note = "another firm"
by = "ana"
until = "2026-12-01"
"""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('sources = []\nmax_age = "7 days"', "name each list once"),
        ('sources = ["ofac", "ofac"]\nmax_age = "7 days"', "name each list once"),
        ('sources = [""]\nmax_age = "7 days"', "name each list once"),
        ('sources = ["ofac"]', "`max_age`.*required"),
        ('max_age = "7 days"', "`sources`.*required"),
        ('sources = ["ofac"]\nmax_age = "7"', "write a duration"),
        ('sources = ["ofac"]\nmax_age = "0 days"', "write a duration"),
        ('source = ["ofac"]\nmax_age = "7 days"', "unknown key `source`"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE + DISPUTE, "one dispute for each address"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE.replace('"another firm"', '""'), "`note` in"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE.replace('"ana"', '"a\\nb"'), "`by` in"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE.replace("2026-12-01", "soon"), "write a day"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE.replace("until", "til"), "`til`|`until`"),
        ('sources = ["ofac"]\nmax_age = "7 days"' + DISPUTE.replace(STRANGER, "0x" + "0" * 40), "who stands on"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(document: PolicyDocument, table: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(render(document) + f"\n[sanctions]\n{table}\n")


def test_the_kernel_is_said_not_to_know_of_lists(document: PolicyDocument) -> None:
    assert "deny lists: ofac, eu" in off_chain_only(under_lists(document))
    assert not [line for line in off_chain_only(document) if "deny lists" in line]
