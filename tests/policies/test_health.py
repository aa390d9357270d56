"""`health_least` of a market: what an account with a debt may take back, at exactly its limit and one unit beyond."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.engine import judge
from policies.grants import off_chain_only
from policies.health import health_left_e18
from policies.rules import lending
from policies.scenario import Judged
from policies.template import render
from strongroom.errors import InputError
from strongroom.model import Finding, TokenId, Verdict
from strongroom.valuation import E8, Problem

ALLOW, DENY = Verdict.ALLOW, Verdict.DENY
USDC = TokenId("USDC")
POOL = 'pool = "0xf9feb401cdFB889ee17BC452f275b6C1531c5c0D"\n'
DEBT = '[[venues.aave.debts]]\ntoken = "DAI"\nmeter = "0x9999999999999999999999999999999999999999"\n'
CAP = '[caps.repayments.DAI]\ncap = "20_000 DAI per week"\nat_once = "10_000 DAI"\nnever_above = "20_000 DAI"\n'
SAMPLE = sample("active_treasury")[0]


def policy(health: str = 'health_least = "1.5"\n', debt: str = DEBT) -> str:
    assert SAMPLE.count(POOL) == 1
    return SAMPLE.replace(POOL, POOL + health) + debt + CAP


@pytest.fixture(scope="module")
def indebted(desk: Any) -> Any:
    market = load(policy()).markets["aave"]
    return desk.under(replace(desk.document, markets={"aave": market}))


def owing(desk: Any, request: str, **changes: Any) -> Judged:
    """10,000 USD are owed, at a health factor of 2."""
    judged: Judged = desk.stage(request, supplied=["40_000 USDC"])
    terms = {"debt_e8": 10_000 * E8, "borrows": True, "health_factor_e18": 2 * 10**18} | changes
    changed: Judged = desk.with_facts(judged, lending=(replace(judged.facts.lending[0], **terms),))
    return changed


def said(desk: Any, judged: Judged) -> list[Finding]:
    """What the rule says of health."""
    found = judge(desk.open(judged), {lending.RULE: lending.judge}).findings
    return [
        each
        for each in found
        if "health" in each.reason or "must owe" in each.reason or "makes the debt" in each.reason
    ]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ("withdraw 5_000 USDC from aave", ALLOW),
        ("withdraw 5_000.000001 USDC from aave", DENY),
        ("withdraw 1 USDC from aave", ALLOW),
    ],
)
def test_a_withdrawal_leaves_the_health_factor_at_least(indebted: Any, request_: str, says: Verdict) -> None:
    (finding,) = said(indebted, owing(indebted, request_))
    assert finding.verdict is says and finding.limit == "1.50"
    assert finding.measure and finding.measure.at_least and finding.measure.limit == 15 * 10**17


def test_one_e_18_less_health_is_too_little_and_a_higher_source_counts(indebted: Any) -> None:
    request = "withdraw 5_000 USDC from aave"
    (short,) = said(indebted, owing(indebted, request, health_factor_e18=2 * 10**18 - 1))
    assert short.verdict is DENY
    judged = owing(indebted, request)
    first, second = judged.facts.rounds[USDC]
    dearer = {**judged.facts.rounds, USDC: (first, replace(second, answer=E8 + 1))}
    (short,) = said(indebted, indebted.with_facts(judged, rounds=dearer))
    assert short.verdict is DENY


def test_what_is_lent_more_lowers_no_health(indebted: Any) -> None:
    judged = owing(indebted, "supply 100 USDC to aave", health_factor_e18=10**18)
    assert indebted.says(judged) == {}


def test_two_withdrawals_add_up(indebted: Any) -> None:
    judged = indebted.stage(
        "withdraw 2_500 USDC from aave", "withdraw 2_500.000001 USDC from aave", supplied=["40_000 USDC"]
    )
    state = replace(judged.facts.lending[0], debt_e8=10_000 * E8, borrows=True, health_factor_e18=2 * 10**18)
    (finding,) = said(indebted, indebted.with_facts(judged, lending=(state,)))
    assert finding.verdict is DENY


@pytest.mark.parametrize("changes", [{"health_factor_e18": None}, {"debt_e8": 0}])
def test_a_debt_that_is_not_known_denies(indebted: Any, changes: dict[str, Any]) -> None:
    (finding,) = said(indebted, owing(indebted, "withdraw 1 USDC from aave", **changes))
    assert finding.verdict is DENY and "is not known" in finding.reason


def test_a_stale_price_denies(indebted: Any) -> None:
    judged = indebted.stage("withdraw 1 USDC from aave", supplied=["40_000 USDC"], stale=["USDC"])
    state = replace(judged.facts.lending[0], debt_e8=10_000 * E8, borrows=True, health_factor_e18=2 * 10**18)
    (finding,) = said(indebted, indebted.with_facts(judged, lending=(state,)))
    assert finding.verdict is DENY and "`USDC` has no healthy price" in finding.reason


def test_without_the_key_whoever_owes_takes_nothing_back(desk: Any, indebted: Any) -> None:
    (finding,) = said(desk, owing(desk, "withdraw 1 USDC from aave"))
    assert (finding.verdict, finding.reason) == (DENY, "the Safe must owe nothing at `aave`")
    (finding,) = said(indebted, indebted.stage("withdraw 1 USDC from aave", supplied=["40_000 USDC"]))
    assert finding.verdict is ALLOW


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 10**15), st.integers(1, 10**16), st.integers(10**18, 10**21), st.integers(0, 10_000), st.booleans()
)
def test_no_weight_of_the_collateral_leaves_less_than_was_said(
    indebted: Any, units: int, debt_e8: int, health_e18: int, weight_bps: int, exact: bool
) -> None:
    """Taking out what is worth V lowers health by V * weight / debt, whatever the weight up to one."""
    judged = owing(indebted, "withdraw 1 USDC from aave", debt_e8=debt_e8, health_factor_e18=health_e18)
    left = health_left_e18(judged.facts.lending[0], {USDC: units}, judged.facts, indebted.document)
    assert not isinstance(left, Problem)
    weight = Fraction(10_000 if exact else weight_bps, 10_000)
    assert left <= health_e18 - Fraction(units * 100, debt_e8) * weight * 10**18
    assert left > health_e18 - Fraction(units * 100, debt_e8) * 10**18 - 1


@given(st.integers(10**18 + 1, 10**21))
def test_the_key_is_rendered_hashed_and_named_as_ours_alone(least: int) -> None:
    document = load(policy())
    market = replace(document.markets["aave"], health_least_e18=least)
    changed = replace(document, markets={"aave": market})
    assert load(render(changed)) == changed
    assert (document_hash(changed) == document_hash(document)) == (least == 15 * 10**17)
    assert "`health_least` of `aave`" in off_chain_only(changed)
    assert "`health_least` of `aave`" not in off_chain_only(load(policy("")))


@pytest.mark.parametrize(
    ("health", "debt", "expected"),
    [
        ('health_least = "1"\n', DEBT, "`health_least` in [venues.aave]"),
        ('health_least = "0.9"\n', DEBT, "at one it is liquidated"),
        ("health_least = 2\n", DEBT, "write it in quotes"),
        ('health_least = "1.5"\n', "", "list it in [[venues.aave.debts]]"),
        ('health_lest = "1.5"\n', DEBT, "did you mean `health_least`"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(health: str, debt: str, expected: str) -> None:
    with pytest.raises(InputError) as refusal:
        load(policy(health, debt))
    assert expected in str(refusal.value) and "\n" not in str(refusal.value)
