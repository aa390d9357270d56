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
