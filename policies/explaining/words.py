"""An explanation for people, line by line, and the same as plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from policies.explaining.counterfactuals import Amend, Amended, Change, Counterfactual, LeaveOut, Lower, Prospect, Wait
from policies.explaining.explanation import Explanation
from policies.explaining.margins import margin_words
from policies.explaining.parts import amount_of
from policies.explaining.search import token_of
from policies.terms import PolicyDocument
from policies.usd import written_usd
from strongroom.model import Intent, Pay, Supply, Swap, TokenId, Verdict
from strongroom.plain import to_plain
from strongroom.quantities import format_bps, format_seconds, format_units

_TO_BE = {Verdict.ALLOW: "to be allowed", Verdict.ASK: "to be asked about instead of denied"}
_NEITHER = "no smaller amount, no fewer intents and no later time was found to do"
_LAST_RESORT = "as a last resort people change policy.toml: "
_UNITS: Mapping[str, Callable[[int], str]] = {
    "bps": format_bps,
    "gas": "{:,} gas".format,
    "payments": "{:,}".format,
    "seconds": format_seconds,
    "USD": written_usd,
    "wei": lambda value: f"{format_units(value, 9)} gwei",
}
"""How a limit that counts no token is written."""


def explanation_data(explanation: Explanation, document: PolicyDocument) -> dict[str, Any]:
    """The decision as plain JSON, each finding with its `margin` in words, and `prospects` as docs/explain.md has
    them."""
    plain: dict[str, Any] = to_plain(explanation.decision)
    margins = map(margin_words, explanation.decision.findings)
    findings = [each | {"margin": margin} for each, margin in zip(plain["findings"], margins, strict=True)]
    prospects = [_prospect_data(each, explanation.intents, document) for each in explanation.prospects]
    return plain | {"findings": findings, "prospects": prospects}


def _prospect_data(prospect: Prospect, intents: Sequence[Intent], document: PolicyDocument) -> dict[str, Any]:
    ways = [
        {
            "change": to_plain(way.change),
            "verdict": str(way.verdict),
            "estimate": way.is_estimate,
            "words": change_words(way.change, intents, document),
        }
        for way in prospect.ways
    ]
    return {"verdict": str(prospect.verdict), "ways": ways, "why_none": prospect.why_none}


def prospect_lines(explanation: Explanation, document: PolicyDocument) -> Iterator[str]:
    """What would get the unit a better verdict; no line for an allow."""
    for prospect in explanation.prospects:
        yield f"{_TO_BE[prospect.verdict]}:"
        if prospect.why_none:
            yield f"  {_NEITHER}: {prospect.why_none}"
        for number, way in enumerate(prospect.ways):
            joined = "or " if number or prospect.why_none else ""
            yield f"  {joined}{_way(way, explanation.intents, document)}"


def _way(way: Counterfactual, intents: Sequence[Intent], document: PolicyDocument) -> str:
    estimate = " (by estimate; a new rehearsal decides)" if way.is_estimate else ""
    return change_words(way.change, intents, document) + estimate


def change_words(change: Change, intents: Sequence[Intent], document: PolicyDocument) -> str:
    """A change in a few words: `pay alice at most 12,000.00 USDC instead of 12,500.00 USDC`."""
    if isinstance(change, Lower):
        return _lower(change, intents[change.place], document)
    if isinstance(change, LeaveOut):
        return "leave out " + " and ".join(f"`{_intent(intents[place], document)}`" for place in change.places)
    if isinstance(change, Wait):
        when = format_second(change.until)
        return f"the same, planned anew, from {when} on, if nothing else moves and prices stay as fresh"
    assert isinstance(change, Amend)
    return _LAST_RESORT + " and ".join(_limit(each, document) for each in change.limits)


def _lower(change: Lower, intent: Intent, document: PolicyDocument) -> str:
    verb, whom = _verbs(intent)
    most, was = (_shown(change.token, units, document) for units in (change.units, change.from_units))
    if change.order:
        return f"{verb} {whom} exactly {most}, as standing order `{change.order}` says, instead of {was}"
    return f"{verb} {whom} at most {most} instead of {was}"


def _intent(intent: Intent, document: PolicyDocument) -> str:
    verb, whom = _verbs(intent)
    return f"{verb} {whom} {_shown(token_of(intent), amount_of(intent), document)}"


def _verbs(intent: Intent) -> tuple[str, str]:
    if isinstance(intent, Pay):
        return "pay", intent.payee.value
    if isinstance(intent, Swap):
        return "swap", f"to {intent.token_out.value}"
    return (
        ("supply", f"to {intent.venue.value}")
        if isinstance(intent, Supply)
        else (
            "withdraw",
            f"from {intent.venue.value}",
        )
    )


def _limit(limit: Amended, document: PolicyDocument) -> str:
    new, old = (_counted(limit.unit, each, document) for each in (limit.value, limit.from_value))
    return f"`{limit.key}` of [{limit.table}] from {old} to {new}"


def _counted(unit: str, value: int, document: PolicyDocument) -> str:
    if unit in _UNITS:
        return _UNITS[unit](value)
    return _shown(TokenId(unit), value, document)


def _shown(token: TokenId, units: int, document: PolicyDocument) -> str:
    known = document.token(token)
    return f"{format_units(units, known.decimals)} {token}" if known else f"{units} units of {token}"


def format_second(second: int) -> str:
    """To the second, because one earlier is too early: `2026-11-25 at 14:03:20 UTC`."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d at %H:%M:%S} UTC"
