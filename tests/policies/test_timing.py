"""Hours, freezes, pace and newcomers together, and a policy without any of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies.cases import load_cases, run_cases
from policies.document import document_hash, load
from policies.freezes import Freeze
from policies.hours import Hours
from policies.moments import parse_moment
from policies.newcomers import Newcomers
from policies.pacing import Pace
from policies.rules import RULES
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.model import TokenId, Verdict

RULES_OF_TIME = ("hours", "freezes", "pace", "newcomers")
DAY = 86_400
ROOT = Path(__file__).parents[2]
USDC = TokenId("USDC")
ATTACKS = {
    "hours": "2026-11-22 10:00 UTC",
    "freezes": "2026-11-24 10:00 UTC",
    "pace": "2026-11-25 10:00 UTC",
    "newcomers": "2026-11-26 10:00 UTC",
}
"""Moments at which exactly one of them stops the payment: a Sunday, the day of a vote, a day after a payment, and the
day of listing."""


@pytest.fixture(scope="module")
def timed(desk: Any, document: PolicyDocument) -> Any:
    """A desk under a policy with all four, read again from its own text."""
    old, new = parse_moment("2026-01-01", ""), parse_moment("2026-11-26", "")
    payees = {id_: replace(each, since=old) for id_, each in document.payees.items()}
    payees |= {"bob": replace(payees["bob"], since=new), "alice": replace(payees["alice"], pace=Pace(2 * DAY))}
    everything = replace(
        document,
        payees=payees,
        hours=Hours(("Mon", "Tue", "Wed", "Thu"), 9 * 60, 18 * 60, "UTC", Verdict.ASK),
        freezes=(Freeze(parse_moment("2026-11-24", ""), parse_moment("2026-11-25", ""), "vote"),),
        newcomers=Newcomers(7 * DAY, {USDC: 10**6}, Verdict.ASK),
    )
    assert load(render(everything)) == everything
    return desk.under(load(render(everything)))


def attack(timed: Any, rule: str) -> Any:
    payee = "bob" if rule == "newcomers" else "alice" if rule == "pace" else "chidi"
    return timed.stage(f"pay 10 USDC to {payee}", past=["10 USDC to alice 1 day ago"], at=ATTACKS[rule])


@pytest.mark.parametrize("rule", RULES_OF_TIME)
def test_without_a_rule_its_attack_gets_further(timed: Any, rule: str) -> None:
    judged = attack(timed, rule)
    assert timed.says(judged) == {rule: Verdict.DENY if rule == "freezes" else Verdict.ASK}
    assert timed.decide(judged, without=rule).verdict is Verdict.ALLOW


@pytest.mark.parametrize("rule", RULES_OF_TIME)
@pytest.mark.parametrize("request_", ["pay 10 USDC to alice", "swap 1 WETH to USDC", "supply 10 USDC to aave"])
def test_a_policy_without_their_tables_is_told_nothing_new(desk: Any, rule: str, request_: str) -> None:
    """One finding that allows, whatever the hour."""
    arrives = {"arrives": "99.7 %"} if request_.startswith("swap") else {}
    case = desk.open(desk.stage(request_, past=["10 USDC to alice 1 second ago"], at="2026-11-22 03:00 UTC", **arrives))
    (finding,) = RULES[rule](case)
    assert (finding.rule, finding.verdict) == (rule, Verdict.ALLOW)


@pytest.mark.parametrize("table", ["hours", "freezes", "newcomers", "payees"])
def test_each_table_is_in_the_hash(timed: Any, document: PolicyDocument, table: str) -> None:
    changed = replace(timed.document, **{table: getattr(document, table)})
    assert document_hash(changed) != document_hash(timed.document)


def test_a_template_without_the_tables_shows_a_treasurer_how_they_look(document: PolicyDocument) -> None:
    """What it shows is what `load` takes."""
    text, shown = render(document), ""
    for head in ("hours", "[freezes]", "newcomers"):
        _, _, rest = text.partition(f"#\n# [{head}]\n")
        lines = rest.split("\n\n", 1)[0].splitlines()
        shown += f"\n[{head}]\n" + "\n".join(line.removeprefix("# ") for line in lines)
    dated = replace(document, payees={id_: replace(each, since=0) for id_, each in document.payees.items()})
    read = load(render(dated) + shown)
    assert read.hours and read.freezes and read.newcomers


def test_what_the_documentation_shows_is_a_policy(document: PolicyDocument) -> None:
    page = (ROOT / "docs" / "time-and-pace.md").read_text(encoding="utf-8")
    shown = "\n".join(line[4:] for line in page.splitlines() if line.startswith("    "))
    before, _, after = shown.partition("[payees.auditor]\n")
    keys, _, newcomers = after.partition("[newcomers]")
    payees = {id_: replace(each, since=None if id_ == "chidi" else 0) for id_, each in document.payees.items()}
    text = render(replace(document, payees=payees)).replace("[payees.chidi]\n", f"[payees.chidi]\n{keys}")
    read = load(f"{text}{before}[newcomers]{newcomers}")
    assert read.payees["chidi"].pace == Pace(2 * DAY, 3, 90 * DAY)
    assert read.hours and read.freezes[0].classes == ("grants",)
    assert read.newcomers and read.newcomers.venues == {"aave": parse_moment("2026-11-20", "")}


def test_a_case_is_asked_at_its_own_moment(timed: Any) -> None:
    """Prices, deadlines and the past follow: nothing is stale for being asked another year."""
    text = """
[prices]
USDC = "1"
WETH = "3_000"

[[cases]]
name = "a swap on a Thursday"
request = ["swap 1 WETH to USDC"]
arrives = "99.7 %"
at = "2026-11-26 10:00 UTC"
expect = "allow"

[[cases]]
name = "and on a Sunday"
request = ["swap 1 WETH to USDC"]
arrives = "99.7 %"
at = "2026-11-22"
expect = "ask"
findings = { hours = "ask" }
"""
    results = run_cases(timed.document, load_cases(text, timed.document))
    assert [result.differences for result in results] == [(), ()]


def test_a_time_that_no_calendar_has_denies(timed: Any) -> None:
    """The time is the one fact they all need."""
    judged = attack(timed, "hours")
    lost = timed.with_facts(judged, block=replace(judged.facts.block, timestamp=10**18))
    assert timed.says(lost)["hours"] is Verdict.DENY
