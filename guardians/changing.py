"""Whether a proposal is about who commands a Safe under the owners' guard: what it announces, takes back or makes, and
what speaks against signing it.

The policy's engine denies every one of them: the agent never proposes any. A guardian may sign one all the same, once
the guard has, or gets, the last word on it, and the guardian has named what it changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from guardians.changes import find_guard
from policies.effects import inner_calls
from policies.terms import PolicyDocument
from strongroom.errors import ChangeUnnamed, NotAnnounced, OtherChange, TooEarly, WouldRevert
from strongroom.model import Call, Digest, Facts, Operation, Rehearsal, SafeTx
from strongroom.ports import Chain
from strongroom.protocols.owner_guard import (
    AnnouncedChange,
    GuardState,
    announced_read,
    change_hash,
    decode_announce_change,
    decode_cancel_change,
    encode_announce_removal,
    encode_cancel_removal,
)
from strongroom.protocols.safe_changes import REMOVAL, Change, read_change
from strongroom.quantities import format_moment, format_seconds


class Deed(StrEnum):
    """What one call of a proposal does to a change."""

    ANNOUNCE = "announce"
    CANCEL = "cancel"
    MAKE = "make"


@dataclass(frozen=True, slots=True)
class Step:
    """One call. `meaning` is the change it is about, nothing where only its hash `change` is in the bytes. `ready_at`
    and `expires_at`: where that is announced already, Unix time; else zero. `standing`: its announcement in force; the
    guard's own removal has none, since nobody can veto that."""

    deed: Deed
    meaning: Change | None
    change: Digest | None
    ready_at: int = 0
    expires_at: int = 0
    standing: AnnouncedChange | None = None

    @property
    def is_removal(self) -> bool:
        return self.meaning == REMOVAL


@dataclass(frozen=True, slots=True)
class Changing:
    """The steps of a proposal, at block time `at`. `is_whole`: there is nothing else in it."""

    guard: GuardState
    steps: tuple[Step, ...]
    is_whole: bool
    at: int

    @property
    def to_be_named(self) -> tuple[Change, ...]:
        """What a guardian must know before signing; what only takes an announcement back harms nobody."""
        return tuple(each.meaning for each in self.steps if each.meaning and each.deed is not Deed.CANCEL)


def recognise_changing(chain: Chain, tx: SafeTx, document: PolicyDocument, facts: Facts) -> Changing | None:
    """What `tx` announces, takes back or makes; `None` when it does none of it, when its calls cannot be told apart,
    and where the Safe is not under a guard of ours. Raises `NodeError`."""
    guard = find_guard(chain, document.account.safe, facts.safe.guard, facts.block)
    if guard is None:
        return None
    try:
        calls = inner_calls(tx, document)
    except ValueError:
        return None
    found = [_step(call, guard, tx) for call in calls]
    steps = [step for step in found if step is not None]
    if not steps:
        return None
    is_whole = len(steps) == len(calls) and not any(call.value_wei for call in calls)
    standing = tuple(_with_standing(steps, chain, guard, facts))
    return Changing(guard, standing, is_whole, facts.block.timestamp)


def _step(call: Call, guard: GuardState, tx: SafeTx) -> Step | None:
    if call.to == guard.address:
        return _told_guard(call.data, guard)
    if call.to != tx.account.safe or not call.data:
        return None
    meaning = read_change(call.data)
    # Taken out in a batch, it is a change like any other for the guard, and one that cannot be announced.
    if meaning == REMOVAL and tx.operation is Operation.CALL:
        ready_at = guard.removal_ready_at
        return Step(Deed.MAKE, REMOVAL, None, ready_at, ready_at and ready_at + guard.window_seconds)
    return Step(Deed.MAKE, meaning, change_hash(call.data))


def _told_guard(data: bytes, guard: GuardState) -> Step | None:
    if data in (encode_announce_removal(), encode_cancel_removal()):
        deed = Deed.ANNOUNCE if data == encode_announce_removal() else Deed.CANCEL
        return Step(deed, REMOVAL, None)
    try:
        call = decode_announce_change(data)
        return Step(Deed.ANNOUNCE, read_change(call), change_hash(call))
    except ValueError:
        pass
    try:
        return Step(Deed.CANCEL, None, decode_cancel_change(data))
    except ValueError:
        return None


def _with_standing(steps: Sequence[Step], chain: Chain, guard: GuardState, facts: Facts) -> Iterable[Step]:
    named = [step.change for step in steps if step.change]
    reads = [announced_read(guard.address, change) for change in named]
    standing = dict(zip(named, chain.read(reads, facts.block), strict=True))
    for step in steps:
        found = standing.get(step.change) if step.change else None
        if found is None:
            yield step
        else:
            yield Step(step.deed, step.meaning, step.change, found.ready_at, found.expires_at, found)


def require_changeable(changing: Changing, proposal: Digest, rehearsal: Rehearsal) -> None:
    """What is made has been announced and is ready, and the guard lets all of it through. Raises `NotAnnounced`,
    `TooEarly` or `WouldRevert`."""
    for step in changing.steps:
        if step.deed is not Deed.MAKE:
            continue
        if not step.ready_at:
            raise NotAnnounced(proposal, typed(step), wait(changing.guard, step))
        if changing.at < step.ready_at:
            raise TooEarly(proposal, typed(step), format_moment(step.ready_at))
    if not rehearsal.success:
        raise WouldRevert(proposal, rehearsal.revert)


def require_named(
    to_be_named: Iterable[object], proposal: Digest, named: Iterable[object], whose: str = "who commands the Safe"
) -> None:
    """The guardian has named exactly what is changed, in any order and as people type it; `whose` change it is. Raises
    `OtherChange` or `ChangeUnnamed`."""
    found, known = Counter(map(str, to_be_named)), Counter(map(str, named))
    unknown, strange = found - known, known - found
    if strange:
        raise OtherChange(proposal, ", ".join(found) or "no change that needs a name", ", ".join(strange))
    if unknown:
        raise ChangeUnnamed(proposal, unknown.total(), whose)


def typed(step: Step) -> str:
    """The change as people type it."""
    if step.is_removal:
        return "removeGuard()"
    return str(step.meaning) if step.meaning else str(step.change)


def wait(guard: GuardState, step: Step) -> str:
    """How long after its announcement this can be made."""
    return format_seconds(guard.delay_seconds * (2 if step.is_removal else 1))
