"""What a model may choose: a part of what the mandate wants, and nothing besides, whatever it says."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.planners.choosing import chosen
from agent.planners.draft import WHOLE, Draft, read
from agent.planners.unusable import Unusable
from strongroom.inference.memory import MemoryModel, completion
from strongroom.model import Facts, Intent, Label, Labelled, Pay, Plan, Swap, TokenId
from tests.planners.study import DOCUMENT, RULES, WETH, ask, facts, study, units

IDS = st.sampled_from([*DOCUMENT.tokens, *DOCUMENT.payees, "mallory"])
SHARES = st.integers(1, WHOLE) | st.just(WHOLE)
CHOICES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["pay", "swap"]),
        "asset_id": IDS,
        "counterparty_id": IDS,
        "amount": st.fixed_dictionaries({"basis": st.just("share"), "value": SHARES}),
        "reason": st.text(max_size=20),
    }
)
PRICE = {"WETH": 3_000, "USDC": 1, "DAI": 1}


def wanted_swaps(first: int = WHOLE, second: int = WHOLE) -> list[dict[str, Any]]:
    return [choice("swap", "WETH", "USDC", first), choice("swap", "USDC", "DAI", second)]


def choice(kind: str, asset: str, counterparty: str, value: int = WHOLE, reason: str = "because") -> dict[str, Any]:
    amount = {"basis": "share", "value": value}
    return {"kind": kind, "asset_id": asset, "counterparty_id": counterparty, "amount": amount, "reason": reason}


def choose(operation: str, choices: list[dict[str, Any]], seen: Facts) -> Plan | None:
    """The plan a model gets for these choices; `None` where they are unusable."""
    try:
        draft = read(Draft, completion(json.dumps({"choices": choices})))
        return chosen(draft, RULES.plan(ask(operation), seen), seen, DOCUMENT)
    except Unusable:
        return None


def intents(plan: Plan) -> list[Intent]:
    return [intent for unit in plan.units for intent in unit.intents]


def worth(plan: Plan) -> dict[TokenId, Fraction]:
    """What its swaps bring each token, in dollars."""
    net = dict.fromkeys(DOCUMENT.tokens, Fraction(0))
    for swap in intents(plan):
        assert isinstance(swap, Swap)
        sold, bought = swap.token_in.value, swap.token_out.value
        value = Fraction(swap.amount_in_units.value * PRICE[sold], units(sold, 1))
        net[sold] -= value
        net[bought] += value
    return net


def require_within(plan: Plan, wanted: Plan) -> None:
    """Under the mandate's own ids, no amount above its own, each token between where it is and its target."""
    by_id = {intent.id: intent for intent in intents(wanted)}
    assert [unit.id for unit in plan.units] == [u.id for u in wanted.units if u.id in {unit.id for unit in plan.units}]
    for swap in intents(plan):
        own = by_id[swap.id]
        assert isinstance(swap, Swap) and isinstance(own, Swap)
        assert (swap.token_in.value, swap.token_out.value) == (own.token_in.value, own.token_out.value)
        assert 0 < swap.amount_in_units.value <= own.amount_in_units.value
    whole, cent = worth(wanted), Fraction(1, 100)
    for token, value in worth(plan).items():
        assert min(whole[token], 0) - cent <= value <= max(whole[token], 0) + cent


@given(st.integers(1, WHOLE), st.integers(1, WHOLE))
@example(WHOLE, WHOLE)
@example(1, 1)
def test_of_swaps_that_lead_on_shares_count_only_while_no_token_leaves_its_target(first: int, second: int) -> None:
    seen = facts()
    plan, wanted = choose("rebalance", wanted_swaps(first, second), seen), RULES.plan(ask("rebalance"), seen)
    if plan is not None:
        require_within(plan, wanted)
    elif first == second:
        raise AssertionError("the same share of both moves every token towards its target")


@given(st.lists(CHOICES, max_size=4))
def test_any_choices_in_the_schema_s_words_stay_within_the_mandate_s_swaps(choices: list[dict[str, Any]]) -> None:
    seen = facts()
    plan = choose("rebalance", choices, seen)
    if plan is not None:
        require_within(plan, RULES.plan(ask("rebalance"), seen))


@given(st.lists(CHOICES, max_size=6), st.permutations(range(5)))
def test_payroll_is_exact_whatever_is_chosen(choices: list[dict[str, Any]], order: list[int]) -> None:
    seen = facts()
    wanted = RULES.plan(ask("payroll"), seen)
    due = [choice("pay", pay.token.value, pay.payee.value) for pay in intents(wanted) if isinstance(pay, Pay)]
    assert choose("payroll", choices, seen) is None
    plan = choose("payroll", [due[place] for place in order], seen)
    assert plan is not None and plan.units == wanted.units


@given(st.integers(300, 900), st.integers(50_000, 600_000), st.integers(1_000, 500_000), st.integers(1, WHOLE))
def test_the_same_share_of_everything_wanted_is_always_a_plan(weth: int, usdc: int, dai: int, share: int) -> None:
    """The bound forgives what rounding takes: no honest answer is thrown away for a unit."""
    seen = facts(weth, usdc, dai)
    wanted = RULES.plan(ask("rebalance"), seen)
    everything = [
        choice("swap", swap.token_in.value, swap.token_out.value, share)
        for swap in intents(wanted)
        if isinstance(swap, Swap)
    ]
    plan = choose("rebalance", everything, seen)
    assert plan is not None
    require_within(plan, wanted)


