"""Tiers that name guardians and wait: who must sign, who is missing, and how long it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash, load
from policies.grants import off_chain_only
from policies.quorums import asked_in_words, lacking, precedence
from policies.template import render
from policies.terms import PolicyDocument, Tier
from policies.tiers import LONGEST_DELAY_SECONDS
from strongroom.errors import InputError
from strongroom.model import Address, Decision, Digest, Quorum, TokenId, Verdict

ALLOW, DELAY, ASK, DENY = Verdict.ALLOW, Verdict.DELAY, Verdict.ASK, Verdict.DENY
HOUR, DAY = 3_600, 86_400
USDC = TokenId("USDC")
NAMES = ("carol", "dave", "erin", "frank", "grace")


def tiered(document: PolicyDocument, *tiers: Tier) -> PolicyDocument:
    """The policy with named guardians and these tiers of the team's USDC, read again from its own text."""
    guardians = document.guardians
    named = replace(guardians, names=dict(zip(NAMES, guardians.members, strict=False)))
    cap = replace(document.caps["team"][USDC], tiers=tiers)
    caps = {**document.caps, "team": {**document.caps["team"], USDC: cap}}
    return load(render(replace(document, guardians=named, caps=caps)))


def usdc(whole: int) -> int:
    return whole * 10**6


PLAIN = Tier(2, usdc(1_000), DAY)
NAMED = Tier(2, usdc(5_000), DAY, ("carol", "dave"))
SLOW = Tier(2, usdc(10_000), 7 * DAY, (), 2 * DAY)


@pytest.fixture(scope="module")
def tiers(desk: Any) -> Any:
    return desk.under(tiered(desk.document, PLAIN, NAMED, SLOW))


# WHO SIGNS


@pytest.mark.parametrize(
    ("amount", "quorums", "delay"),
    [
        ("5_000", 0, 0),
        ("5_000.000001", 1, 0),
        ("10_000", 1, 0),
        ("10_000.000001", 1, 2 * DAY),
    ],
)
def test_each_tier_reached_adds_what_it_asks(tiers: Any, amount: str, quorums: int, delay: int) -> None:
    decision = tiers.decide(tiers.stage(f"pay {amount} USDC to alice"))
    assert (decision.verdict, decision.approvals_needed) == (ASK, 2)
    assert decision.guardians == tiers.document.guardians.members
    assert decision.quorums == (Quorum(2, tiers.document.guardians.members[:2]),) * quorums
    assert decision.delay_seconds == delay


def test_below_every_tier_nobody_is_asked_and_nothing_waits(tiers: Any) -> None:
    decision = tiers.decide(tiers.stage("pay 1_000 USDC to alice"))
    assert (decision.verdict, decision.approvals_needed, decision.quorums, decision.delay_seconds) == (ALLOW, 0, (), 0)


def test_a_weekly_tier_counts_the_week_and_its_delay_is_a_finding_of_its_own(tiers: Any) -> None:
    """Split over days, each payment stays below the daily tiers; together they wait."""
    past = ["4_600 USDC to alice 6 days ago", "4_600 USDC to alice 3 days ago"]
    for amount, delay in (("800", 0), ("800.000001", 2 * DAY)):
        decision = tiers.decide(tiers.stage(f"pay {amount} USDC to alice", past=past))
        assert decision.delay_seconds == delay
        assert [f.rule for f in decision.findings if f.verdict is DELAY] == ["approvals"] * bool(delay)


def test_the_longest_wait_of_the_tiers_reached_holds(desk: Any) -> None:
    both = desk.under(tiered(desk.document, replace(PLAIN, delay_seconds=5 * DAY), SLOW))
    assert both.decide(both.stage("pay 10_001 USDC to alice")).delay_seconds == 5 * DAY


def test_what_another_rule_asks_for_waits_for_nothing(tiers: Any) -> None:
    decision = tiers.decide(tiers.stage("pay 10 USDC to alice", amount_by="model"))
    assert (decision.verdict, decision.quorums, decision.delay_seconds) == (ASK, (), 0)


