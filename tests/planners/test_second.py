"""A second model is asked the very same, by itself and only where the first one chose; whatever it answers is evidence
and no plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.planners.model import ModelPlanner
from strongroom.errors import InputError, ModelUnanswered
from strongroom.inference.endpoint import Endpoint
from strongroom.inference.memory import MemoryModel
from strongroom.inference.secret import Secret
from strongroom.model import Label, Pay, Plan, Swap
from strongroom.model_settings import LanguageModel
from strongroom.notices import MemoryNotices
from strongroom.plain import from_plain, to_plain
from strongroom.settings import load_treasury
from strongroom.templates import render_treasury
from tests.adversarial.hostile_answers import ENVELOPES, PAYROLL, SWAP_THEFTS, THEFTS, WORDS, Hostile, choice, drafted
from tests.adversarial.hostile_model import WIRE, HostileModel
from tests.planners.study import DOCUMENT, MANDATE, RULES, Study, ask, facts, memory_ledger

HALF = drafted(choice("swap", "WETH", "USDC", 5_000), choice("swap", "USDC", "DAI", 5_000))
THIRD = drafted(choice("swap", "WETH", "USDC", 3_000), choice("swap", "USDC", "DAI", 3_000))
SAID = ENVELOPES | WORDS | THEFTS | SWAP_THEFTS
QUICK = {name: why for name, why in WIRE.items() if "within" not in why}


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileModel]:
    model = HostileModel({**SAID, "half": Hostile("", HALF), "third": Hostile("", THIRD)})
    yield model
    model.close()


def endpoint(hostile: HostileModel, name: str, called: str, key: str = "") -> Endpoint:
    return Endpoint(LanguageModel(hostile.url(name), called, 30, 500), Secret(key))


def studied(first: Any, second: Any) -> Study:
    kept, notices = memory_ledger(), MemoryNotices()
    return Study(ModelPlanner(first, RULES, kept, notices, MANDATE, DOCUMENT, second), kept, notices)


def swaps(plan: Plan) -> list[Swap]:
    return [intent for unit in plan.units for intent in unit.intents if isinstance(intent, Swap)]


def without_opinions(plan: Plan) -> Plan:
    return replace(plan, units=tuple(replace(unit, opinions=()) for unit in plan.units))


def test_each_unit_carries_what_the_second_model_chose_in_it(hostile: HostileModel) -> None:
    study = studied(endpoint(hostile, "half", "first"), endpoint(hostile, "third", "second"))
    plan, alone = study.plan("rebalance", facts()), studied(endpoint(hostile, "third", "second"), None)
    expected = swaps(alone.plan("rebalance", facts()))
    assert len(plan.units) == len(expected) == 2
    for unit, swap in zip(plan.units, expected, strict=True):
        (opinion,) = unit.opinions
        assert (opinion.model, opinion.why) == ("second", "")
        assert opinion.intents == (swap,)
        assert swap.amount_in_units.label is Label.MODEL


def test_the_plan_is_the_first_one_s_alone(hostile: HostileModel) -> None:
    both = studied(endpoint(hostile, "half", "first"), endpoint(hostile, "third", "second"))
    alone = studied(endpoint(hostile, "half", "first"), None)
    assert without_opinions(both.plan("rebalance", facts())) == alone.plan("rebalance", facts())


def test_the_second_is_asked_the_same_bytes_but_for_its_name_and_with_its_own_key(hostile: HostileModel) -> None:
    hostile.bodies.clear(), hostile.headers.clear()
    first, second = endpoint(hostile, "half", "first", "sk-one"), endpoint(hostile, "third", "second", "sk-two")
    studied(first, second).plan("rebalance", facts())
    one, other = (json.loads(hostile.bodies[name][0]) for name in ("half", "third"))
    assert one.pop("model") == "first" and other.pop("model") == "second"
    assert one == other
    keys = [hostile.headers[name][0]["authorization"] for name in ("half", "third")]
    assert keys == ["Bearer sk-one", "Bearer sk-two"]


@pytest.mark.parametrize("name", [*SAID, *QUICK])
def test_whatever_a_hostile_second_model_answers_only_the_evidence_is_worse(hostile: HostileModel, name: str) -> None:
    study = studied(endpoint(hostile, "half", "first"), endpoint(hostile, name, "second"))
    plan = study.plan("rebalance", facts())
    assert swaps(plan) == swaps(studied(endpoint(hostile, "half", "first"), None).plan("rebalance", facts()))
    for unit in plan.units:
        (opinion,) = unit.opinions
        assert opinion.intents == () and opinion.why
        assert opinion.why.isascii() and opinion.why.isprintable()


def test_both_answers_stand_in_the_ledger_under_their_names() -> None:
    study = studied(MemoryModel(HALF, name="first"), MemoryModel(ModelUnanswered("it is down"), name="second"))
    study.plan("rebalance", facts())
    told = [(entry.type, entry.body.get("model", "")) for entry in study.entries()]
    assert told == [("model.req", "first"), ("model.res", ""), ("model.req", "second"), ("gap", "")]


@pytest.mark.parametrize("said", [drafted(*PAYROLL), b"nothing", drafted()])
def test_where_the_first_chose_nothing_the_second_is_not_asked(said: bytes) -> None:
    second = MemoryModel(HALF, name="second")
    for operation in ("payroll", "rebalance"):
        plan = studied(MemoryModel(said, name="first"), second).plan(operation, facts())
        assert all(unit.opinions == () for unit in plan.units)
        assert all(
            intent.payee.label is Label.MANDATE for u in plan.units for intent in u.intents if isinstance(intent, Pay)
        )
    assert second.heard == []


def test_a_unit_that_the_second_leaves_out_has_an_opinion_that_would_do_nothing() -> None:
    only = drafted(choice("swap", "WETH", "USDC", 1), choice("swap", "USDC", "DAI", 1))
    plan = studied(MemoryModel(only, name="first"), MemoryModel(drafted(), name="second")).plan("rebalance", facts())
    assert plan.units
    assert [(o.intents, o.why) for unit in plan.units for o in unit.opinions] == [((), "")] * len(plan.units)


def test_a_plan_with_opinions_is_plain_and_back(hostile: HostileModel) -> None:
    study = studied(endpoint(hostile, "half", "first"), endpoint(hostile, "third", "second"))
    plan = study.plan("rebalance", facts())
    assert any(unit.opinions for unit in plan.units)
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))) == plan


# WRITTEN

TREASURY = """
name = "hall"
mode = "shadow"
rpc = "http://127.0.0.1:8545"
service = "http://127.0.0.1:8008"
state_dir = "/tmp/hall"
[account]
chain_id = 31337
safe = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
[model]
url = "https://models.example/v1"
name = "large"
[model.second]
url = "https://others.example/v1"
name = "other"
timeout = "30 seconds"
max_tokens = 100
"""


def test_both_models_are_read_and_written() -> None:
    treasury = load_treasury(TREASURY, Path())
    assert treasury.model is not None
    assert treasury.model.second == LanguageModel("https://others.example/v1", "other", 30, 100)
    assert load_treasury(render_treasury(treasury), Path()) == treasury


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "other"', 'name = "large"', "`name` in \\[model.second\\].*name another model"),
        ('name = "other"\n', "", "`name`.*required"),
        ("https://others", "http://others", "`url` in \\[model.second\\].*https"),
        ("[model.second]", "[model.third]", "unknown key `third`"),
        ("max_tokens = 100", "max_tokens = 100\n[model.second.second]", "unknown key `second`"),
    ],
)
def test_a_second_model_is_another_one_and_reached_as_safely(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_treasury(TREASURY.replace(old, new), Path())


def test_asking_about_nothing_asks_nobody() -> None:
    first, second = MemoryModel(name="first"), MemoryModel(name="second")
    assert studied(first, second).plan("rebalance", facts(weth=0, usdc=0, dai=0)) == RULES.plan(
        ask("rebalance"), facts(weth=0, usdc=0, dai=0)
    )
    assert (first.heard, second.heard) == ([], [])
