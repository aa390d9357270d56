"""Each limit that a unit comes up against is told by its table and key, and to exactly what it would have to be."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from policies.cases import sample
from policies.document import load
from policies.engine import judge
from policies.explaining.counterfactuals import Amend, Lower
from policies.explaining.explanation import explain
from policies.explaining.levers import levers
from policies.holdings import HoldingTerms
from policies.newcomers import Newcomers
from policies.outflow import OutflowLimit
from policies.pacing import Pace
from policies.runway import RunwayTerms
from policies.scenario import NOW
from policies.terms import PolicyDocument
from strongroom.model import TokenId
from tests.policies.exactness import ALLOW, ASK, USDC, require_all_exact, said

DAY, E8 = 86_400, 10**8
DAI, WETH = TokenId("DAI"), TokenId("WETH")
HELD = ["200_000 USDC", "100_000 DAI", "50 WETH", "0 ETH"]


def _new(document: PolicyDocument) -> PolicyDocument:
    payees = {id_: replace(each, since=NOW - DAY) for id_, each in document.payees.items()}
    return replace(document, payees=payees, newcomers=Newcomers(7 * DAY, {USDC: 500 * 10**6}, ASK))


def _paced(document: PolicyDocument, pace: Pace) -> PolicyDocument:
    alice = replace(document.payees["alice"], pace=pace)
    return replace(document, payees={**document.payees, "alice": alice})


def _outflow(cap: int, at_once: int, never: int) -> OutflowLimit:
    return OutflowLimit(cap * E8, 30 * DAY, at_once * E8, never * E8, (TokenId("HALL"),))


LIMITS = [
    ("outflow.at_once", "pay 5_000 USDC to alice", lambda d: replace(d, outflow=_outflow(9_000, 4_000, 50_000))),
    ("outflow.never_above", "pay 5_000 USDC to alice", lambda d: replace(d, outflow=_outflow(9_000, 4_000, 4_500))),
    ("holdings.most of WETH", "pay 5_000 USDC to alice", lambda d: replace(d, holdings=HoldingTerms({WETH: 3_000}))),
    (
        "holdings.stables_least",
        "pay 5_000 USDC to alice",
        lambda d: replace(d, holdings=HoldingTerms({}, (USDC, DAI), 7_000)),
    ),
    (
        "runway.least",
        "pay 5_000 USDC to alice",
        lambda d: replace(
            d, holdings=HoldingTerms({}, (USDC, DAI)), runway=RunwayTerms(300 * DAY, 30_000 * E8, 30 * DAY)
        ),
    ),
    ("newcomers.at_most of USDC", "pay 5_000 USDC to alice", _new),
    ("newcomers.at_most of DAI", "pay 50 DAI to chidi", _new),
    ("payees.alice.apart", "pay 500 USDC to alice", lambda d: _paced(d, Pace(10 * DAY))),
    ("payees.alice.often", "pay 500 USDC to alice", lambda d: _paced(d, Pace(0, 1, 30 * DAY))),
]


@pytest.mark.parametrize(("name", "request_", "bind"), LIMITS, ids=[name for name, *_ in LIMITS])
def test_people_are_told_the_limit_that_binds(desk: Any, name: str, request_: str, bind: Any) -> None:
    """Both sides of it are seen: what is told is enough, one step less is not."""
    document = bind(desk.document)
    judged = desk.under(document).stage(request_, balances=HELD, past=["500 USDC to alice 2 days ago"])
    assert said(judged, desk.document) is ALLOW and said(judged, document) is not ALLOW
    prospect = require_all_exact(judged, document).prospects[0]
    (amend,) = (way.change for way in prospect.ways if isinstance(way.change, Amend))
    assert name in {f"{limit.table}.{limit.key}" for limit in amend.limits}


def test_new_levers_too_only_ever_let_more_through(desk: Any) -> None:
    document = _paced(_new(desk.document), Pace(10 * DAY, 1, 30 * DAY))
    document = replace(document, outflow=_outflow(9_000, 4_000, 4_500), runway=RunwayTerms(300 * DAY, E8, 30 * DAY))
    document = replace(document, holdings=HoldingTerms({WETH: 3_000}, (USDC, DAI), 7_000))
    judged = desk.under(document).stage("pay 5_000 USDC to alice", "swap 3_000 USDC to WETH", balances=HELD)
    found = list(levers(desk.under(document).open(judged)))
    keys = {"apart", "often", "at_most of USDC", "at_once", "most of WETH", "stables_least", "least"}
    assert keys <= {each.key for each in found}
    for lever in found:
        wide = lever.write(document, lever.widest)
        assert said(judged, wide).rank <= said(judged, document).rank, lever.key
        assert lever.write(document, lever.value) == document, lever.key


def test_a_smaller_order_that_is_not_yet_due_is_no_way(desk: Any) -> None:
    """Due, it would be paid whatever the caps have left; too early it is a payment like any other."""
    salary = _salary(desk)
    for days, orders in ((10, []), (22, ["alice_salary"])):
        past = [f"11_000 USDC to alice {days} days ago", "14_000 USDC to bob 1 second ago"]
        judged = desk.under(salary).stage("pay 12_500 USDC to alice", past=past)
        lowers = [w.change for w in require_all_exact(judged, salary).prospects[0].ways if isinstance(w.change, Lower)]
        assert [each.order for each in lowers if each.order] == orders, days
        assert any(not each.order and each.units < 11_000 * 10**6 for each in lowers)


def _salary(desk: Any) -> PolicyDocument:
    shipped = load(sample("active_treasury")[0])
    return replace(desk.document, orders=shipped.orders, caps=shipped.caps)


def test_twenty_intents_are_explained_with_few_questions(desk: Any) -> None:
    """No clock is looked at: what costs is how often the engine is asked."""
    requests = [f"pay {600 + n} USDC to {('alice', 'bob', 'chidi')[n % 3]}" for n in range(20)]
    judged = desk.stage(*requests, past=["33_200 USDC to emre 1 hour ago"])
    asked = 0

    def seen(frame: Any, event: str, _: Any) -> None:
        nonlocal asked
        asked += event == "call" and frame.f_code is judge.__code__

    sys.setprofile(seen)
    try:
        (prospect,) = explain(judged, desk.document).prospects
    finally:
        sys.setprofile(None)
    assert sum(isinstance(way.change, Lower) for way in prospect.ways) == 20
    assert asked < 20 * 12
