"""The engine fails closed: what throws, is silent, lies or is missing denies; and each rule is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.case import Case
from policies.document import document_hash
from policies.engine import decide, judge
from policies.holdings import HoldingTerms
from policies.outflow import OutflowLimit
from policies.rules import RULES
from policies.runway import RunwayTerms
from policies.scenario import Judged
from strongroom.addresses import to_address
from strongroom.model import (
    Account,
    Address,
    Allowance,
    Call,
    Finding,
    TokenId,
    Verdict,
    WatchState,
)
from strongroom.protocols.aave_v3 import decode_supply, encode_supply
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.uniswap_v3 import decode_exact_input, encode_exact_input
from strongroom.protocols.watch import encode_rebase
from strongroom.valuation import E8

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
STRANGER = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
USDC = TokenId("USDC")


def raising(case: Case) -> list[Finding]:
    raise KeyError("nothing here")


def silent(case: Case) -> list[Finding]:
    return []


def lying(case: Case) -> list[Finding]:
    return [Finding("another", ALLOW, "trust me")]


def babbling(case: Case) -> list[Any]:
    return [None, "allow"]


def loose(case: Case) -> list[Any]:
    return [Finding("caps", "allow", "a word is no verdict")]  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [raising, silent, lying, babbling, loose])
def test_a_broken_rule_denies_in_its_own_name_and_the_others_are_still_heard(
    desk: Any, broken: Callable[[Case], list[Finding]]
) -> None:
    case = desk.open(desk.stage("pay 10 USDC to alice"))
    decision = judge(case, {**RULES, "caps": broken})
    assert decision.verdict is DENY
    assert {f.rule for f in decision.findings if f.verdict is DENY} == {"caps"}
    assert {f.rule for f in decision.findings} == set(RULES)


def test_no_rules_at_all_deny(desk: Any) -> None:
    assert judge(desk.open(desk.stage("pay 10 USDC to alice")), {}).verdict is DENY


def test_an_action_of_an_unknown_kind_denies_instead_of_failing(desk: Any) -> None:
    judged = desk.stage("pay 10 USDC to alice")
    nothing: Any = None
    decision = decide(judged.compiled, nothing, judged.rehearsal, judged.facts, desk.document)
    assert decision.verdict is DENY
    assert "could not judge" in decision.findings[0].reason


@pytest.mark.parametrize("field", ["safe", "block", "queue", "outflows", "gas", "tokens", "balances"])
def test_facts_that_are_missing_altogether_deny(desk: Any, field: str) -> None:
    judged = desk.with_facts(desk.stage("pay 10 USDC to alice"), **{field: None})
    decision = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, desk.document)
    assert decision.verdict is DENY


def test_every_rule_is_heard_and_the_decision_carries_the_policy_s_hash(desk: Any) -> None:
    judged = desk.stage("pay 10 USDC to alice")
    decision = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, desk.document)
    assert decision.verdict is ALLOW
    assert [f.rule for f in decision.findings if f.rule in RULES] == [f.rule for f in decision.findings]
    assert {f.rule for f in decision.findings} == set(RULES)
    assert decision.document_hash == document_hash(desk.document)
    assert (decision.approvals_needed, decision.guardians) == (0, ())


Attack = Callable[[Any], Judged]


def paid(desk: Any) -> Judged:
    judged: Judged = desk.stage("pay 10 USDC to alice")
    return judged


def compiled(judged: Judged, **changes: Any) -> Judged:
    return replace(judged, compiled=replace(judged.compiled, **changes))


def extra_call(desk: Any) -> Judged:
    token = desk.document.tokens[USDC].token.address
    data = encode_call("setApprovalForAll(address,bool)", STRANGER, True)
    judged = paid(desk)
    out: Judged = desk.with_calls(judged, *judged.compiled.calls, Call(desk.document.account, token, 0, data))
    return out


def over_approved(desk: Any) -> Judged:
    judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    approve, call = judged.compiled.calls
    router = desk.document.venues["uniswap"].router
    out: Judged = desk.with_calls(judged, replace(approve, data=encode_approve(router, 2**256 - 1)), call)
    return out


def careless_floor(desk: Any) -> Judged:
    judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    approve, call = judged.compiled.calls
    order = replace(decode_exact_input(call.data), min_out_units=1)
    out: Judged = desk.with_calls(judged, approve, replace(call, data=encode_exact_input(order)))
    return out


def lent_for_another(desk: Any) -> Judged:
    """The shares would be somebody else's."""
    judged = desk.stage("supply 1_000 USDC to aave")
    approve, call = judged.compiled.calls
    order = replace(decode_supply(call.data), on_behalf_of=STRANGER)
    out: Judged = desk.with_calls(judged, approve, replace(call, data=encode_supply(order)))
    return out


