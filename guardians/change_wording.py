"""Changes of who commands a Safe, in words: what each gives to whom, from when, until when, who may stop it."""

from __future__ import annotations

from collections.abc import Iterator

from guardians.changing import Changing, Deed, Step, wait
from strongroom.model import NATIVE
from strongroom.protocols.owner_guard import GuardState
from strongroom.protocols.safe_changes import Change
from strongroom.quantities import format_moment, format_seconds

_SHOWN_BYTES = 120


def change_words(change: Change) -> str:
    """What the change gives, and to whom."""
    if not change.function:
        shown = change.data[:_SHOWN_BYTES].hex() + ("..." if len(change.data) > _SHOWN_BYTES else "")
        return f"call the Safe's own function of unknown meaning 0x{shown}"
    one, two = map(str, (*change.arguments, "", "")[:2])
    if change.function == "setGuard" and one == NATIVE:
        return "take the owners' guard out: from then on every change of the Safe is made at once"
    return {
        "enableModule": f"enable the module {one}: it may then move all that the Safe holds, asking nobody",
        "disableModule": f"disable the module {one}",
        "addOwnerWithThreshold": f"make {one} an owner; {two} must then sign",
        "removeOwner": f"remove the owner {one}; {two} must then sign",
        "swapOwner": f"put {two} in the place of the owner {one}",
        "changeThreshold": f"make {one} the number of owners who must sign",
        "setGuard": f"put the guard {one} in the place of this one: it may refuse the owners everything, or nothing",
        "setModuleGuard": f"make {one} the guard of what modules do: it may refuse them everything",
        "setFallbackHandler": f"let {one} answer in the Safe's name, signatures of the Safe included",
    }[change.function]


def step_words(step: Step) -> str:
    """One call of a proposal."""
    if step.deed is Deed.CANCEL:
        what = "of the guard's removal" if step.is_removal else str(step.change)
        return f"take back the announcement {what}"
    assert step.meaning is not None
    return f"{'announce: ' if step.deed is Deed.ANNOUNCE else ''}{change_words(step.meaning)}"


def changing_lines(changing: Changing) -> Iterator[str]:
    """What a guardian must know before signing: when, until when, and who may veto."""
    yield f"  it is about who commands the Safe, under the owners' guard {changing.guard.address}:"
    for step in changing.steps:
        yield from (f"    {line}" for line in _terms(step, changing.guard))
    yield "    your policy has no say in this: compare each address with what you know from elsewhere than here"


def _terms(step: Step, guard: GuardState) -> Iterator[str]:
    window = format_seconds(guard.window_seconds)
    if step.deed is Deed.ANNOUNCE:
        yield f"executed, it lets the Safe do this {wait(guard, step)} later, for {window}, and not before"
        yield from (_UNVETOABLE if step.is_removal else _VETOABLE)
        if step.change:
            yield f"the change is {step.change}"
    elif step.deed is Deed.MAKE and step.ready_at:
        vetoes = f", {step.standing.vetoes} of {step.standing.needed} vetoes" if step.standing else ""
        when = f"from {format_moment(step.ready_at)} until {format_moment(step.expires_at)}"
        yield f"announced: it can be made {when}{vetoes}"
    elif step.deed is Deed.MAKE:
        yield f"NEVER ANNOUNCED: the guard refuses it; announced, it can be made {wait(guard, step)} later"


_VETOABLE = (
    "until it is made, each owner may veto it but one whom it removes; one veto ends it,",
    "and each time it is announced again after that it takes one veto more",
)
_UNVETOABLE = ("NOBODY CAN VETO THIS: who does not want it has that long to have it taken back, or to leave",)


def removal_words(guard: GuardState, at: int) -> str:
    """The announced removal of the guard itself."""
    ready, last = guard.removal_ready_at, guard.removal_ready_at + guard.window_seconds
    when = "NOW" if at >= ready else f"from {format_moment(ready)}"
    return f"the owners' guard itself can be taken out {when}, until {format_moment(last)}; nobody can veto that"