def without_owner(desk: Any, judged: Any, *gone: Address) -> Any:
    owners = tuple(owner for owner in judged.facts.safe.owners if owner not in gone)
    before, after = (replace(s, owners=owners) for s in (judged.rehearsal.safe_before, judged.rehearsal.safe_after))
    fewer = desk.with_facts(judged, safe=replace(judged.facts.safe, owners=owners))
    return desk.with_rehearsal(fewer, safe_before=before, safe_after=after)


def test_named_guardians_who_do_not_own_the_safe_deny_by_name(tiers: Any) -> None:
    dave, erin = tiers.document.guardians.members[1:3]
    judged = tiers.stage("pay 5_001 USDC to alice")
    denied = tiers.decide(without_owner(tiers, judged, dave))
    assert denied.verdict is DENY
    last = denied.findings[-1]
    assert (last.rule, last.reason) == ("approvals", "too few guardians can sign: `dave` is no owner of the Safe")
    assert (last.measured, last.limit) == ("1", "2 of carol, dave")
    assert tiers.decide(without_owner(tiers, judged, erin)).verdict is ASK


def test_a_named_guardian_who_is_paid_denies_by_name(desk: Any) -> None:
    document = tiered(desk.document, NAMED)
    paid = replace(document.payees["alice"], guardian=document.guardians.names["carol"])
    own = desk.under(load(render(replace(document, payees={**document.payees, "alice": paid}))))
    denied = own.decide(own.stage("pay 5_001 USDC to alice"))
    assert denied.verdict is DENY
    assert denied.findings[-1].reason == "too few guardians can sign: `carol` is paid here"
    assert own.decide(own.stage("pay 5_001 USDC to bob")).verdict is ASK


# WHAT IS STILL MISSING

G = tuple(Address(f"0x{number:040x}") for number in range(5))


def asking(*quorums: Quorum) -> Decision:
    return Decision(ASK, (), Digest("0x"), 2, G[:4], 0, quorums)


@pytest.mark.parametrize(
    ("signed", "missing"),
    [
        (G[:0], (Quorum(2, G[:4]), Quorum(1, G[:1]))),
        (G[1:2], (Quorum(1, (G[0], *G[2:4])), Quorum(1, G[:1]))),
        (G[1:3], (Quorum(1, G[:1]),)),
        (G[:1], (Quorum(1, G[1:4]),)),
        (G[:2], ()),
        (G[:4], ()),
        # Who is not asked adds nothing.
        ((G[0], G[4]), (Quorum(1, G[1:4]),)),
    ],
)
def test_what_is_missing_counts_only_who_is_asked(signed: tuple[Address, ...], missing: tuple[Quorum, ...]) -> None:
    assert lacking(asking(Quorum(1, G[:1])), signed) == missing


@settings(deadline=None)
@given(st.sets(st.sampled_from(G)), st.sets(st.sampled_from(G)), st.integers(1, 3))
def test_one_more_signature_never_makes_more_missing(some: set[Address], more: set[Address], count: int) -> None:
    decision = asking(Quorum(count, G[:3]), Quorum(1, G[3:4]))
    fewer, all_ = lacking(decision, some), lacking(decision, some | more)
    assert sum(quorum.approvals for quorum in all_) <= sum(quorum.approvals for quorum in fewer)
    assert lacking(decision, G[:4]) == ()


def test_the_chain_shows_the_named_first_and_then_who_counts() -> None:
    decision = asking(Quorum(1, (G[3],)))
    assert sorted(G, key=lambda each: precedence(decision, each)) == [G[3], *G[:3], G[4]]
    assert sorted((G[1], G[0], *G[2:]), key=lambda each: precedence(None, each)) == list(G)


def test_nothing_is_missing_where_nobody_is_asked() -> None:
    assert lacking(Decision(ALLOW, (), Digest("0x")), ()) == ()


def test_people_read_names_and_times(tiers: Any) -> None:
    decision = tiers.decide(tiers.stage("pay 10_001 USDC to alice"))
    said = " (among them 2 of carol, dave), 2 days after it was proposed at the soonest"
    assert asked_in_words(decision, tiers.document) == said
    assert asked_in_words(tiers.decide(tiers.stage("pay 1_001 USDC to alice")), tiers.document) == ""