def other_decimals(desk: Any) -> Judged:
    judged = paid(desk)
    tokens = {**judged.facts.tokens, USDC: replace(judged.facts.tokens[USDC], decimals=9)}
    out: Judged = desk.with_facts(judged, tokens=tokens)
    return out


def elsewhere(desk: Any) -> Judged:
    judged = paid(desk)
    return compiled(judged, unit=replace(judged.compiled.unit, account=Account(1, STRANGER)))


def module_added(desk: Any) -> Judged:
    judged = paid(desk)
    after = replace(judged.rehearsal.safe_after, modules=(STRANGER,))
    out: Judged = desk.with_rehearsal(judged, safe_after=after)
    return out


def forgetful(desk: Any) -> Judged:
    """Something that nobody observed is told to forget what was lost."""
    judged = paid(desk)
    mark = Call(desk.document.account, STRANGER, 0, encode_rebase())
    out: Judged = desk.with_calls(judged, *judged.compiled.calls, mark)
    return out


def losing(desk: Any) -> Judged:
    """A swap whose loss takes the treasury below its watch's floor."""
    watch = WatchState(to_address(b"\7" * 20), to_address(b"\2" * 20), 400_000 * E8, 360_000 * E8, 0, 25, 360_000 * E8)
    judged: Judged = desk.with_facts(desk.stage("swap 1 WETH to USDC", arrives="99.7 %"), watch=watch)
    return judged


ATTACKS: dict[str, Attack] = {
    "account": elsewhere,
    "action": lambda desk: compiled(paid(desk), calls=desk.stage("pay 10 USDC to bob").compiled.calls),
    "rehearsed": lambda desk: desk.with_rehearsal(paid(desk), success=False, revert="GS013"),
    "calls": extra_call,
    "intents": lambda desk: compiled(paid(desk), unit=desk.stage("pay 11 USDC to alice").compiled.unit),
    "provenance": lambda desk: desk.stage("pay 10 USDC to alice", by="external"),
    "tokens": other_decimals,
    "payees": lambda desk: desk.with_delta(paid(desk), STRANGER, "USDC", 1),
    "payments": lambda desk: desk.stage("pay 15_001 USDC to alice"),
    "venues": over_approved,
    "lending": lent_for_another,
    "envelope": lambda desk: desk.with_delta(paid(desk), desk.document.payees["alice"].address, "USDC", -1),
    "leftovers": lambda desk: desk.with_rehearsal(paid(desk), allowances=(Allowance(USDC, STRANGER, 1),)),
    "safe_state": module_added,
    "caps": lambda desk: desk.stage("pay 10 USDC to alice", past=["45_000 USDC to bob 1 minute ago"]),
    "approvals": lambda desk: desk.stage("pay 12_001 USDC to alice"),
    "reserves": lambda desk: desk.stage("pay 10 USDC to alice", balances=["100_009 USDC"]),
    "losses": careless_floor,
    "watch": forgetful,
    "outflow": lambda desk: desk.stage("pay 10.000001 USDC to alice"),
    "concentration": lambda desk: desk.stage("swap 10 USDC to WETH"),
    "stables": lambda desk: desk.stage("pay 10 USDC to alice"),
    "runway": lambda desk: desk.stage("pay 10 USDC to alice"),
    "drawdown": losing,
    "gas": lambda desk: desk.with_rehearsal(paid(desk), gas_used=2_000_001),
}
TABLES: dict[str, dict[str, Any]] = {
    "outflow": {"outflow": OutflowLimit(100 * E8, 86_400, 10 * E8, 50 * E8, (TokenId("HALL"),))},
    "concentration": {"holdings": HoldingTerms({TokenId("WETH"): 6_000})},
    "stables": {"holdings": HoldingTerms(stables=(TokenId("USDC"),), stables_least_bps=4_000)},
    "runway": {
        "holdings": HoldingTerms(stables=(TokenId("USDC"),)),
        "runway": RunwayTerms(30 * 86_400, 1_000_000 * E8, 30 * 86_400),
    },
}
"""What the policy must say for these rules to speak."""
EXPLAINING = {"lookalikes", "prices", "grants"}
"""Rules that name the cause of what another rule refuses too: an unknown payee, a loss without a price. `grants` speaks
of Kernel calls only and is broken in test_grants."""
OF_A_TABLE = {"agreement", "conflicts", "sanctions"}
"""Rules that only speak of what this policy says nothing about; each is left out in the tests of its own."""

