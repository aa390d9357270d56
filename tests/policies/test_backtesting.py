"""Backtests: every row of a history is judged or named, a rule without its facts counts as nothing, and the quick path
says what the whole one says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.backtesting.judging import Judgement, whole
from policies.backtesting.needs import NEEDS, Known, lacks
from policies.backtesting.past import Past
from policies.backtesting.prices import read_prices
from policies.backtesting.replay import replay, stretches
from policies.backtesting.report import report
from policies.backtesting.rows import By, History, Kind, Outcome
from policies.backtesting.scene import after, outflows_of, stage_row
from policies.backtesting.tally import NOT_EVALUABLE, added, tally
from policies.cases import sample
from policies.document import load
from policies.engine import decide, judge
from policies.rules import RULES
from policies.terms import PolicyDocument
from strongroom.model import Finding, Verdict
from tests.policies import histories
from tests.policies.backtests import made, read, replayed

COUNT = 2_400


@pytest.fixture(scope="module")
def policy() -> PolicyDocument:
    return load(sample("active_treasury")[0])


@pytest.fixture(scope="module")
def entries(policy: PolicyDocument) -> list[dict[str, Any]]:
    return histories.history(COUNT, policy)


@pytest.fixture(scope="module")
def history(entries: list[dict[str, Any]], policy: PolicyDocument) -> History:
    return read(entries, policy)


@pytest.fixture(scope="module")
def judged(history: History, policy: PolicyDocument) -> list[Judgement]:
    return replayed(history, policy)


def test_the_table_of_needs_has_exactly_the_rules_that_there_are() -> None:
    assert list(NEEDS) == list(RULES)


def test_every_row_is_judged_or_named(history: History) -> None:
    """Nothing is dropped: the generator makes every kind."""
    assert len(history.rows) + len(history.unjudged) == COUNT
    assert {each.kind for each in history.unjudged} == {Kind.UNREAD, Kind.INCOMING, Kind.CANCELLATION}
    assert all(each.why and each.place for each in history.unjudged)
    assert {row.outcome for row in history.rows} >= {Outcome.EXECUTED, Outcome.FAILED, Outcome.REJECTED}
    assert {row.by for row in history.rows} == set(By)


def test_the_quick_path_says_row_by_row_what_the_whole_past_says(
    history: History, policy: PolicyDocument, judged: list[Judgement]
) -> None:
    few = replace(history, rows=history.rows[:900])
    assert replayed(few, policy, recall=whole) == judged[:900]


def test_with_prices_the_quick_path_still_says_the_same(history: History, policy: PolicyDocument) -> None:
    days = {histories.iso(row.time)[:10] for row in history.rows[:200]}
    lines = [f"{day},{token},{price}" for day in sorted(days) for token, price in PRICED]
    prices = read_prices("\n".join(["day,token,price", *lines]), policy, "prices.csv")
    few = replace(history, rows=history.rows[:200])
    quick = replayed(few, policy, prices)
    assert quick == replayed(few, policy, prices, recall=whole)
    assert all("outflow" in each.by_rule for each in quick)


PRICED = (("USDC", "1"), ("DAI", "1"), ("WETH", "3000.5"))


def test_a_row_is_found_as_decide_finds_it_on_the_same_facts(
    history: History, policy: PolicyDocument, judged: list[Judgement]
) -> None:
    """`decide` asks every rule; what the backtest keeps of it is exactly the evaluable rules' findings."""
    past = Past(policy)
    for row, judgement in zip(history.rows[:300], judged, strict=False):
        scene = stage_row(row, {}, policy)
        case = after(scene.case, past.whole(row.time))
        decision = decide(case.compiled, case.action, case.rehearsal, case.facts, policy)
        kept = [f for f in decision.findings if f.verdict is not Verdict.ALLOW and f.rule in judgement.by_rule]
        assert kept == [f for f in judgement.against if f.rule in RULES]
        for outflow in outflows_of(row, scene.case.moves, policy):
            past.add(outflow)


def test_stretches_judged_apart_add_up_to_the_whole(
    history: History, policy: PolicyDocument, judged: list[Judgement]
) -> None:
    """Each stretch brings its own past, so processes may share the work."""
    parts = list(stretches(history.rows, 5, policy))
    assert sum(len(part.rows) for part in parts) == len(history.rows)
    assert [each for part in parts for each in replay(part, {}, policy)] == judged
    sums = added(tally(replay(part, {}, policy)) for part in parts)
    assert report(history, sums, policy) == report(history, tally(judged), policy)


def test_a_rule_without_its_facts_is_neither_an_allow_nor_a_deny(judged: list[Judgement]) -> None:
    whole_sums = tally(judged)
    for rule in ("envelope", "gas", "intents", "safe_state", "leftovers"):
        assert whole_sums.by_rule[rule, NOT_EVALUABLE] == len(judged)
        assert not any(whole_sums.by_rule[rule, verdict] for verdict in Verdict)
    for each in judged:
        assert each.by_rule.keys().isdisjoint(each.lacks)
        assert each.by_rule.keys() | each.lacks.keys() >= RULES.keys()


