"""What would get a unit a better verdict does so when it is done, and one step less does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.cases import load_cases, sample, samples
from policies.document import load
from policies.explaining.counterfactuals import LeaveOut, Lower, Wait
from policies.explaining.explanation import explain
from policies.explaining.levers import levers
from policies.explaining.margins import margin_words
from policies.explaining.search import boundary
from policies.explaining.timing import at
from policies.explaining.words import explanation_data, prospect_lines
from policies.scenario import NOW, stage
from policies.terms import PolicyDocument
from strongroom.model import Finding, Measure
from strongroom.quantities import format_units
from tests.policies.exactness import ALLOW, AMOUNT, ASK, DENY, REQUESTS, USDC, require_all_exact, said

PURE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


CASES = [
    pytest.param(name, case.name, id=f"{name}: {case.name}")
    for name in samples()
    for case in load_cases(sample(name)[1], load(sample(name)[0]))
]


@pytest.mark.parametrize(("name", "case_name"), CASES)
def test_each_sample_case_flips_as_it_is_told_or_says_why_not(name: str, case_name: str) -> None:
    policy, text = sample(name)
    document = load(policy)
    case = next(each for each in load_cases(text, document) if each.name == case_name)
    explanation = require_all_exact(stage(case.scenario, document), document)
    data = json.loads(json.dumps(explanation_data(explanation, document)))
    assert data["verdict"] == case.verdict and len(data["prospects"]) == len(explanation.prospects)


@pytest.fixture(scope="module")
def shipped() -> PolicyDocument:
    """With its standing orders, and a payee's reserve that payments can reach."""
    return load(sample("active_treasury")[0])


_AGE = st.integers(1, 40 * 86_400)


_PAST = st.lists(
    st.builds("{} to {} {} seconds ago".format, AMOUNT, st.sampled_from(["alice", "bob", "grants_safe"]), _AGE),
    max_size=3,
)


_BESIDE = ["100_000 DAI", "50 WETH", "1 ETH"]
"""Not all in ether, or the shares of [holdings] object to every payment whatever else is asked."""


_HELD = st.integers(80_000, 250_000).map(lambda usd: f"{usd} USDC")


@PURE
@given(requests=REQUESTS, past=_PAST, held=_HELD, by=st.sampled_from(["operator", "mandate", "model"]))
def test_whatever_is_asked_a_counterfactual_flips_and_one_step_less_does_not(
    desk: Any, shipped: PolicyDocument, requests: list[str], past: list[str], held: str, by: str
) -> None:
    judged = desk.under(shipped).stage(*requests, past=past, balances=[held, *_BESIDE], amount_by=by, arrives="99.7 %")
    require_all_exact(judged, shipped)


def test_a_due_order_is_found_above_what_the_caps_have_left(desk: Any, shipped: PolicyDocument) -> None:
    past = ["14_000 USDC to grants_safe 1 second ago", "14_000 USDC to bob 1 second ago"]
    judged = desk.under(shipped).stage("pay 12_500 USDC to alice", past=past, balances=["400_000 USDC", *_BESIDE])
    lower = [w.change for w in require_all_exact(judged, shipped).prospects[0].ways if isinstance(w.change, Lower)]
    assert [(each.order, each.units) for each in lower][-1] == ("alice_salary", 11_000 * 10**6)
    assert lower[0].order == "" and lower[0].units < 2_000 * 10**6


def test_an_order_that_is_due_for_a_day_only_is_waited_for(desk: Any, shipped: PolicyDocument) -> None:
    """After it has ended the caps have room again only much later: when an order is due is an event of its own."""
    salary = replace(shipped.orders["alice_salary"], not_after=NOW + 86_400)
    document = replace(shipped, orders={**shipped.orders, "alice_salary": salary})
    past = [f"11_000 USDC to alice {21 * 86_400 - 3_600} seconds ago", "14_999 USDC to bob 1 second ago"]
    judged = desk.under(document).stage("pay 11_000 USDC to alice", past=past, balances=["400_000 USDC", *_BESIDE])
    waits = [w.change for w in require_all_exact(judged, document).prospects[0].ways if isinstance(w.change, Wait)]
    assert waits == [Wait(NOW + 3_600)]
    assert said(at(judged, NOW + 86_401), document) is ASK


def test_a_denial_says_what_would_get_it_asked_about(desk: Any) -> None:
    explanation = require_all_exact(desk.stage("swap 101 WETH to USDC", arrives="99.7 %"), desk.document)
    lines = list(prospect_lines(explanation, desk.document))
    assert lines[0] == "to be allowed:" and "to be asked about instead of denied:" in lines
    at_most = [line for line in lines if "at most" in line]
    assert "swap to USDC at most 10.00 WETH instead of 101.00 WETH" in at_most[0]
    assert "swap to USDC at most 100.00 WETH instead of 101.00 WETH" in at_most[1]
    assert all("by estimate; a new rehearsal decides" in line for line in at_most)
    assert sum("as a last resort people change policy.toml" in line for line in lines) == 2