TIMED = {"hours", "freezes", "pace", "newcomers"}
"""Rules of tables that this document does not have; they are broken in test_timing."""

OF_THE_MARKET = {"slippage", "impact", "depth", "averages", "volatility"}
"""The desk's policy sets none of these bounds; they are broken in test_market."""


@pytest.mark.parametrize("rule", sorted(set(RULES) - EXPLAINING - OF_A_TABLE - TIMED - OF_THE_MARKET))
def test_without_a_rule_its_attack_gets_further(desk: Any, rule: str) -> None:
    """Policy mutation: with the rule the attack is stopped, with it deleted the verdict is looser."""
    desk = desk.under(replace(desk.document, **TABLES.get(rule, {})))
    judged = ATTACKS[rule](desk)
    with_all, without = desk.decide(judged).verdict, desk.decide(judged, without=rule).verdict
    assert with_all.rank > without.rank


AMOUNTS = st.integers(1, 70_000 * 10**6)
HISTORY = st.lists(
    st.sampled_from(
        [
            "5_000 USDC to alice 3 hours ago",
            "30_000 USDC to bob 2 days ago",
            "20_000 USDC to emre 9 days ago",
            "12_000 USDC to alice 29 days ago",
        ]
    ),
    unique=True,
)


def in_words(units: int) -> str:
    return f"{units // 10**6}.{units % 10**6:06d}"


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, AMOUNTS, HISTORY, st.sampled_from(["operator", "model", "mandate", "external"]))
def test_a_larger_payment_is_never_judged_more_loosely(
    desk: Any, one: int, other: int, past: list[str], by: str
) -> None:
    """Neither in its verdict nor in the guardians it needs."""
    less, more = sorted((one, other))
    small, large = (
        desk.decide(desk.stage(f"pay {in_words(units)} USDC to alice", past=past, amount_by=by))
        for units in (less, more)
    )
    assert small.verdict.rank <= large.verdict.rank
    if large.verdict is ASK:
        assert small.approvals_needed <= large.approvals_needed


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, HISTORY, HISTORY)
def test_more_history_is_never_judged_more_loosely(desk: Any, units: int, one: list[str], other: list[str]) -> None:
    request = f"pay {in_words(units)} USDC to alice"
    some, all_ = sorted({*one}), sorted({*one, *other})
    fewer, more = desk.decide(desk.stage(request, past=some)), desk.decide(desk.stage(request, past=all_))
    assert fewer.verdict.rank <= more.verdict.rank


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["pay 10 USDC to alice", "swap 1 WETH to USDC", "pay 0.1 ETH to grants_safe"]),
    st.sampled_from(["tokens", "balances", "rounds"]),
    st.sampled_from(["USDC", "WETH", "ETH"]),
)
def test_a_missing_fact_is_never_judged_more_loosely(desk: Any, request_: str, field: str, token: str) -> None:
    judged = desk.stage(request_, arrives="99.7 %" if "swap" in request_ else "100 %")
    known = {id_: value for id_, value in getattr(judged.facts, field).items() if id_ != token}
    poorer = desk.with_facts(judged, **{field: known})
    assert desk.decide(poorer).verdict.rank >= desk.decide(judged).verdict.rank


@settings(max_examples=25, deadline=None)
@given(st.permutations(["pay 9_000 USDC to alice", "pay 9_000 USDC to bob", "pay 9_000 DAI to chidi"]))
def test_the_order_of_payments_does_not_change_the_verdict(desk: Any, requests: list[str]) -> None:
    assert desk.decide(desk.stage(*requests)).verdict is ALLOW


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_flipped_bit_of_the_action_is_allowed(desk: Any, data: st.DataObject) -> None:
    judged = desk.stage("pay 10 USDC to alice", "pay 9 USDC to bob")
    raw = bytearray(judged.action.data)
    position = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[position // 8] ^= 1 << position % 8
    tampered = replace(judged, action=replace(judged.action, data=bytes(raw)))
    assert desk.decide(tampered).verdict is DENY
