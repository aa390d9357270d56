"""What a backtest found, in plain values for machines and for whoever draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from policies.backtesting.judging import Fill, Judgement
from policies.backtesting.needs import NEEDS
from policies.backtesting.rows import History
from policies.backtesting.tally import NOT_EVALUABLE, Tally, closest
from policies.document import document_hash
from policies.terms import PolicyDocument
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_units

VERDICTS = tuple(verdict.value for verdict in Verdict)


def report(history: History, whole: Tally, document: PolicyDocument) -> dict[str, Any]:
    """Everything but the single rows. Amounts are units, with their words beside them; times are Unix seconds."""
    return {
        "policy": document_hash(document),
        "rows": _rows(history, whole, document),
        "verdicts": {name: whole.verdicts[Verdict(name)] for name in VERDICTS},
        "rules": [_rule(name, whole) for name in _rules(whole)],
        "classes": [_moved(name, token, whole, document) for name, token in _moving(whole)],
        "closest": [{"day": day, **_fill(fill)} for day, fill in closest(whole)],
        "worst": [told(each) for each in whole.worst],
        "unjudged": [
            {"place": each.place, "tx_hash": each.tx_hash, "kind": each.kind, "why": each.why}
            for each in history.unjudged
        ],
        "months": _months(whole),
    }


def told(each: Judgement) -> dict[str, Any]:
    """One row's judgement with every finding that does not allow."""
    return {
        "place": each.place,
        "time": each.time,
        "tx_hash": each.tx_hash,
        "by": each.by,
        "outcome": each.outcome,
        "verdict": each.verdict,
        "against": [_finding(finding) for finding in each.against],
        "not_evaluable": {rule: sorted(lacks) for rule, lacks in each.lacks.items()},
    }


def _finding(finding: Finding) -> dict[str, str]:
    words = {"reason": finding.reason, "measured": finding.measured, "limit": finding.limit}
    return {"rule": finding.rule, "verdict": finding.verdict, **words}


def _rows(history: History, whole: Tally, document: PolicyDocument) -> dict[str, Any]:
    kinds = Counter(each.kind.value for each in history.unjudged)
    rows = history.rows
    # Before then the past is shorter than the rules look back, and what they find is too mild.
    seen_from = rows[0].time + document.history_seconds() if rows else None
    return {
        "judged": len(rows),
        "first": rows[0].time if rows else None,
        "last": rows[-1].time if rows else None,
        "past_whole_from": seen_from,
        "outcomes": {outcome.value: count for outcome, count in sorted(whole.outcomes.items())},
        "unjudged": dict(sorted(kinds.items())),
    }


def _rules(whole: Tally) -> Sequence[str]:
    """In the engine's order, its own findings last."""
    return [*NEEDS, *sorted({rule for rule, _ in whole.by_rule} - NEEDS.keys())]


def _rule(name: str, whole: Tally) -> dict[str, Any]:
    counts = {verdict: whole.by_rule[name, verdict] for verdict in (*VERDICTS, NOT_EVALUABLE)}
    lacks = sorted(known.value for rule, known in whole.lacking if rule == name)
    return {"rule": name, **{key.replace(" ", "_"): count for key, count in counts.items()}, "for_want_of": lacks}


def _moving(whole: Tally) -> Sequence[tuple[str, TokenId]]:
    return sorted({(name, token) for name, token, _ in whole.moved})


def _moved(name: str, token: TokenId, whole: Tally, document: PolicyDocument) -> dict[str, Any]:
    units = {verdict: whole.moved[name, token, Verdict(verdict)] for verdict in VERDICTS}
    known = document.token(token)
    decimals = known.decimals if known else 0
    words = {verdict: format_units(each, decimals) for verdict, each in units.items()}
    return {"class": name, "token": token, "units": units, "amounts": words}


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "class": fill.bucket_class,
        "token": fill.token,
        "bps": fill.bps,
        "measured": fill.measured,
        "limit": fill.limit,
    }


def _months(whole: Tally) -> list[dict[str, Any]]:
    """Rows by verdict, and how full each cap was at most, in basis points."""
    names = sorted({month for month, _ in whole.months})
    levels: dict[str, dict[str, int]] = {month: {} for month in names}
    for (month, name, token), bps in sorted(whole.levels.items()):
        levels[month][f"{name} {token}"] = bps
    return [
        {
            "month": month,
            "verdicts": {verdict: whole.months[month, Verdict(verdict)] for verdict in VERDICTS},
            "levels": levels[month],
        }
        for month in names
    ]
