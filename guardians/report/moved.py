"""What moved: the Safe's own balances first, everybody else's folded up beneath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardians.report.markup import Markup, join, tag
from guardians.report.naming import holder
from guardians.report.plainly import amount, counted, mappings, number, text
from policies.terms import PolicyDocument
from strongroom.model import TokenId

_MINUS = "\N{MINUS SIGN}"


def measured(mined: Mapping[str, Any], tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    """What a transaction really moved, and whether that is what was rehearsed."""
    deltas = mappings(mined.get("deltas"))
    same = mined.get("as_rehearsed")
    note = None
    if isinstance(same, bool):
        words = _as_rehearsed(deltas, document) if same else "NOT as rehearsed."
        note = tag("p", words, class_="quiet" if same else "note")
    return join(balances(deltas, tokens, document), note)


def _as_rehearsed(deltas: Iterable[Mapping[str, Any]], document: PolicyDocument) -> str:
    if any(each.get("token") in document.shares() for each in deltas):
        return "Every balance moved as rehearsed, beside the interest that what is lent earned meanwhile."
    return "Every balance moved exactly as rehearsed."


def balances(deltas: Iterable[Mapping[str, Any]], tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    """The Safe's own balances, and everybody else's folded up beneath."""
    listed = list(deltas)
    own = [each for each in listed if each.get("holder") == document.account.safe]
    others = [each for each in listed if each not in own]
    folded = tag("details", tag("summary", counted(len(others), "other balance")), _lines(others, tokens, document))
    return join(_lines(own, tokens, document), folded if others else None)


def _lines(deltas: Iterable[Mapping[str, Any]], tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    return tag("ul", (tag("li", *_line(each, tokens, document)) for each in deltas), class_="deltas")


def _line(delta: Mapping[str, Any], tokens: Mapping[str, Any], document: PolicyDocument) -> tuple[Markup, str]:
    """From whom or to whom. A share reads as its token, with where that is lent."""
    token, whose = text(delta.get("token")), holder(delta.get("holder"), document)
    market, reserve = document.shares().get(TokenId(token), (None, None))
    if market is not None and reserve is not None:
        token, whose = reserve.token, f"{market.id}, lent by {whose}"
    way = "from" if (number(delta.get("units")) or 0) < 0 else "to"
    return tag("span", _signed_amount(token, delta.get("units"), tokens), class_="figure"), f" {way} {whose}"


def _signed_amount(token: str, moved: Any, tokens: Mapping[str, Any]) -> str:
    units = number(moved)
    shown = amount(token, units, tokens)
    return f"+{shown}" if units is not None and units > 0 else shown.replace("-", _MINUS, 1)