def test_who_is_not_listed_can_only_be_listed(desk: Any) -> None:
    judged = desk.stage("pay 10 USDC to 0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
    explanation = require_all_exact(judged, desk.document)
    (prospect,) = explanation.prospects
    assert prospect.ways == () and "people list in policy.toml" in prospect.why_none
    assert "no smaller amount" in "\n".join(prospect_lines(explanation, desk.document))


def test_a_failed_rehearsal_is_the_only_reason_given(desk: Any) -> None:
    explanation = explain(desk.stage("swap 1 WETH to USDC", reverts="Too little received"), desk.document)
    assert explanation.prospects[0].why_none.startswith("the rehearsal fails: Too little received")
    assert "envelope" not in explanation.prospects[0].why_none and ";" not in explanation.prospects[0].why_none[90:]


def test_nothing_is_proposed_to_what_is_allowed(desk: Any) -> None:
    explanation = explain(desk.stage("pay 5_000 USDC to alice"), desk.document)
    assert explanation.prospects == () and list(prospect_lines(explanation, desk.document)) == []


def test_levers_only_ever_let_more_through(desk: Any) -> None:
    """Moving any single limit to its widest never makes a verdict worse: what the bisection stands on."""
    judged = desk.stage("pay 13_000 USDC to alice", "supply 120_000 USDC to aave", "swap 30_000 USDC to WETH")
    before = said(judged, desk.document)
    found = list(levers(desk.open(judged)))
    assert {"at_most", "at_once", "never_above", "keep", "max_loss", "most of USDC"} <= {each.key for each in found}
    for lever in found:
        assert said(judged, lever.write(desk.document, lever.widest)).rank <= before.rank, lever.key
        assert lever.write(desk.document, lever.value) == desk.document, lever.key


@given(turn=st.integers(-50, 50), bad=st.integers(51, 10**30), guesses=st.lists(st.integers(-60, 60), max_size=3))
def test_a_boundary_is_the_last_that_is_fine(turn: int, bad: int, guesses: list[int]) -> None:
    assert boundary(lambda value: value <= turn, bad, -50, guesses) == turn
    assert boundary(lambda value: value >= -turn, -bad, 50, (-guess for guess in guesses)) == -turn


@given(value=st.integers(0, 10**30), limit=st.integers(0, 10**30), decimals=st.integers(0, 18), least=st.booleans())
def test_a_margin_in_words_is_the_margin_in_numbers(value: int, limit: int, decimals: int, least: bool) -> None:
    measure = Measure(value, limit, least)
    shown = [f"{format_units(each, decimals)} USDC" for each in (value, limit)]
    words = margin_words(Finding("caps", ALLOW, "so", *shown, measure))
    assert words.startswith(f"{format_units(abs(measure.margin), decimals)} USDC ")
    assert words.endswith(("over", "short")) == (measure.margin < 0)


def test_a_finding_that_measures_nothing_has_no_margin() -> None:
    assert margin_words(Finding("caps", ALLOW, "so", "1.00 USDC", "2.00 USDC")) == ""
    assert margin_words(Finding("caps", ALLOW, "so", "1.00 USDC", "2.00 DAI", Measure(1, 2))) == ""
    assert margin_words(Finding("gas", ALLOW, "so", "1,000", "2,500", Measure(1_000, 2_500))) == "1,500 left"


def test_every_rule_that_compares_amounts_keeps_them(desk: Any) -> None:
    """Both texts a number of one token: then it was measured, but for what must be exactly equal."""
    judged = desk.stage("pay 13_000 USDC to alice", "supply 120_000 USDC to aave", "swap 30 WETH to USDC")
    measured = {finding.rule for finding in desk.decide(judged).findings if finding.measure}
    assert {"payments", "lending", "envelope", "caps", "approvals", "reserves", "losses", "gas"} <= measured


def test_where_no_single_intent_is_too_much_the_first_to_come_are_kept(desk: Any) -> None:
    """Four payments of 7,500 USDC into room for two."""
    judged = desk.stage(*(f"pay 7_500 USDC to {who}" for who in ("alice", "bob", "chidi", "emre")), past=[])
    tight = desk.document.caps["team"][USDC]
    cap = replace(tight, cap_units=30_000 * 10**6, at_once_units=15_000 * 10**6)
    narrow = replace(desk.document, caps={**desk.document.caps, "team": {**desk.document.caps["team"], USDC: cap}})
    ways = require_all_exact(judged, narrow).prospects[0].ways
    assert [way.change for way in ways if isinstance(way.change, LeaveOut)] == [LeaveOut((2, 3))]


def test_what_cannot_be_read_is_denied_and_explained_all_the_same(desk: Any) -> None:
    """A guardian's check of hostile bytes or facts never fails on the explanation."""
    judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    unreadable = desk.with_facts(judged, rounds=dict.fromkeys(judged.facts.rounds, (None, None)))
    explanation = explain(unreadable, desk.document)
    assert explanation.decision.verdict is DENY
    (prospect,) = explanation.prospects
    assert prospect.ways == () and prospect.why_none.startswith("no change can be computed: AttributeError")
    strange = replace(judged.compiled, unit=replace(judged.compiled.unit, intents=(None,)))
    (prospect,) = explain(replace(judged, compiled=strange), desk.document).prospects
    assert prospect.ways == () and "an unknown kind" in prospect.why_none
