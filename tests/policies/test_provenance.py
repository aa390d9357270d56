"""Where values came from: nobody is paid because a model or a text said so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strongroom.model import Label, Labelled, Verdict

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
UNTRUSTED = (Label.EXTERNAL, Label.MEMORY)


def relabelled(judged: Any, **labels: Label) -> Any:
    (intent,) = judged.compiled.unit.intents
    changed = {name: Labelled(getattr(intent, name).value, label) for name, label in labels.items()}
    unit = replace(judged.compiled.unit, intents=(replace(intent, **changed),))
    return replace(judged, compiled=replace(judged.compiled, unit=unit))


@pytest.mark.parametrize("label", list(Label))
def test_only_people_name_who_is_paid(desk: Any, label: Label) -> None:
    says = desk.says(relabelled(desk.stage("pay 10 USDC to alice"), payee=label))
    trusted = label in (Label.OPERATOR, Label.GOVERNANCE, Label.MANDATE)
    assert says == ({} if trusted else {"provenance": DENY})


@pytest.mark.parametrize("request_", ["supply 500 USDC to aave", "withdraw 500 USDC from aave"])
@pytest.mark.parametrize("label", list(Label))
def test_only_people_name_where_is_lent(desk: Any, request_: str, label: Label) -> None:
    judged = desk.stage(request_, supplied=["1_000 USDC"])
    trusted = label in (Label.OPERATOR, Label.GOVERNANCE, Label.MANDATE)
    assert desk.says(relabelled(judged, venue=label)) == ({} if trusted else {"provenance": DENY})


@pytest.mark.parametrize("field", ["amount_units", "token"])
@pytest.mark.parametrize("request_", ["supply 500 USDC to aave", "withdraw 500 USDC from aave"])
@pytest.mark.parametrize("label", list(Label))
def test_a_model_lends_within_its_own_limit_and_untrusted_text_nothing(
    desk: Any, field: str, request_: str, label: Label
) -> None:
    judged = desk.stage(request_, supplied=["1_000 USDC"])
    expected = {"provenance": DENY} if label in UNTRUSTED else {}
    assert desk.says(relabelled(judged, **{field: label})) == expected


@pytest.mark.parametrize(("beyond", "expected"), [(-1, ALLOW), (0, ALLOW), (1, ASK)])
@pytest.mark.parametrize("request_", ["swap {} WETH to USDC", "supply {} USDC to aave"])
def test_a_model_s_own_limit_is_met_to_the_unit(desk: Any, request_: str, beyond: int, expected: Verdict) -> None:
    """One unit below, exactly at it, and one above."""
    token, name = ("WETH", "swaps") if "WETH" in request_ else ("USDC", "lending")
    decimals = desk.document.tokens[token].token.decimals
    units = desk.document.caps[name][token].model_units + beyond
    amount = f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}"
    judged = desk.stage(
        request_.format(amount), by="mandate", amount_by="model", arrives="99.7 %" if "swap" in request_ else "100 %"
    )
    assert desk.says(judged) == ({} if expected is ALLOW else {"provenance": expected})


@pytest.mark.parametrize("worse", [Label.MODEL, *UNTRUSTED])
@pytest.mark.parametrize("better", [label for label in Label if label.rank == 0])
def test_the_worst_label_of_an_intent_holds(desk: Any, better: Label, worse: Label) -> None:
    """No good label of one value makes up for another's."""
    judged = desk.stage("pay 10 USDC to alice")
    for token, amount in ((better, worse), (worse, better), (worse, worse)):
        says = desk.says(relabelled(judged, token=token, amount_units=amount))
        assert says == {"provenance": ASK if worse is Label.MODEL else DENY}


@pytest.mark.parametrize("field", ["amount_units", "token"])
@pytest.mark.parametrize("label", list(Label))
def test_a_model_s_amount_or_token_goes_to_guardians_and_untrusted_text_nowhere(
    desk: Any, field: str, label: Label
) -> None:
    says = desk.says(relabelled(desk.stage("pay 10 USDC to alice"), **{field: label}))
    expected = DENY if label in UNTRUSTED else ASK if label is Label.MODEL else ALLOW
    assert says == ({} if expected is ALLOW else {"provenance": expected})


@pytest.mark.parametrize("field", ["token_in", "token_out", "amount_in_units"])
@pytest.mark.parametrize("label", list(Label))
def test_a_swap_within_a_model_s_own_limit_needs_nobody(desk: Any, field: str, label: Label) -> None:
    says = desk.says(relabelled(desk.stage("swap 5 WETH to USDC", arrives="99.7 %"), **{field: label}))
    assert says == ({"provenance": DENY} if label in UNTRUSTED else {})


def test_the_reason_is_never_read(desk: Any) -> None:
    for label in Label:
        assert desk.says(relabelled(desk.stage("pay 10 USDC to alice"), reason=label)) == {}


def test_a_model_s_limit_counts_all_that_it_chose_in_the_unit(desk: Any) -> None:
    halves = ["swap 2.5 WETH to USDC", "swap 2.5 WETH to USDC"]
    more = ["swap 2.5 WETH to USDC", "swap 2.500000000000000001 WETH to USDC"]
    assert "provenance" not in desk.says(desk.stage(*halves, amount_by="model", arrives="99.7 %"))
    assert desk.says(desk.stage(*more, amount_by="model", arrives="99.7 %"))["provenance"] is ASK