@given(st.integers(300, 900), st.integers(1_000, 20_000), st.integers(2_500 * 10**8, 3_500 * 10**8), SHARES)
def test_a_token_at_its_target_lets_the_same_share_pass_through(weth: int, dai: int, price: int, share: int) -> None:
    """It is neither bought nor sold but for the rounding of both swaps, which must not count as leaving the target."""
    usdc = (weth * price // 100 + dai * 10**6) * 2_750 // 7_250
    seen = facts(weth, dai=dai, weth_e8=price, usdc_units=usdc)
    wanted = [swap for swap in intents(RULES.plan(ask("rebalance"), seen)) if isinstance(swap, Swap)]
    assert [(swap.token_in.value, swap.token_out.value) for swap in wanted] == [("WETH", "USDC"), ("USDC", "DAI")]
    assert choose("rebalance", wanted_swaps(share, share), seen) is not None
    assert choose("rebalance", wanted_swaps(0, WHOLE)[1:], seen) is None


@given(st.binary(max_size=200))
def test_random_bytes_are_no_answer(received: bytes) -> None:
    with pytest.raises(Unusable):
        read(Draft, received)


@given(st.text(max_size=200))
def test_random_words_are_no_plan(said: str) -> None:
    with pytest.raises(Unusable):
        read(Draft, completion(said))


def test_what_a_model_chose_carries_its_label_and_what_it_could_not_choose_does_not() -> None:
    seen = facts()
    plan = choose("rebalance", wanted_swaps(5_000, 5_000), seen)
    assert plan is not None
    first = intents(plan)[0]
    assert isinstance(first, Swap)
    labels = (first.token_in.label, first.token_out.label, first.amount_in_units.label, first.reason.label)
    assert set(labels) == {Label.MODEL}
    assert first.reason == Labelled('a model says "because"', Label.MODEL)
    paid = intents(RULES.plan(ask("payroll"), seen))
    answers = [choice("pay", pay.token.value, pay.payee.value, WHOLE, "hurry") for pay in paid if isinstance(pay, Pay)]
    exact = choose("payroll", answers, seen)
    assert exact is not None and intents(exact) == paid


def test_swaps_may_be_left_out_altogether() -> None:
    plan = choose("rebalance", [], facts())
    assert plan is not None and plan.units == ()
    assert plan.rationale.endswith("a model chose 0 of 2")


def test_a_part_too_small_to_be_one_unit_is_refused() -> None:
    seen = facts()
    swap = intents(RULES.plan(ask("rebalance"), seen))[0]
    assert isinstance(swap, Swap) and swap.token_in.value == WETH
    tiny = Plan("p", "a", (_tiny(RULES.plan(ask("rebalance"), seen)),), "")
    draft = read(Draft, completion(json.dumps({"choices": [choice("swap", "WETH", "USDC", 1)]})))
    with pytest.raises(Unusable, match="is nothing"):
        chosen(draft, tiny, seen, DOCUMENT)


def _tiny(wanted: Plan) -> Any:
    from dataclasses import replace

    unit = wanted.units[0]
    (swap,) = unit.intents
    assert isinstance(swap, Swap)
    return replace(unit, intents=(replace(swap, amount_in_units=Labelled(9_999, Label.MANDATE)),))


def test_where_nothing_is_due_nobody_is_asked() -> None:
    model = MemoryModel()
    quiet = study(model)
    seen = facts(weth=386, usdc=530_750, dai=241_250)
    assert quiet.plan("rebalance", seen) == RULES.plan(ask("rebalance"), seen)
    assert quiet.plan("observe", seen).units == ()
    assert (model.heard, quiet.entries()) == ([], [])


def test_an_honest_answer_is_used_and_recorded_as_used() -> None:
    answer = completion(json.dumps({"choices": wanted_swaps(2_500, 2_500)}))
    honest = study(MemoryModel(answer))
    cause = honest.ledger.append("tool.req", {"tool": "plan"}).index
    plan = honest.plan("rebalance", facts(), cause)
    assert [swap.amount_in_units.value for swap in intents(plan) if isinstance(swap, Swap)] == [
        units(WETH, 114) // 4,
        211_250_000_000 // 4,
    ]
    request, result = honest.entries()[1:]
    assert (request.type, request.link.cause) == ("model.req", cause)
    assert (result.type, result.link.cause, result.body) == ("model.res", request.index, {"used": True, "why": ""})
    assert honest.ledger.disclose(result.index, "received").value == answer
    assert honest.notices.told == []


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]), max_size=200))
def test_what_a_model_gives_as_its_reason_cannot_pass_for_a_finding(reason: str) -> None:
    """People read it beside the policy's findings: it is said to be a model's, in quotes, in plain ASCII."""
    seen = facts()
    choices = [each | {"reason": reason} for each in wanted_swaps()]
    plan = choose("rebalance", choices, seen)
    assert plan is not None
    for swap in intents(plan):
        told = swap.reason.value
        assert told.isascii() and told.isprintable()
        assert told == "a model chose it" if not reason else json.loads(told.removeprefix("a model says ")) == reason
