"""Debts in the policy: what is refused when it is written, what the Kernel then lets nobody do, and what the engine
says of an account that owes something."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.cases import sample
from policies.debts import undermined
from policies.document import document_hash, load
from policies.grants import compile_policy, off_chain_only
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.errors import InputError
from strongroom.model import LendingState, Verdict

METER = to_address(keccak(b"meter")[12:])
OTHER = to_address(keccak(b"other meter")[12:])
ROW = f'\n[[venues.aave.debts]]\ntoken = "DAI"\nmeter = "{METER}"\n'
CAP = '\n[caps.repayments.DAI]\ncap = "60_000 DAI per 30 days"\nat_once = "20_000 DAI"\nnever_above = "50_000 DAI"\n'
TEXT = sample("active_treasury")[0] + ROW + CAP
DENY = Verdict.DENY

Desk = Any


@pytest.fixture(scope="module")
def indebted() -> PolicyDocument:
    return load(TEXT)


# WRITTEN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('token = "DAI"\nmeter', 'token = "ETH"\nmeter', "owed as its wrapped token"),
        ('token = "DAI"\nmeter', 'token = "EURC"\nmeter', "name a listed token"),
        ('token = "DAI"\nmeter', 'token = "USDC"\nmeter', r"write \[caps.repayments.USDC\] first"),
        (CAP, "", r"write \[caps.repayments.DAI\] first"),
        (ROW, ROW + ROW.replace(METER, OTHER), "list each token once"),
        (f'meter = "{METER}"', "", "this key is required"),
        (f'meter = "{METER}"', f'meter = "{METER}"\nmost = "1 DAI"', "most"),
    ],
)
def test_a_debt_that_cannot_be_meant_is_refused_with_its_key(old: str, new: str, said: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(InputError, match=said):
        load(TEXT.replace(old, new))


def test_a_meter_is_nobody_else_and_no_payee_is_paid_as_a_repayment(indebted: PolicyDocument) -> None:
    alice = indebted.payees["alice"].address
    with pytest.raises(InputError, match="it stands there twice"):
        load(TEXT.replace(METER, alice))
    with pytest.raises(InputError, match="theirs for themselves"):
        load(TEXT.replace('class = "team"', 'class = "repayments"', 1))


def test_a_debt_is_under_the_hash_and_survives_being_written(indebted: PolicyDocument) -> None:
    market = indebted.markets["aave"]
    other = replace(indebted, markets={"aave": replace(market, debts=(replace(market.debts[0], meter=OTHER),))})
    none = replace(indebted, markets={"aave": replace(market, debts=())})
    assert load(render(indebted)) == indebted
    assert load(render(other)) == other
    assert len({document_hash(each) for each in (indebted, other, none)}) == 3


def test_a_market_may_be_there_for_its_debts_alone(indebted: PolicyDocument) -> None:
    alone = replace(indebted, markets={"aave": replace(indebted.markets["aave"], reserves=())}, watch=None)
    assert load(render(alone)) == alone
    assert _named(alone, "aave") == {"repay DAI at aave", "repay DAI at aave, guardians while paused"}


# COMPILED


def test_no_rule_takes_collateral_away_where_a_debt_is_listed(
    document: PolicyDocument, indebted: PolicyDocument
) -> None:
    """Neither the agent's nor the guardians': one guardian's key alone could have the rest liquidated."""
    before, after = _named(document, "aave"), _named(indebted, "aave")
    assert set(before - after) == {
        f"{way} {token} {place}"
        for token in ("USDC", "DAI")
        for way, place in (("withdraw", "at aave"), ("exit", "from aave, guardians while paused"))
    }
    assert after - before == {"repay DAI at aave", "repay DAI at aave, guardians while paused"}
    assert {"supply USDC at aave", "supply DAI at aave"} <= after


def test_what_the_kernel_does_not_see_of_debts_is_said(document: PolicyDocument, indebted: PolicyDocument) -> None:
    assert "no debt at `aave` while it is lent to" in off_chain_only(document)
    assert not [each for each in off_chain_only(indebted) if "debt" in each]


def _named(document: PolicyDocument, market: str) -> set[str]:
    return {name for name in compile_policy(document).names.values() if market in name}


# OBSERVED


@pytest.mark.parametrize("request_", ["withdraw 1_000 USDC from aave", "supply 1_000 USDC to aave"])
@pytest.mark.parametrize("changes", [{"borrows": True}, {"debt_e8": 1}])
def test_what_is_lent_stays_where_it_is_while_anything_is_owed(
    desk: Desk, request_: str, changes: dict[str, Any]
) -> None:
    """However healthy: a later fall of prices finds the collateral gone."""
    judged = desk.stage(request_, supplied=["5_000 USDC"])
    assert desk.says(judged) == {}
    owing = replace(judged.facts.lending[0], health_factor_e18=9 * 10**18, **changes)
    assert desk.says(desk.with_facts(judged, lending=(owing,))) == {"lending": DENY}


def test_a_payment_is_no_way_around_a_withdrawal_that_is_denied(desk: Desk) -> None:
    keys = {"supplied": ["50_000 USDC"], "owes": True}
    assert desk.says(desk.stage("withdraw 1_000 USDC from aave", "pay 1_000 USDC to alice", **keys)) == {
        "lending": DENY
    }
    assert desk.says(desk.stage("pay 1_000 USDC to alice", **keys)) == {}


def test_whoever_installs_the_policy_is_told_of_debts_that_it_does_not_list(
    desk: Desk, document: PolicyDocument, indebted: PolicyDocument
) -> None:
    facts = desk.stage("supply 1 USDC to aave").facts
    assert list(undermined(document, facts)) == []
    owing: tuple[LendingState, ...] = (replace(facts.lending[0], borrows=True),)
    (said,) = undermined(document, replace(facts, lending=owing))
    assert "the Safe owes something at `aave`" in said and "[[venues.aave.debts]]" in said
    assert list(undermined(indebted, replace(facts, lending=owing))) == []
    (unseen,) = undermined(document, replace(facts, lending=()))
    assert "was not observed" in unseen