class Poisoned(Exception):
    """A rule looked at what the history does not know."""


class Unknown:
    """Stands for a fact that is not known: to look at it is an error."""

    def __getattribute__(self, name: str) -> Any:
        raise Poisoned(name)

    def __iter__(self) -> Any:
        raise Poisoned

    def __getitem__(self, key: object) -> Any:
        raise Poisoned

    def __len__(self) -> int:
        raise Poisoned


def test_no_rule_that_is_asked_looks_at_facts_that_nobody_has(history: History, policy: PolicyDocument) -> None:
    """The table keeps its word: with every unknown fact poisoned, no asked rule so much as looks at one. Only two may
    see that there are no intents: one without models to agree, and one that compares names where there are any."""
    unknown: Any = Unknown()
    for row in history.rows[:400]:
        scene = stage_row(row, {}, policy)
        facts = replace(scene.case.facts, balances=unknown, rounds=unknown, gas=unknown, lending=unknown)
        rehearsal = scene.case.rehearsal
        if Known.EFFECTS not in scene.known:
            rehearsal = replace(rehearsal, success=unknown)
        rehearsal = replace(rehearsal, safe_before=unknown, safe_after=unknown, gas_used=unknown)
        unit = replace(scene.case.compiled.unit, intents=unknown)
        case = replace(
            scene.case, facts=facts, rehearsal=rehearsal, compiled=replace(scene.case.compiled, envelope=unknown)
        )
        lacking = lacks(case, row, scene.known)
        for name, rule in RULES.items():
            if name in lacking:
                continue
            judged_case = (
                case
                if name in ("agreement", "lookalikes")
                else replace(case, compiled=replace(case.compiled, unit=unit))
            )
            assert all("could not judge" not in each.reason for each in judge(judged_case, {name: rule}).findings), name


def test_what_left_before_fills_the_cap_of_what_comes_after(policy: PolicyDocument) -> None:
    """The second of two like payments sees the first; the first that failed, or never was, leaves no trace."""
    first = made(policy, "payment")
    second = {**first, "safeTxHash": "0x02", "transactionHash": "0x02", "nonce": first["nonce"] + 1}
    second["executionDate"] = histories.iso(histories.FIRST + 120)
    both = replayed(read([second, first], policy), policy)
    fills = [each.fills[0].bps for each in both]
    assert fills[0] < fills[1] <= 2 * fills[0]
    failed = {**first, "isSuccessful": False, "transfers": []}
    assert replayed(read([second, failed], policy), policy)[1].fills[0].bps == fills[0]
    waits = {**first, "isExecuted": False, "nonce": 99}
    assert replayed(read([second, waits], policy), policy)[1].fills[0].bps == fills[0]


def test_without_transfers_what_was_declared_counts_and_rehearsal_is_not_evaluable(policy: PolicyDocument) -> None:
    entry = made(policy, "payment")
    del entry["transfers"]
    (row,) = replayed(read([entry], policy), policy)
    assert row.lacks["rehearsed"] == {Known.EFFECTS}
    assert row.by_rule["payees"] is Verdict.ALLOW


def test_a_stranger_a_delegatecall_and_an_unknown_call_are_denied_by_name(policy: PolicyDocument) -> None:
    denies = {kind: against(policy, made(policy, kind)) for kind in ("stranger", "delegatecall")}
    assert {"payees", "payments"} <= denies["stranger"]
    assert {"action", "calls"} <= denies["delegatecall"]
    assert "calls" in against(policy, {**made(policy, "payment"), "data": "0xdeadbeef"})


def against(policy: PolicyDocument, entry: dict[str, Any]) -> set[str]:
    (row,) = replayed(read([entry], policy), policy)
    return {found.rule for found in row.against if found.verdict is Verdict.DENY}


def test_the_sums_are_those_of_the_rows(history: History, judged: list[Judgement], policy: PolicyDocument) -> None:
    """Conservation: verdicts, rules and months each count every row once, classes the executed units."""
    answer = report(history, tally(judged), policy)
    assert sum(answer["verdicts"].values()) == len(judged)
    assert all(sum(v for v in rule.values() if isinstance(v, int)) == len(judged) for rule in answer["rules"])
    assert sum(sum(month["verdicts"].values()) for month in answer["months"]) == len(judged)
    executed = [each for each in judged if each.outcome is Outcome.EXECUTED]
    units = sum(units for each in executed for _, _, units in each.moved)
    assert sum(sum(each["units"].values()) for each in answer["classes"]) == units
    assert len(answer["worst"]) == 10 and all(each["verdict"] == "deny" for each in answer["worst"])
    assert answer["closest"] == sorted(answer["closest"], key=lambda each: -each["bps"])


def test_the_verdict_is_the_strictest_of_the_rules_that_could_judge(judged: list[Judgement]) -> None:
    for each in judged:
        assert each.verdict is max(each.by_rule.values(), key=lambda verdict: verdict.rank)
        assert all(isinstance(found, Finding) for found in each.against)
