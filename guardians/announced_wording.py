"""What is announced at owners' guard and Kernel, in words: for who may veto it, and for who looks at something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardians.announced import Pending
from guardians.change_wording import change_words, removal_words
from guardians.changes import Announced
from guardians.kernel_wording import kernel_change_words
from policies.terms import PolicyDocument
from strongroom.model import Address
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.protocols.owner_guard import encode_veto
from strongroom.quantities import format_moment


def pending_words(each: Pending, document: PolicyDocument) -> str:
    """What it does, at the guard or at the Kernel."""
    if isinstance(each.meaning, KernelChange):
        return kernel_change_words(each.meaning, document)
    return change_words(each.meaning)


def pending_lines(each: Pending, at: int, vetoers: Sequence[Address], document: PolicyDocument) -> Iterator[str]:
    """One announced change in force, at block time `at`, and which of `vetoers` could still veto it, how."""
    standing = each.standing
    yield f"change {each.change}"
    yield f"  would {pending_words(each, document)}"
    yield f"  it can be made {_from(each, at)}, until {format_moment(standing.expires_at)}"
    if not each.is_vetoable:
        yield "  nobody can veto a re-key; while the Kernel is live, a pause voids it"
        return
    vetoed = f" ({', '.join(each.vetoed_by)})" if each.vetoed_by else ""
    yield f"  {standing.vetoes} of {standing.needed} vetoes{vetoed}"
    left = [owner for owner in vetoers if owner not in each.vetoed_by and owner != standing.subject]
    yield f"  may veto it: {', '.join(left) or 'nobody any more'}, each alone and at once:"
    yield f"    strongroom guardian veto {each.change} --keystore FILE"
    yield f"    or from any wallet: to {each.at}, data 0x{encode_veto(each.change).hex()}"


def _from(each: Pending, at: int) -> str:
    return "NOW" if each.is_ready(at) else f"from {format_moment(each.standing.ready_at)}"


def loud_lines(found: Announced, at: int, document: PolicyDocument) -> Iterator[str]:
    """One line for each announcement in force, for who looks at something else; nothing while there is none."""
    if found.guard and found.guard.removal_ready_at:
        yield removal_words(found.guard, at)
    if found.pending is None:
        yield _UNSEEN.format("owners' guard")
    if found.kernel_pending is None:
        yield _UNSEEN.format("Kernel")
    yield from (_loud_words(each, at, document) for each in (*(found.pending or ()), *(found.kernel_pending or ())))


_UNSEEN = "what is announced at the {} cannot be seen: the node shows too few event logs; ask another"


def _loud_words(each: Pending, at: int, document: PolicyDocument) -> str:
    when = "now" if each.is_ready(at) else _from(each, at)
    stops = f"`strongroom guardian veto {each.change}` stops it" if each.is_vetoable else "nobody can veto it"
    until = format_moment(each.standing.expires_at)
    return f"announced: {pending_words(each, document)}; it can be made {when}, until {until}; {stops}"
