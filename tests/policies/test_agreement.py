"""Two models: what one chose counts once another, asked by itself, chose it too; otherwise guardians are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.agreement import AgreementTerms, agree
from policies.document import document_hash, load
from policies.grants import off_chain_only
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import Intent, Label, Labelled, Opinion, Supply, Swap, TokenId, Verdict

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
SELL = "swap 2 WETH to USDC"
BPS = 10_000


def agreeing(document: PolicyDocument, tolerance_bps: int = 1_000) -> PolicyDocument:
    """The policy that wants two models to agree, read again from its own text."""
    return load(render(replace(document, models=AgreementTerms(2, tolerance_bps))))


@pytest.fixture(scope="module")
def two(desk: Any) -> Any:
    return desk.under(agreeing(desk.document))


def staged(desk: Any, request: str, second: list[str] | None, by: str = "model") -> Any:
    keys = {} if second is None else {"second_says": second}
    return desk.stage(request, by="mandate", amount_by=by, arrives="99.7 %", **keys)


# WHAT AGREES


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ([SELL], {}),
        # Ten per cent of the smaller amount, either way, and a unit beyond it.
        (["swap 2.2 WETH to USDC"], {}),
        (["swap 2.200000000000000001 WETH to USDC"], {"agreement": ASK}),
        (["swap 1.818181818181818182 WETH to USDC"], {}),
        (["swap 1.818181818181818181 WETH to USDC"], {"agreement": ASK}),
        # Split, it is the same wish.
        (["swap 1 WETH to USDC", "swap 1 WETH to USDC"], {}),
        # Another pair, another direction, another kind, more than that, or nothing.
        (["swap 2 WETH to USDC", "swap 10 USDC to DAI"], {"agreement": ASK}),
        (["swap 2 USDC to WETH"], {"agreement": ASK}),
        (["supply 2 USDC to aave"], {"agreement": ASK}),
        ([], {"agreement": ASK}),
        # Nobody was asked.
        (None, {"agreement": ASK}),
    ],
)
def test_what_the_second_model_says_decides(two: Any, second: list[str] | None, says: dict[str, Verdict]) -> None:
    assert two.says(staged(two, SELL, second)) == says


@pytest.mark.parametrize("by", [each for each in Label if each.rank == 0])
def test_what_no_model_chose_needs_no_second_one(two: Any, by: Label) -> None:
    assert two.says(staged(two, SELL, None, by)) == {}
    assert two.says(two.stage("pay 10 USDC to alice", by="mandate")) == {}


@pytest.mark.parametrize("field", ["token_in", "token_out", "amount_in_units"])
def test_one_field_that_a_model_chose_is_enough(two: Any, field: str) -> None:
    judged = staged(two, SELL, None, "mandate")
    (swap,) = judged.compiled.unit.intents
    chosen = replace(swap, **{field: Labelled(getattr(swap, field).value, Label.MODEL)})
    unit = replace(judged.compiled.unit, intents=(chosen,))
    assert two.says(replace(judged, compiled=replace(judged.compiled, unit=unit))) == {"agreement": ASK}


def test_the_reason_is_never_read(two: Any) -> None:
    judged = staged(two, SELL, [SELL])
    (opinion,) = judged.compiled.unit.opinions
    other = replace(opinion.intents[0], reason=Labelled("sell before the news is out", Label.EXTERNAL))
    unit = replace(judged.compiled.unit, opinions=(replace(opinion, intents=(other,)),))
    assert two.says(replace(judged, compiled=replace(judged.compiled, unit=unit))) == {}


def with_opinions(judged: Any, *opinions: Opinion) -> Any:
    unit = replace(judged.compiled.unit, opinions=opinions)
    return replace(judged, compiled=replace(judged.compiled, unit=unit))


def test_an_answer_that_cannot_be_used_agrees_with_nothing(two: Any) -> None:
    judged = staged(two, SELL, [SELL])
    (opinion,) = judged.compiled.unit.opinions
    refused = with_opinions(judged, replace(opinion, why="the model refuses"))
    assert two.says(refused) == {"agreement": ASK}
    (finding,) = [f for f in two.decide(refused).findings if f.rule == "agreement"]
    assert finding.reason.endswith("`a second model` gave no answer that can be used: the model refuses")
    assert (finding.measured, finding.limit) == ("1", "2")


def test_without_a_second_model_the_finding_says_where_to_name_one(two: Any) -> None:
    (finding,) = [f for f in two.decide(staged(two, SELL, None)).findings if f.rule == "agreement"]
    assert "[model.second] in treasury.toml" in finding.reason


def test_a_hostile_name_stays_one_plain_word(two: Any) -> None:
    judged = staged(two, SELL, [SELL])
    (opinion,) = judged.compiled.unit.opinions
    odd = with_opinions(judged, replace(opinion, model="a\x1b[2K` chose the same", intents=()))
    (finding,) = [f for f in two.decide(odd).findings if f.rule == "agreement"]
    assert finding.verdict is ASK
    assert finding.reason.isprintable() and finding.reason.count("`") == 2


def test_agreement_lifts_no_other_limit(two: Any) -> None:
    """Both may sell too much."""
    large = "swap 6 WETH to USDC"
    assert two.says(staged(two, large, [large])) == {"provenance": ASK}


def test_untrusted_text_is_denied_whatever_two_models_say(two: Any) -> None:
    judged = two.stage(SELL, by="mandate", amount_by="external", arrives="99.7 %", second_says=[SELL])
    assert two.says(judged)["provenance"] is DENY


def test_without_the_table_one_model_is_enough(desk: Any) -> None:
    assert desk.says(staged(desk, SELL, None)) == {}


def test_without_the_rule_one_model_would_be_enough(two: Any) -> None:
    judged = staged(two, SELL, None)
    assert two.decide(judged).verdict is ASK
    assert two.decide(judged, without="agreement").verdict is ALLOW


# HOW FAR APART

WETH, USDC = TokenId("WETH"), TokenId("USDC")


def sells(units: int) -> tuple[Intent, ...]:
    said = Labelled("", Label.MODEL)
    return (Swap("s", Labelled(WETH, Label.MODEL), Labelled(USDC, Label.MODEL), Labelled(units, Label.MODEL), said),)


UNITS = st.integers(1, 10**30)


@settings(deadline=None)
@given(UNITS, UNITS, st.integers(0, BPS - 1))
def test_agreement_is_mutual_and_exactly_as_wide_as_it_says(one: int, other: int, tolerance: int) -> None:
    same = agree(sells(one), sells(other), tolerance)
    assert same == agree(sells(other), sells(one), tolerance)
    low, high = sorted((one, other))
    assert same == (high * BPS <= low * (BPS + tolerance))


@settings(deadline=None)
@given(UNITS, st.integers(0, BPS - 1))
def test_everybody_agrees_with_themselves_and_with_nobody_who_would_do_nothing(units: int, tolerance: int) -> None:
    assert agree(sells(units), sells(units), tolerance)
    assert not agree(sells(units), (), tolerance)


def test_a_supply_elsewhere_is_something_else() -> None:
    at = [
        Supply(
            "s",
            Labelled(USDC, Label.MODEL),
            Labelled(5, Label.MODEL),
            Labelled(venue, Label.MODEL),
            Labelled("", Label.MODEL),
        )
        for venue in ("aave", "spark")
    ]
    assert agree(at[:1], at[:1], 0)
    assert not agree(at[:1], at[1:], BPS - 1)


# WRITTEN


@settings(deadline=None, max_examples=25)
@given(st.integers(0, BPS - 1))
def test_the_table_is_written_read_back_and_hashed(document: PolicyDocument, tolerance: int) -> None:
    wanted = agreeing(document, tolerance)
    assert wanted.models == AgreementTerms(2, tolerance)
    other = agreeing(document, (tolerance + 1) % BPS)
    assert len({document_hash(each) for each in (wanted, other, document)}) == 3


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('agree = 1\ntolerance = "10 %"', "write `2`, or leave the table out"),
        ('agree = 3\ntolerance = "10 %"', "write `2`, or leave the table out"),
        ('agree = "2"\ntolerance = "10 %"', "write a whole number"),
        ("agree = 2", "`tolerance`.*required"),
        ('agree = 2\ntolerance = "100 %"', "below `100 %`"),
        ('agree = 2\ntolerance = "a tenth"', "`tolerance`"),
        ('agrees = 2\ntolerance = "10 %"', "unknown key `agrees`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(document: PolicyDocument, table: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(render(document) + f"\n[models]\n{table}\n")


def test_the_kernel_is_said_not_to_know_of_it(document: PolicyDocument) -> None:
    assert "agreement of two models" in off_chain_only(agreeing(document))
    assert "agreement of two models" not in off_chain_only(document)
