"""Freezes: what stands still, from which second to which, and what comes home all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash, load
from policies.freezes import Freeze
from policies.grants import off_chain_only
from policies.moments import parse_moment, write_moment
from policies.orders import Order
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, InputError
from strongroom.model import TokenId, Verdict
from strongroom.protocols.aave_v3 import Withdraw, encode_withdraw

TABLE = """
[[freezes]]
from = "2026-12-18"
until = "2026-12-21 12:00 UTC"
reason = "vote on the new treasury policy"
"""
BEGIN, END = parse_moment("2026-12-18", ""), parse_moment("2026-12-21 12:00 UTC", "")
VOTE = Freeze(BEGIN, END, "vote on the new treasury policy")
INSIDE = "2026-12-20 09:30 UTC"
PAY, SWAP, SUPPLY = "pay 10 USDC to alice", "swap 1 WETH to USDC", "supply 10 USDC to aave"
HALL, DAI, USDC = TokenId("HALL"), TokenId("DAI"), TokenId("USDC")


def frozen(document: PolicyDocument, *freezes: Freeze) -> PolicyDocument:
    """The document with these freezes, read again from its own text."""
    return load(render(replace(document, freezes=freezes)))


def test_a_treasurer_s_rows_say_what_they_mean(document: PolicyDocument) -> None:
    assert load(render(document) + TABLE).freezes == (VOTE,)
    assert document.freezes == ()


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ("2026-12-17 23:59:59 UTC", Verdict.ALLOW),
        ("2026-12-18", Verdict.DENY),
        ("2026-12-21 11:59:59 UTC", Verdict.DENY),
        ("2026-12-21 12:00 UTC", Verdict.ALLOW),
    ],
)
def test_a_freeze_holds_from_its_first_second_to_its_last(
    desk: Any, document: PolicyDocument, at: str, verdict: Verdict
) -> None:
    still = desk.under(frozen(document, VOTE))
    judged = still.stage(PAY, at=at)
    assert still.decide(judged).verdict is verdict
    assert still.says(judged) == ({} if verdict is Verdict.ALLOW else {"freezes": verdict})


def test_the_finding_says_why_until_when_and_how_long_still(desk: Any, document: PolicyDocument) -> None:
    still = desk.under(frozen(document, VOTE))
    findings = still.decide(still.stage(PAY, at=INSIDE)).findings
    (finding,) = [each for each in findings if each.rule == "freezes"]
    assert finding.reason == "frozen until 2026-12-21 12:00 UTC: vote on the new treasury policy"
    assert (finding.measured, finding.limit) == (INSIDE, "2026-12-21 12:00 UTC")
    assert finding.measure is not None
    assert finding.measure.margin == parse_moment(INSIDE, "") - END


@pytest.mark.parametrize(
    ("freeze", "stopped"),
    [
        (VOTE, {PAY, SWAP, SUPPLY}),
        (replace(VOTE, classes=("team",)), {PAY}),
        (replace(VOTE, classes=("swaps",)), {SWAP}),
        (replace(VOTE, classes=("lending", "team")), {PAY, SUPPLY}),
        (replace(VOTE, tokens=(USDC,)), {PAY, SWAP, SUPPLY}),
        (replace(VOTE, tokens=(TokenId("WETH"),)), {SWAP}),
        (replace(VOTE, tokens=(HALL,)), set()),
        (replace(VOTE, classes=("team",), tokens=(DAI,)), set()),
    ],
)
def test_only_what_the_freeze_means_stands_still(
    desk: Any, document: PolicyDocument, freeze: Freeze, stopped: set[str]
) -> None:
    """A swap is meant by the token it sells and by the one it buys."""
    still = desk.under(frozen(document, freeze))
    for request in (PAY, SWAP, SUPPLY):
        keys = {"arrives": "99.7 %"} if request is SWAP else {}
        found = still.says(still.stage(request, at=INSIDE, **keys))
        assert found == ({"freezes": Verdict.DENY} if request in stopped else {}), request


def test_what_is_lent_comes_home_in_a_freeze_and_takes_no_payment_along(desk: Any, document: PolicyDocument) -> None:
    still = desk.under(frozen(document, VOTE))
    home = "withdraw 10 USDC from aave"
    assert still.says(still.stage(home, supplied=["100 USDC"], at=INSIDE)) == {}
    assert still.says(still.stage(home, PAY, supplied=["100 USDC"], at=INSIDE)) == {"freezes": Verdict.DENY}


def test_what_goes_to_another_s_hands_does_not_come_home(desk: Any, document: PolicyDocument) -> None:
    still = desk.under(frozen(document, VOTE))
    unit = still.stage("withdraw 10 USDC from aave", supplied=["100 USDC"], at=INSIDE)
    alice, (call,) = document.payees["alice"].address, unit.compiled.calls
    elsewhere = encode_withdraw(Withdraw(document.tokens[USDC].token.address, 10 * 10**6, alice))
    assert still.says(still.with_calls(unit, replace(call, data=elsewhere)))["freezes"] is Verdict.DENY


def test_salaries_stand_still_too(desk: Any, document: PolicyDocument) -> None:
    salary = Order("salary", "alice", USDC, 10**9, 21 * 86_400)
    still = desk.under(frozen(replace(document, orders={salary.id: salary}), VOTE))
    assert still.says(still.stage("pay 1_000 USDC to alice", at=INSIDE)) == {"freezes": Verdict.DENY}


def test_a_call_of_an_unknown_kind_is_stopped_by_every_freeze(desk: Any, document: PolicyDocument) -> None:
    """Nobody knows its token or class, so no freeze lets it by."""
    still = desk.under(frozen(document, replace(VOTE, tokens=(HALL,))))
    unit = still.stage(PAY, at=INSIDE)
    strange = still.with_calls(unit, replace(unit.compiled.calls[0], data=b"\x12\x34\x56\x78"))
    assert still.says(unit) == {}
    assert still.says(strange)["freezes"] is Verdict.DENY


def test_a_recipient_nobody_knows_counts_in_every_class(desk: Any, document: PolicyDocument) -> None:
    still = desk.under(frozen(document, replace(VOTE, classes=("grants",))))
    stranger = "pay 10 USDC to 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
    assert "freezes" not in still.says(still.stage(PAY, at=INSIDE))
    assert still.says(still.stage(stranger, at=INSIDE))["freezes"] is Verdict.DENY


def test_each_freeze_in_force_is_told(desk: Any, document: PolicyDocument) -> None:
    audit = Freeze(BEGIN, END + 86_400, "audit")
    still = desk.under(frozen(document, VOTE, audit))
    told = [f.reason for f in still.decide(still.stage(PAY, at=INSIDE)).findings if f.rule == "freezes"]
    assert [reason.rpartition(": ")[2] for reason in told] == [VOTE.reason, audit.reason]


MOMENTS = st.integers(0, 4_102_444_800)
LINES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Zp", "Zs"]), min_size=1, max_size=30
)
FREEZES = st.builds(
    lambda times, reason, classes, tokens: Freeze(
        *sorted(times), reason, tuple(sorted(classes)), tuple(sorted(tokens))
    ),
    st.lists(MOMENTS, min_size=2, max_size=2, unique=True),
    LINES,
    st.sets(st.sampled_from(["team", "grants", "swaps", "lending"])),
    st.sets(st.sampled_from([USDC, DAI, HALL])),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(FREEZES, min_size=1, max_size=3))
def test_all_freezes_are_written_and_read_back_exactly(document: PolicyDocument, freezes: list[Freeze]) -> None:
    """In the order of their beginnings, so that the order of the rows is no part of the hash."""
    written, turned = frozen(document, *freezes), frozen(document, *reversed(freezes))
    assert set(written.freezes) == set(freezes)
    assert document_hash(written) == document_hash(turned) != document_hash(document)
    assert load(render(written)) == written


@given(MOMENTS)
def test_every_second_is_written_and_read_back_exactly(second: int) -> None:
    assert parse_moment(write_moment(second), "") == second


@pytest.mark.parametrize(
    "text",
    ["2026-11-22 14:00", "2026-11-22 24:00 UTC", "2026-11-22 23:60 UTC", "2026-11-31", "1969-12-31 23:00 UTC", "soon"],
)
def test_a_moment_nobody_can_place_is_refused_as_it_was_written(text: str) -> None:
    with pytest.raises(BadValue) as refusal:
        parse_moment(text, "`at` in a case")
    assert f"`{text}`" in str(refusal.value)
    assert "write `2026-11-22` or `2026-11-22 14:00 UTC`" in str(refusal.value)


def test_the_kernel_is_not_said_to_know_freezes(document: PolicyDocument) -> None:
    assert "2 freezes" in off_chain_only(frozen(document, VOTE, replace(VOTE, classes=("team",))))
    assert not any("freeze" in each for each in off_chain_only(document))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"2026-12-18"', '"2026-12-21 12:00 UTC"', "so it lies after `from`"),
        ('"2026-12-18"', '"18 December"', "`from` in [[freezes]] 1 of policy.toml"),
        ('"vote on the new treasury policy"', '" "', "write one line"),
        ('"vote on the new treasury policy"', f'"{"x" * 201}"', "at most 200 characters"),
        ("reason", "why", "`reason`"),
        ("reason", 'classes = ["teams"]\nreason', "name one of `team`, `grants`"),
        ("reason", 'tokens = ["GOLD"]\nreason', "`GOLD` cannot be used for `tokens` in [[freezes]] 1"),
        ("reason", 'token = ["USDC"]\nreason', "did you mean `tokens`"),
    ],
)
def test_a_freeze_that_freezes_nothing_is_refused_with_a_mend(
    document: PolicyDocument, old: str, new: str, said: str
) -> None:
    assert TABLE.count(old) == 1
    with pytest.raises(InputError) as refusal:
        load(render(document) + TABLE.replace(old, new))
    assert said in str(refusal.value)