# WRITTEN

AMOUNTS = st.integers(1, usdc(10_000))


@settings(deadline=None, max_examples=25)
@given(
    amounts=st.lists(AMOUNTS, min_size=2, max_size=2, unique=True).map(sorted),
    named=st.lists(st.sampled_from(NAMES[:3]), unique=True, min_size=1),
    delay=st.integers(0, LONGEST_DELAY_SECONDS),
    window=st.sampled_from([HOUR, DAY, 7 * DAY, 90]),
)
def test_every_tier_is_written_and_read_back_exactly(
    document: PolicyDocument, amounts: list[int], named: list[str], delay: int, window: int
) -> None:
    wanted = (Tier(1, amounts[0], window), Tier(len(named), amounts[1], DAY, tuple(named), delay))
    assert tiered(document, *wanted).caps["team"][USDC].tiers == wanted


def test_names_and_waits_are_hashed(document: PolicyDocument) -> None:
    named = replace(NAMED, delay_seconds=DAY)
    others = [replace(named, named=("carol", "erin")), replace(named, delay_seconds=2 * DAY), replace(named, named=())]
    documents = [tiered(document, each) for each in (named, *others)]
    assert len({document_hash(each) for each in (*documents, document)}) == 5


def test_a_list_of_members_loads_as_before(document: PolicyDocument) -> None:
    assert load(render(document)).guardians == document.guardians
    assert document.guardians.names == {}


ASK_LINE = '"2 guardians of carol, dave above 5_000 USDC per day"'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2 guardians of carol, zoe above 5_000 USDC per day", "`zoe` .*name one of `carol`, `dave`"),
        ("2 guardians of carol, carol above 5_000 USDC per day", "name each guardian once"),
        ("2 guardians of carol above 5_000 USDC per day", "1 are named; name more"),
        ("2 guardians of above 5_000 USDC per day", "write for example"),
        ("2 guardians of carol dave above 5_000 USDC per day", "write for example"),
        ("2 guardians above 5_000 USDC after 2 days", "write for example"),
        ("2 guardians above 5_000 USDC per day after soon", "write a duration"),
        ("2 guardians above 5_000 USDC per day after 31 days", "at most `?30 days"),
        ("0 guardians of carol above 5_000 USDC per day", "guardians"),
        ("2 guardians above 5_000 DAI per day", "USDC"),
    ],
)
def test_a_tier_that_cannot_be_meant_is_refused(document: PolicyDocument, line: str, said: str) -> None:
    text = render(tiered(document, NAMED))
    assert text.count(ASK_LINE) == 1
    with pytest.raises(InputError, match=said):
        load(text.replace(ASK_LINE, f'"{line}"'))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("carol = ", '"carol b." = ', "a name starts with a letter"),
        ("[guardians.members]", "[guardians.names]", "`members`|`names`"),
        ("carol = ", "karol = ", "`carol`.*name one of `karol`"),
    ],
)
def test_guardians_are_named_as_others_are(document: PolicyDocument, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(render(tiered(document, NAMED)).replace(f"\n{old}", f"\n{new}", 1))


def test_unnamed_guardians_cannot_be_asked_by_name(document: PolicyDocument) -> None:
    text = render(document).replace('ask = ["', 'ask = ["2 guardians of carol, dave above 1 USDC per day", "', 1)
    with pytest.raises(InputError, match="name the guardians first"):
        load(text)


def test_a_swap_does_not_wait(document: PolicyDocument) -> None:
    cap = document.caps["swaps"][USDC]
    slow = replace(cap, tiers=(Tier(2, usdc(1), DAY, (), DAY),))
    text = render(replace(document, caps={**document.caps, "swaps": {**document.caps["swaps"], USDC: slow}}))
    with pytest.raises(InputError, match="the price of a swap does not wait"):
        load(text)


def test_the_kernel_and_the_safe_are_said_not_to_know_of_it(document: PolicyDocument) -> None:
    told = {"which guardians a tier names", "how long a tier waits after the proposal"}
    assert told <= set(off_chain_only(tiered(document, NAMED, SLOW)))
    assert not told & set(off_chain_only(document))
