"""Two models behind real sockets: where they agree a model's choice goes alone, and where not guardians are asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent import example
from agent.app import open_documents, open_treasurer
from agent.owed import ask_for, find_job
from policies.agreement import AgreementTerms
from strongroom.inference.memory import completion
from strongroom.ledger.verification import verify
from strongroom.model_settings import LanguageModel
from strongroom.settings import Mode
from strongroom.world.treasury import WETH
from tests.adversarial.hostile_answers import Hostile, choice
from tests.adversarial.hostile_model import HostileModel
from tests.agent.house import House


def shares(part: int) -> Hostile:
    chosen = [choice("swap", "WETH", "USDC", part), choice("swap", "USDC", "DAI", part)]
    return Hostile("", completion(json.dumps({"choices": chosen})))


@pytest.fixture(scope="module")
def server() -> Iterator[HostileModel]:
    """Shares of what the mandate wants, in 1/10,000: so little of it that nothing else asks."""
    refusing = Hostile("refuses", completion(None, refusal="no"))
    model = HostileModel(
        {"a tenth": shares(1_000), "a little more": shares(1_100), "too much": shares(1_101), "refusal": refusing}
    )
    yield model
    model.close()


def cycle(house: House, server: HostileModel, second: str) -> list[dict[str, Any]]:
    """What the units' threads hold after one cycle in shadow mode, under a policy that wants two models to agree."""
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    documents = open_documents(example.write(texts, house.home / "shadow"))
    other = LanguageModel(server.url(second), "other", 30, 500) if second else None
    model = LanguageModel(server.url("a tenth"), "small", 30, 500, other)
    policy = replace(documents.policy, models=AgreementTerms(2, 1_000))
    named = replace(documents, policy=policy, treasury=replace(documents.treasury, model=model))
    house.world.move_market(WETH, 3_450_00000000)
    with open_treasurer(named, house.notices) as treasurer:
        _, rows = treasurer.runner.cycle(ask_for(find_job(named.jobs, "rebalance"), "2026-11"))
        states = [treasurer.runner.state(row) for row in rows]
        assert [row.value().opinions != () for row in rows] == [bool(second)] * len(rows)
    assert verify(house.home / "state" / "ledger").ok
    return states


def agreement(state: dict[str, Any]) -> tuple[str, str]:
    (finding,) = [each for each in state["decision"]["findings"] if each["rule"] == "agreement"]
    return finding["verdict"], finding["reason"]


@pytest.mark.parametrize(
    ("second", "verdict", "said"),
    [
        ("a little more", "allow", "`other` chose the same"),
        ("too much", "ask", "`other` chose something else"),
        ("refusal", "ask", "`other` gave no answer that can be used: the model refuses"),
        ("", "ask", "[model.second] in treasury.toml"),
    ],
)
def test_two_models_decide_whether_guardians_are_asked(
    house: House, server: HostileModel, second: str, verdict: str, said: str
) -> None:
    states = cycle(house, server, second)
    assert states
    for state in states:
        found, reason = agreement(state)
        assert (found, state["decision"]["verdict"]) == (verdict, verdict)
        assert said in reason
