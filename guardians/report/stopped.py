"""Who stopped the agent and what ended it: every pause, fall, new key and new mark in words."""

from __future__ import annotations

from guardians.report.breaker import Happening
from guardians.report.contents import Contents
from guardians.report.markup import Markup, tag
from guardians.report.naming import moment
from guardians.report.plainly import usd
from strongroom.model import Address
from strongroom.protocols.breaker import BreakerEvent, Observed, Paused, Rebased, Recovered, Rekeyed, Tripped


def stopped(happening: Happening, contents: Contents) -> Markup:
    """One of them, as it stands between the asks."""
    title, more = _told(happening.event, contents)
    where = f" block {happening.block}"
    return tag(
        "article",
        tag("header", tag("p", "On chain"), tag("p", moment(happening.at), class_="quiet"), class_="asked"),
        tag(
            "div",
            tag("h3", title),
            tag("p", more) if more else None,
            tag("p", tag("span", happening.tx_hash, class_="hash"), where, class_="quiet"),
        ),
        class_="plan stop",
    )


def _told(event: BreakerEvent, contents: Contents) -> tuple[str, str]:
    """A title, and what it means."""
    if isinstance(event, Rekeyed):
        return (
            f"Re-keyed: {event.new_agent} is the agent",
            f"The owners announced it. {event.old_agent} is burned for ever, and the Kernel lives again.",
        )
    if isinstance(event, Rebased):
        return f"New mark of the watch: {usd(event.mark_e8)}", "Losses count from what the Safe then held."
    by = named(event.by, contents)
    if isinstance(event, Paused) and event.at_limit:
        return "The Kernel paused itself: a limit was reached", f"{by} called it then. {_NOTHING_MOVES}"
    if isinstance(event, Paused):
        return f"Paused by {by}", _NOTHING_MOVES
    counted = f"The watch counted {usd(event.wealth_e8)}; its floor was {usd(event.floor_e8)}."
    if isinstance(event, Tripped):
        return f"Tripped by {by}: the Kernel is paused", f"{counted} {_NOTHING_MOVES}"
    if isinstance(event, Observed):
        return f"A fall observed by {by}", f"{counted} A second call, some blocks later, pauses the Kernel."
    assert isinstance(event, Recovered)
    return f"The fall is over, observed by {by}", counted


_NOTHING_MOVES = "From then on the agent's key moves nothing, until the owners re-key."


def named(address: Address, contents: Contents) -> str:
    """The address with its role now, so far as chain and policy tell one."""
    facts, document = contents.facts, contents.document
    if facts and address in facts.safe.owners:
        return f"guardian {address}, an owner"
    if address in document.kernel.pause_only:
        return f"guardian {address}, who can pause only"
    if facts and facts.kernel and address == facts.kernel.agent:
        return f"the agent's own key {address}"
    return f"{address}, who has no role"
