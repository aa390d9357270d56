"""A treasurer's own ledger as a history: the same policy says again what it said then, another one says its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agent.app import open_documents, open_treasurer
from agent.backtesting import backtest, open_history
from agent.demo import guarded
from agent.demo.scene import PASSWORD
from agent.desk import OwnDesk
from agent.state_folder import StateFolder
from policies.backtesting.judging import Judgement
from policies.backtesting.needs import Known
from policies.backtesting.rows import By, History, Outcome
from policies.document import load
from policies.template import render
from strongroom.ledger.entries import Entry
from strongroom.ledger.reading import read_entries
from strongroom.model import Decision, Verdict
from strongroom.notices import MemoryNotices
from strongroom.plain import from_plain
from strongroom.settings import Mode
from strongroom.world.people import GUARDIANS, OPERATOR
from strongroom.world.treasury import TREASURY, USDC
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.house import House

TWO = GUARDIANS[:2]


def policy_of(house: House, mode: Mode) -> str:
    return (house.home / mode / "policy.toml").read_text()


def ledger_of(home: Path) -> Path:
    return StateFolder(home / "state").ledger


def judged(history: History, policy: str) -> dict[str, Judgement]:
    return {each.place: each for each in backtest(history, policy, {}, 1, keep_rows=True).rows}


def recorded(ledger: Path) -> dict[str, Decision]:
    """By the place of its row: the decision right before each intent, and the last of what was never intended."""
    entries = list(read_entries(ledger))
    intents = {str(e.body["unit"]): e.index for e in entries if e.type == "tx.intent" and "action" in e.body}
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.type == "verdict" and entry.index < intents.get(str(entry.body["unit"]), len(entries)):
            found[str(entry.body["unit"])] = entry
    places = {unit: f"{ledger.name} entry {intents.get(unit, entry.index)}" for unit, entry in found.items()}
    made = {unit: from_plain(Decision, {"quorums": [], **entry.body["decision"]}) for unit, entry in found.items()}
    return {places[unit]: decision for unit, decision in made.items()}


def strictest(decision: Decision) -> Mapping[str, Verdict]:
    rules: dict[str, Verdict] = defaultdict(lambda: Verdict.ALLOW)
    for finding in decision.findings:
        rules[finding.rule] = max(rules[finding.rule], finding.verdict, key=lambda verdict: verdict.rank)
    return rules


def require_agreement(found: Mapping[str, Judgement], said: Mapping[str, Decision]) -> None:
    assert found.keys() == said.keys() and found
    for place, judgement in found.items():
        decision, rules = said[place], strictest(said[place])
        assert judgement.verdict is decision.verdict
        assert dict(judgement.by_rule) == {rule: rules[rule] for rule in judgement.by_rule}
        lacking = {known for lacks in judgement.lacks.values() for known in lacks}
        assert lacking <= {Known.ENVELOPE}
        assert rules.keys() == judgement.by_rule.keys() | judgement.lacks.keys()


def test_the_policy_that_judged_says_it_again(house: House) -> None:
    """Payroll executed, loans waiting for guardians: only the envelope is in no ledger."""
    with house.treasurer(Mode.PROPOSE) as treasurer:
        desk = OwnDesk(treasurer)
        (unit,) = desk.cycle("payroll")["units"]
        house.sign(unit["proposal"], *TWO)
        treasurer.runner.poll()
        desk.cycle("lend")
    policy = policy_of(house, Mode.PROPOSE)
    history = open_history(ledger_of(house.home), load(policy))
    assert [row.outcome for row in history.rows] == [Outcome.EXECUTED, Outcome.WAITING, Outcome.WAITING]
    require_agreement(judged(history, policy), recorded(ledger_of(house.home)))


def test_weeks_of_shadow_can_be_backtested_before_anything_was_sent(house: House) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer:
        desk = OwnDesk(treasurer)
        for job in ("payroll", "lend"):
            desk.cycle(job)
    policy = policy_of(house, Mode.SHADOW)
    history = open_history(ledger_of(house.home), load(policy))
    assert {row.outcome for row in history.rows} == {Outcome.JUDGED} and len(history.rows) == 3
    require_agreement(judged(history, policy), recorded(ledger_of(house.home)))


def test_a_stricter_policy_says_what_it_would_have_said(house: House) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer:
        OwnDesk(treasurer).cycle("payroll")
    policy = policy_of(house, Mode.SHADOW)
    document = load(policy)
    alice = replace(document.payees["alice"], max_units={USDC: TREASURY.payees[0].monthly.units - 1})
    stricter = render(replace(document, payees={**document.payees, "alice": alice}, orders={}))
    (found,) = judged(open_history(ledger_of(house.home), load(stricter)), stricter).values()
    assert found.verdict is Verdict.DENY and found.by_rule["payments"] is Verdict.DENY
    assert {"reserves", "intents", "gas"} <= found.by_rule.keys()


def test_calls_of_the_kernel_are_judged_again_with_their_grants(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In guarded mode: executed alone, asked of guardians, and denied."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        folder = guarded.install(begun).documents(Mode.GUARDED)
        with open_treasurer(open_documents(folder), MemoryNotices()) as treasurer:
            desk, ledger = OwnDesk(treasurer), treasurer.folder.ledger
            desk.cycle("payroll")
            for order in ("swap 2 WETH to USDC", "swap 25 WETH to USDC", "swap 250 WETH to USDC"):
                desk.chat(OPERATOR.name, order)
    policy = (folder / "policy.toml").read_text()
    history = open_history(ledger, load(policy))
    found = judged(history, policy)
    require_agreement(found, {place: each for place, each in recorded(ledger).items() if place in found})
    assert {each.by_rule.get("grants") for each in found.values() if each.by is By.MODULE} == {Verdict.ALLOW}
    assert {each.verdict for each in found.values()} >= {Verdict.ALLOW, Verdict.ASK}
