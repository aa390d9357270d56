"""What happened and why: every ask, and under it every unit with its amounts, findings, approvals and transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from guardians.report.contents import Contents
from guardians.report.findings import findings
from guardians.report.markup import Markup, join, tag
from guardians.report.plainly import amount, machine_time, mapping, mappings, number, text, when
from guardians.report.story import Asked, Fate, Told
from policies.terms import PolicyDocument
from strongroom.model import TokenId

_MINUS = "\N{MINUS SIGN}"


def happened(contents: Contents) -> Markup:
    """The section, oldest ask first."""
    if not contents.asks:
        return tag("p", "Nothing was asked for in this time.", class_="quiet")
    return join(_asked(each, contents.document) for each in contents.asks)


def moment(at: int) -> Markup:
    """A time for people and for machines."""
    return tag("time", when(at), datetime=machine_time(at))


def _asked(asked: Asked, document: PolicyDocument) -> Markup:
    block = mapping(asked.facts.get("block"))
    seen = f"seen at block {number(block.get('number'))}" if block else ""
    return tag(
        "article",
        tag("header", tag("p", who(asked.actor)), tag("p", moment(asked.at), class_="quiet"), class_="asked"),
        tag(
            "div",
            tag("h3", asked.rationale or "No plan was made"),
            tag("p", seen, class_="quiet") if seen else None,
            tag("p", f"It failed: {asked.failed}", class_="note") if asked.failed else None,
            _nothing(asked),
            (_unit(unit, asked, document) for unit in asked.units),
        ),
        class_="plan",
        id=f"ask-{asked.index}",
    )


def who(actor: str) -> str:
    """`job:payroll` and `operator:ana` in words; anything else as it stands."""
    kind, _, name = actor.partition(":")
    words = {"job": "Scheduled job", "operator": "Operator"}
    return f"{words[kind]} {name}" if kind in words and name else actor or "Nobody is named"


def _nothing(asked: Asked) -> Iterator[Markup]:
    if not asked.planned and not asked.failed:
        yield tag("p", "Nothing had to be done.", class_="quiet")
    for name in asked.untouched:
        yield tag("p", f"{name} was under way or done already, and was left alone.", class_="quiet")


def _unit(unit: Told, asked: Asked, document: PolicyDocument) -> Markup:
    tokens = mapping(asked.facts.get("tokens"))
    return tag(
        "section",
        tag("h4", tag("span", unit.id, class_="id"), " ", _badge(unit.fate)),
        _wanted(unit, tokens),
        tag("p", _told(unit)),
        _facts(unit, tokens, document),
        findings(unit),
        class_="unit",
    )


def _badge(fate: Fate) -> Markup:
    kind = {Fate.EXECUTED: "done", Fate.DENIED: "stopped", Fate.REVERTED: "stopped"}.get(fate, "open")
    return tag("span", fate, class_=f"badge {kind}")


def _wanted(unit: Told, tokens: Mapping[str, Any]) -> Markup:
    """The intents; a reason that all of several share is told once."""
    reasons = [text(mapping(each.get("reason")).get("value")) for each in unit.intents]
    shared = reasons[0] if len(reasons) > 1 and len(set(reasons)) == 1 else ""
    lines = (
        tag("li", *_intent(each, tokens), tag("span", f" {reason}", class_="reason") if reason != shared else None)
        for each, reason in zip(unit.intents, reasons, strict=True)
    )
    return join(tag("ul", lines, class_="intents"), tag("p", shared, class_="quiet") if shared else None)


def _intent(intent: Mapping[str, Any], tokens: Mapping[str, Any]) -> Iterator[Markup | str]:
    value = {key: mapping(each).get("value") for key, each in intent.items()}
    kind = text(intent.get("kind"))
    if kind == "Pay":
        yield join("Pay ", tag("strong", amount(value.get("token"), value.get("amount_units"), tokens)))
        yield join(" to ", tag("strong", text(value.get("payee")) or "nobody named"))
    elif kind == "Swap":
        yield join("Sell ", tag("strong", amount(value.get("token_in"), value.get("amount_in_units"), tokens)))
        yield join(" for ", tag("strong", text(value.get("token_out")) or "an unnamed token"))
    elif kind == "Supply":
        yield join("Lend ", tag("strong", amount(value.get("token"), value.get("amount_units"), tokens)))
        yield join(" at ", tag("strong", text(value.get("venue")) or "no named venue"))
    elif kind == "Withdraw":
        yield join("Take ", tag("strong", amount(value.get("token"), value.get("amount_units"), tokens)))
        yield join(" back from ", tag("strong", text(value.get("venue")) or "no named venue"))
    else:
        yield f"{kind or 'An unnamed intent'} "
        yield from _other(value, tokens)


def _other(value: Mapping[str, Any], tokens: Mapping[str, Any]) -> Iterator[Markup | str]:
    """An intent of a kind that this page has no words for: its amount, and what else it names."""
    if "amount_units" in value and "token" in value:
        yield tag("strong", amount(value["token"], value["amount_units"], tokens))
    spoken = ("token", "amount_units", "reason")
    named = (f" {key} {each}" for key, each in value.items() if each is not None and key not in spoken)
    yield ",".join(named)


def _told(unit: Told) -> str:
    """One sentence on who decided, and how it ended."""
    needed = number(unit.decision.get("approvals_needed")) or 0
    lane = {"agent": "The agent's key sent it alone, within what the Kernel enforces.", "owner": ""}.get(unit.lane, "")
    match unit.fate:
        case Fate.EXECUTED | Fate.REVERTED | Fate.SENT if unit.lane == "owner":
            return f"{_count(len(unit.signed), 'guardian')} signed it" + (f", {needed} were asked." if needed else ".")
        case Fate.EXECUTED | Fate.REVERTED | Fate.SENT:
            return lane
        case Fate.DENIED:
            return "The policy denied it. Nothing was signed or sent after that."
        case Fate.WAITING:
            return f"It waits for guardians at nonce {unit.nonce}; {_count(len(unit.signed), 'signature')} so far."
        case Fate.JUDGED if unit.mode == "shadow":
            return "Shadow mode: it was rehearsed and judged, and nothing was signed."
        case Fate.JUDGED:
            return "It was rehearsed and judged, and went no further."
        case Fate.DROPPED:
            return f"It was not sent: {unit.why or 'no reason is recorded'}."
        case Fate.REPLACED:
            return "Another transaction used its nonce; this one can never execute."
    return "It did not go further than this."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _facts(unit: Told, tokens: Mapping[str, Any], document: PolicyDocument) -> Markup | None:
    pairs = list(_pairs(unit, tokens, document))
    if not pairs:
        return None
    return tag("dl", ((tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def _pairs(unit: Told, tokens: Mapping[str, Any], document: PolicyDocument) -> Iterator[tuple[str, Markup | str]]:
    if unit.decision:
        yield "Verdict", _verdict(unit)
    if unit.mined:
        yield "Moved", _moved(unit, tokens, document)
    elif unit.fate is not Fate.DENIED and mappings(unit.outcome.get("deltas")):
        yield "Rehearsed", _deltas(mappings(unit.outcome.get("deltas")), tokens, document)
    if unit.outcome.get("success") is False:
        yield "Rehearsal", f"fails: {text(unit.outcome.get('revert')) or 'no reason is given'}"
    if unit.signed:
        yield "Signed by", tag("ul", (tag("li", each, class_="hash") for each in unit.signed))
    if unit.proposal:
        yield "Safe transaction", join(f"nonce {unit.nonce} ", tag("span", unit.proposal, class_="hash"))
    if unit.tx_hash:
        block = number(unit.mined.get("block"))
        where = "" if block is None else f" block {block}, {number(unit.mined.get('gas_used')) or 0:,} gas"
        yield "Transaction", join(tag("span", unit.tx_hash, class_="hash"), where)
    if unit.entries:
        yield "In the log", join(_links(unit.entries))


def _verdict(unit: Told) -> str:
    verdict, needed = text(unit.decision.get("verdict")), number(unit.decision.get("approvals_needed")) or 0
    words = {"allow": "allowed", "deny": "denied", "delay": "allowed after a delay"}
    return f"{_count(needed, 'guardian')} must sign" if verdict == "ask" else words.get(verdict, "unreadable")


def _links(entries: Sequence[int]) -> Iterator[Markup | str]:
    for place, index in enumerate(entries):
        yield ", " if place else ""
        yield tag("a", str(index), href=f"#entry-{index}")


def _moved(unit: Told, tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    deltas = mappings(unit.mined.get("deltas"))
    same = unit.mined.get("as_rehearsed")
    note = None
    if isinstance(same, bool):
        words = _as_rehearsed(deltas, document) if same else "NOT as rehearsed."
        note = tag("p", words, class_="quiet" if same else "note")
    return join(_deltas(deltas, tokens, document), note)


def _as_rehearsed(deltas: Iterable[Mapping[str, Any]], document: PolicyDocument) -> str:
    if any(each.get("token") in document.shares() for each in deltas):
        return "Every balance moved as rehearsed, beside the interest that what is lent earned meanwhile."
    return "Every balance moved exactly as rehearsed."


def _deltas(deltas: Iterable[Mapping[str, Any]], tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    """The Safe's own balances, and everybody else's folded up beneath."""
    listed = list(deltas)
    own = [each for each in listed if each.get("holder") == document.account.safe]
    others = [each for each in listed if each not in own]
    folded = tag("details", tag("summary", _count(len(others), "other balance")), _lines(others, tokens, document))
    return join(_lines(own, tokens, document), folded if others else None)


def _lines(deltas: Iterable[Mapping[str, Any]], tokens: Mapping[str, Any], document: PolicyDocument) -> Markup:
    return tag("ul", (tag("li", *_line(each, tokens, document)) for each in deltas), class_="deltas")


def _line(delta: Mapping[str, Any], tokens: Mapping[str, Any], document: PolicyDocument) -> tuple[Markup, str]:
    """A share reads as its token, with where that is lent."""
    token, whose = text(delta.get("token")), holder(delta.get("holder"), document)
    market, reserve = document.shares().get(TokenId(token), (None, None))
    if market is not None and reserve is not None:
        token, whose = reserve.token, f"{whose}, lent at {market.id}"
    return tag("span", _signed_amount(token, delta.get("units"), tokens), class_="figure"), f" {whose}"


def _signed_amount(token: str, moved: Any, tokens: Mapping[str, Any]) -> str:
    units = number(moved)
    shown = amount(token, units, tokens)
    return f"+{shown}" if units is not None and units > 0 else shown.replace("-", _MINUS, 1)


def holder(address: Any, document: PolicyDocument) -> str:
    """An address by the name that the policy gives it."""
    if address == document.account.safe:
        return "the Safe"
    payee = document.payee_at(address) if isinstance(address, str) else None  # type: ignore[arg-type]
    return payee.id if payee else text(address) or "nobody named"
