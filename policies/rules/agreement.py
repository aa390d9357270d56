"""What a model chose, another model asked by itself must have chosen too, or guardians look.

The evidence is in the unit, frozen with the plan; here it is only judged. Without it nobody agreed.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.agreement import AgreementTerms, agree, by_model
from policies.case import Case, at_least
from strongroom.model import Finding, Intent, Opinion, Verdict
from strongroom.untrusted import shown

RULE = "agreement"


def judge(case: Case) -> Iterator[Finding]:
    terms, unit = case.document.models, case.compiled.unit
    chosen = by_model(unit.intents) if terms else ()
    if terms is None or not chosen:
        why = "no model chose anything" if terms else "the policy asks for no agreement of models"
        yield Finding(RULE, Verdict.ALLOW, why)
        return
    agreeing = {each.model for each in unit.opinions if _agrees(each, chosen, terms)}
    yield at_least(RULE, 1 + len(agreeing), terms.models, Verdict.ASK, _why(unit.opinions, chosen, terms))


def _agrees(opinion: Opinion, chosen: tuple[Intent, ...], terms: AgreementTerms) -> bool:
    return not opinion.why and agree(chosen, opinion.intents, terms.tolerance_bps)


def _why(opinions: tuple[Opinion, ...], chosen: tuple[Intent, ...], terms: AgreementTerms) -> str:
    if not opinions:
        return "models agree on what one chose; no second one was asked, name it as [model.second] in treasury.toml"
    said = "; ".join(_said(each, chosen, terms) for each in opinions)
    return f"models agree on what one chose; {said}"


def _said(opinion: Opinion, chosen: tuple[Intent, ...], terms: AgreementTerms) -> str:
    name = f"`{shown(opinion.model)}`"
    if opinion.why:
        return f"{name} gave no answer that can be used: {opinion.why}"
    if not opinion.intents:
        return f"{name} would do nothing here"
    return f"{name} chose {'the same' if _agrees(opinion, chosen, terms) else 'something else'}"
