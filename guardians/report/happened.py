"""What happened and why: every ask, and under it every unit with its amounts, findings, approvals and transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardians.report.asked import whom
from guardians.report.chain import Seen
from guardians.report.contents import Contents
from guardians.report.findings import findings
from guardians.report.markup import Markup, join, tag
from guardians.report.moved import balances, measured
from guardians.report.naming import moment
from guardians.report.plainly import amount, counted, mapping, mappings, number, text, when
from guardians.report.stopped import stopped
from guardians.report.story import Asked, Fate, Told
from guardians.runs import loud_words
from policies.terms import PolicyDocument

CLOCKS_AGREE_SECONDS = 900


def happened(contents: Contents) -> Markup:
    """The section: asks oldest first, and between them what the chain says of pauses, falls and keys."""
    nothing = tag("p", "Nothing was asked for in this time.", class_="quiet")
    return join(_announced(contents), _unread(contents), None if contents.asks else nothing, _in_order(contents))


def _announced(contents: Contents) -> Markup | None:
    """What may still be vetoed comes first: it does not wait for anybody to read so far."""
    if not isinstance(contents.chain, Seen) or not contents.chain.facts.announced:
        return None
    facts, document = contents.chain.facts, contents.document
    lines = (tag("li", loud_words(each, document, facts.block.timestamp)) for each in facts.announced)
    return tag("div", tag("p", "On chain, the agent's key has announced:"), tag("ul", lines), class_="note")


def _unread(contents: Contents) -> Markup | None:
    """What of pauses and falls cannot be told, where there is a Kernel that could be paused."""
    if not isinstance(contents.chain, Seen) or contents.treasury.kernel is None:
        return None
    if contents.chain.breaker is None:
        return tag("p", "The node gives no event logs: pauses, falls and new keys are not told here.", class_="note")
    if first := contents.chain.breaker.first_block:
        return tag("p", f"Pauses, falls and new keys are told from block {first} on.", class_="note")
    return None


def _in_order(contents: Contents) -> Iterator[Markup]:
    """By the blocks that asks saw; one that saw none stays behind the ask before it."""
    left = list(contents.breaker)
    for asked in contents.asks:
        seen = number(mapping(asked.facts.get("block")).get("number"))
        while left and seen is not None and left[0].block < seen:
            yield stopped(left.pop(0), contents)
        yield _asked(asked, contents.document)
    yield from (stopped(each, contents) for each in left)


def _asked(asked: Asked, document: PolicyDocument) -> Markup:
    block = mapping(asked.facts.get("block"))
    seen = f"seen at block {number(block.get('number'))}{_chain_time(block, asked.at)}" if block else ""
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


def _chain_time(block: Mapping[str, Any], at: int) -> str:
    """The block's own time, where it is not that of the ask: on a local world, or from a node that lags."""
    timestamp = number(block.get("timestamp"))
    return "" if timestamp is None or abs(timestamp - at) < CLOCKS_AGREE_SECONDS else f", chain time {when(timestamp)}"


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
        tag("p", told(unit)),
        _facts(unit, tokens, document),
        findings(unit),
        class_="unit",
    )


def _badge(fate: Fate) -> Markup:
    ended = (Fate.DENIED, Fate.REJECTED, Fate.REVERTED, Fate.VETOED)
    kind = "done" if fate is Fate.EXECUTED else "stopped" if fate in ended else "open"
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


def told(unit: Told) -> str:
    """One sentence on who decided, and how it ended."""
    if unit.is_denied or unit.fate in (Fate.ANNOUNCED, Fate.VETOED):
        return _denied(unit) if unit.is_denied else _shown_first(unit)
    needed = number(unit.decision.get("approvals_needed")) or 0
    lane = {"agent": "The agent's key sent it alone, within what the Kernel enforces.", "owner": ""}.get(unit.lane, "")
    match unit.fate:
        case Fate.EXECUTED | Fate.REVERTED | Fate.SENT if unit.lane == "owner":
            return f"{counted(len(unit.signed), 'guardian')} signed it" + (f", {needed} were asked." if needed else ".")
        case Fate.EXECUTED | Fate.REVERTED | Fate.SENT:
            return lane
        case Fate.REJECTED:
            return f"Guardians rejected it: they used up nonce {unit.nonce} themselves, and it can never execute."
        case Fate.WAITING:
            return f"It waits for guardians at nonce {unit.nonce}; {counted(len(unit.signed), 'signature')} so far."
        case Fate.JUDGED if unit.mode == "shadow":
            return "Shadow mode: it was rehearsed and judged, and nothing was signed."
        case Fate.JUDGED:
            return "It was rehearsed and judged, and went no further."
        case Fate.DROPPED:
            return f"It was not sent: {unit.why or 'no reason is recorded'}."
        case Fate.REPLACED:
            return "Another transaction used its nonce; this one can never execute."
    return "It did not go further than this."


def _shown_first(unit: Told) -> str:
    if unit.fate is Fate.VETOED:
        return f"It was announced, and {unit.vetoed_by or 'a guardian'} vetoed it: nothing was paid."
    first, last = (number(unit.announced.get(each)) or 0 for each in ("ready_at", "expires_at"))
    run = text(unit.announced.get("id"))
    return f"It is announced as run {run}: made between {when(first)} and {when(last)}, unless somebody vetoes it."


def _denied(unit: Told) -> str:
    """What was proposed before the denial is rejected in the Safe; nothing else is ever signed."""
    if unit.fate is Fate.WAITING:
        return f"The policy denied it; its rejection waits for guardians at nonce {unit.nonce}."
    if unit.mined:
        return "The policy denied it. Guardians signed its rejection, which used up its nonce and moved nothing."
    return "The policy denied it. Nothing was signed or sent after that."


def _facts(unit: Told, tokens: Mapping[str, Any], document: PolicyDocument) -> Markup | None:
    pairs = list(_pairs(unit, tokens, document))
    if not pairs:
        return None
    return tag("dl", ((tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def _pairs(unit: Told, tokens: Mapping[str, Any], document: PolicyDocument) -> Iterator[tuple[str, Markup | str]]:
    if unit.decision:
        yield "Verdict", _verdict(unit, document)
    if unit.mined and unit.fate is not Fate.DENIED:
        yield "Moved", measured(unit.mined, tokens, document)
    elif unit.fate is not Fate.DENIED and mappings(unit.outcome.get("deltas")):
        yield "Rehearsed", balances(mappings(unit.outcome.get("deltas")), tokens, document)
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


def _verdict(unit: Told, document: PolicyDocument) -> str:
    verdict, needed = text(unit.decision.get("verdict")), number(unit.decision.get("approvals_needed")) or 0
    words = {"allow": "allowed", "deny": "denied", "delay": "allowed after a delay"}
    asked = f"{counted(needed, 'guardian')} must sign{whom(unit.decision, document)}"
    return asked if verdict == "ask" else words.get(verdict, "unreadable")


def _links(entries: Sequence[int]) -> Iterator[Markup | str]:
    for place, index in enumerate(entries):
        yield ", " if place else ""
        yield tag("a", str(index), href=f"#entry-{index}")
