"""No sample's policy can be loosened, and no rule of the engine deleted, unnoticed. `make mutate-policies` tries every
mutant; here are some of each sample, always the same ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from policies.case import Case, open_case
from policies.cases import PolicyCase, load_cases, sample, samples
from policies.document import load
from policies.engine import judge
from policies.rules import RULES
from policies.scenario import Judged, stage
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import Decision, Verdict
from tests.policies.attacks import gets_further
from tests.policies.conftest import Desk
from tests.policies.harmless import why_harmless
from tests.policies.killing import Fate, tried
from tests.policies.mutants import mutants
from tests.policies.test_engine import ATTACKS

ONE_OF = 37
FEW = slice(0, None, ONE_OF)
PRICES = {"USDC": 1, "DAI": 1, "WETH": 3_000}


def read(name: str) -> tuple[PolicyDocument, tuple[PolicyCase, ...]]:
    text, cases = sample(name)
    document = load(text)
    return document, load_cases(cases, document)


def test_mutants_of_the_samples_are_killed() -> None:
    found = {name: tuple(tried(name, FEW)) for name in samples()}
    assert {name: [each for each in all_ if each.fate is Fate.SURVIVED] for name, all_ in found.items()} == {
        name: [] for name in samples()
    }
    fates = Counter(each.fate for all_ in found.values() for each in all_)
    assert sum(fates[each] for each in (Fate.CASE, Fate.ATTACK, Fate.GUARDIANS)) >= 20


@pytest.mark.parametrize("name", ["conservative_stables", "grants_programme"])
def test_no_attack_gets_further_under_what_is_called_harmless(name: str) -> None:
    document, cases = read(name)
    allowed = [case.scenario for case in cases if case.verdict is Verdict.ALLOW]
    others = (each.document for each in mutants(sample(name)[0], slice(0, None, 5)) if each.document)
    harmless = [each for each in others if why_harmless(document, each)]
    assert harmless
    assert not any(gets_further(document, each, allowed[:3]) for each in harmless[:2])


@dataclass(frozen=True)
class SampleDesk(Desk):
    """A desk under a sample as it ships; its first two payees of dollars answer to the names that attacks use."""

    cases: tuple[PolicyCase, ...] = ()

    def stage(self, *requests: str, **keys: Any) -> Judged:
        """A swap or a loan is one that the sample's own cases allow."""
        verb = requests[0].split()[0]
        if verb != "pay":
            (own,) = (case.scenario for case in self.cases if _is_plain(case, verb))
            return stage(own, self.document)
        rows = {"name": "one", "request": list(requests), "expect": "allow", **keys}
        lines = [f"{key} = {json.dumps(value)}" for key, value in rows.items()]
        prices = [f'{token} = "{price}"' for token, price in PRICES.items() if token in self.document.tokens]
        text = "\n".join(["[prices]", *prices, "[[cases]]", *lines])
        (case,) = load_cases(text, self.document)
        return stage(case.scenario, self.document)


def _is_plain(case: PolicyCase, verb: str) -> bool:
    return case.verdict is Verdict.ALLOW and [type(each).__name__.lower() for each in case.scenario.intents] == [verb]


def desk_of(name: str) -> SampleDesk:
    document, cases = read(name)
    plain = {verb: next((case for case in cases if _is_plain(case, verb)), None) for verb in ("swap", "supply")}
    return SampleDesk(_renamed(document), tuple(case for case in plain.values() if case))


def _renamed(document: PolicyDocument) -> PolicyDocument:
    paid = [id_ for id_, payee in document.payees.items() if "USDC" in payee.max_units]
    names = dict(zip(paid, ("alice", "bob"), strict=False))
    payees = {names.get(id_, id_): replace(each, id=names.get(id_, id_)) for id_, each in document.payees.items()}
    orders = {id_: replace(each, payee=names.get(each.payee, each.payee)) for id_, each in document.orders.items()}
    return replace(document, payees=payees, orders=orders)


def opened(name: str) -> Iterator[tuple[Case, Decision]]:
    document, cases = read(name)
    for case in cases:
        unit = stage(case.scenario, document)
        found = open_case(unit.compiled, unit.action, unit.rehearsal, unit.facts, document)
        yield found, judge(found, RULES)


def spoken(decision: Decision) -> set[str]:
    """Rules that hold something against a limit, or object."""
    return {each.rule for each in decision.findings if each.limit or each.measure or each.verdict is not Verdict.ALLOW}


def noticed(case: Case, decision: Decision) -> set[str]:
    """Rules without which the case's findings differ."""
    objecting = {each.rule for each in decision.findings if each.verdict is not Verdict.ALLOW}
    return {rule for rule in objecting if judge(case, _without(rule)).findings != decision.findings}


def _without(rule: str) -> dict[str, Any]:
    return {name: each for name, each in RULES.items() if name != rule}


def stopped(desk: Desk, rule: str) -> bool:
    """Whether an attack gets further without the rule; not, where the sample has nothing to attack so."""
    try:
        judged = ATTACKS[rule](desk)
    except (InputError, LookupError, ValueError):
        return False
    return desk.decide(judged).verdict.rank > desk.decide(judged, without=rule).verdict.rank


@pytest.mark.parametrize("name", samples())
def test_each_rule_that_a_sample_has_something_for_is_missed_when_deleted(name: str) -> None:
    """A rule that holds anything against a limit in the sample's cases is noticed by a case, or an attack gets further
    without it."""
    judged = list(opened(name))
    speaks = set().union(*(spoken(decision) for _, decision in judged))
    missed = set().union(*(noticed(*each) for each in judged))
    desk = desk_of(name)
    unnoticed = {rule for rule in speaks - missed if rule not in ATTACKS or not stopped(desk, rule)}
    assert len(speaks) >= 12
    assert unnoticed == set()
