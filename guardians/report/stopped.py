"""Who stopped the agent and what ended it, and who was to command the Safe: every pause, fall, new key, new mark and
announced change in words."""

from __future__ import annotations

from guardians.change_wording import change_words
from guardians.report.breaker import Happening
from guardians.report.contents import Contents
from guardians.report.markup import Markup, tag
from guardians.report.naming import moment
from guardians.report.plainly import usd
from strongroom.model import Address
from strongroom.protocols.breaker import BreakerEvent, Observed, Paused, Rebased, Recovered, Rekeyed, Tripped
from strongroom.protocols.owner_guard_events import (
    ChangeAnnounced,
    ChangeCancelled,
    ChangeMade,
    ChangeVetoed,
    GuardEvent,
    RemovalAnnounced,
    RemovalCancelled,
    Removed,
)
from strongroom.protocols.safe_changes import read_change
from strongroom.quantities import format_moment


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


def _told(event: BreakerEvent | GuardEvent, contents: Contents) -> tuple[str, str]:
    """A title, and what it means."""
    if isinstance(event, GuardEvent):
        return _guarded(event, contents)
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


def _guarded(event: GuardEvent, contents: Contents) -> tuple[str, str]:
    if isinstance(event, ChangeAnnounced):
        until = f"It could be made from {format_moment(event.ready_at)} until {format_moment(event.expires_at)}."
        takes = "one veto" if event.needed == 1 else f"{event.needed} vetoes"
        what = f"The owners announced that they would {change_words(read_change(event.call))}."
        return "A change of who commands the Safe was announced", f"{what} {until} It takes {takes} to stop it."
    if isinstance(event, ChangeVetoed):
        left = "It can no more be made" if event.vetoes == event.needed else f"{event.vetoes} of {event.needed} vetoes"
        return f"An announced change was vetoed by {named(event.owner, contents)}", f"Change {event.change}. {left}."
    if isinstance(event, ChangeCancelled):
        return "The owners took an announced change back", f"Change {event.change}."
    if isinstance(event, ChangeMade):
        return "An announced change of who commands the Safe was made", f"Change {event.change}."
    if isinstance(event, RemovalAnnounced):
        when = f"from {format_moment(event.ready_at)} until {format_moment(event.expires_at)}"
        return "The removal of the owners' guard was announced", f"It could be taken out {when}; nobody can veto that."
    if isinstance(event, RemovalCancelled):
        return "The owners keep their guard", "They took its announced removal back."
    assert isinstance(event, Removed)
    return "The owners' guard was taken out", "From then on every change of who commands the Safe is made at once."


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
