"""Announced changes of who commands the Safe, as the owners' guard has them now: what, from when, until when, and who
has vetoed. Whoever may veto must be able to see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strongroom.chain.answers import reading, to_block, to_bytes
from strongroom.chain.logs import read_logs
from strongroom.errors import BadValue, NodeRefused, NotDeployed, NotPending
from strongroom.model import NATIVE, Address, Block, Digest
from strongroom.ports import Chain
from strongroom.protocols.owner_guard import AnnouncedChange, GuardState, announced_read, guard_from, guard_reads
from strongroom.protocols.owner_guard_events import (
    GUARD_TOPICS,
    ChangeAnnounced,
    ChangeVetoed,
    GuardEvent,
    decode_guard_event,
)
from strongroom.protocols.safe_changes import Change, read_change
from strongroom.wallet.deploy import require_code

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport

_NARROWEST_SPAN = 1_000
_MOST_REQUESTS = 64


@dataclass(frozen=True, slots=True)
class Pending:
    """A change in force: neither made, nor vetoed, nor expired. `vetoed_by`: who has vetoed this announcement of it."""

    change: Digest
    call: bytes
    standing: AnnouncedChange
    vetoed_by: tuple[Address, ...]

    @property
    def meaning(self) -> Change:
        return read_change(self.call)

    def is_ready(self, at: int) -> bool:
        """Whether the Safe may make it at this block time."""
        return self.standing.ready_at <= at <= self.standing.expires_at


def find_guard(chain: Chain, safe: Address, guard: Address, block: Block) -> GuardState | None:
    """The owners' guard in the Safe's guard slot; `None` when there is none, when its code is not the one we ship, and
    when it was made for another Safe. Raises `NodeError`."""
    if guard == NATIVE:
        return None
    try:
        require_code("OwnerGuard", chain.code(guard, block), guard)
    except NotDeployed:
        return None
    state = guard_from(guard, chain.read(guard_reads(guard), block))
    return state if state and state.safe == safe else None


def announced_changes(chain: Chain, node: Transport, guard: GuardState, block: Block) -> tuple[Pending, ...] | None:
    """Every change in force at `block`, in the order in which they can be made; a removal of the guard itself is in
    `guard`. `None` from a node that shows no event logs, or none far enough back to be sure: unknown is not none.
    Raises `NodeUnreachable`."""
    events = _events(node, guard, block)
    if events is None:
        return None
    # The newest announcement of a change is last: it takes the place of those before it.
    told = {each.change: each for each in events if isinstance(each, ChangeAnnounced)}
    found = chain.read([announced_read(guard.address, change) for change in told], block)
    standing = {change: each for change, each in zip(told, found, strict=True) if each is not None}
    pending = (Pending(each, told[each].call, standing[each], _vetoers(each, events)) for each in standing)
    return tuple(sorted(pending, key=lambda each: (each.standing.ready_at, each.standing.serial)))


@dataclass(frozen=True, slots=True)
class Announced:
    """What is announced at a Safe's guard. `guard` is there when it is ours, `foreign` when another stands in its
    place; `pending` is missing where it cannot be known."""

    guard: GuardState | None
    foreign: Address | None
    pending: tuple[Pending, ...] | None


def read_announced(chain: Chain, node: Transport, safe: Address, guard: Address, block: Block) -> Announced:
    """`guard` is what the Safe's slot holds. Raises `NodeError`."""
    found = find_guard(chain, safe, guard, block)
    foreign = guard if found is None and guard != NATIVE else None
    return Announced(found, foreign, announced_changes(chain, node, found, block) if found else ())


def _events(node: Transport, guard: GuardState, block: Block) -> list[GuardEvent] | None:
    wanted = {"address": guard.address, "topics": [list(GUARD_TOPICS)]}
    try:
        logs, first_block = read_logs(node, wanted, 0, block, _MOST_REQUESTS, _NARROWEST_SPAN)
        oldest = block.timestamp - guard.delay_seconds - guard.window_seconds
        if first_block and _time(node, first_block) >= oldest:
            return None
        with reading("eth_getLogs"):
            return [decode_guard_event(log["topics"], to_bytes(log["data"])) for log in logs]
    except NodeRefused:
        return None


def _time(node: Transport, number: int) -> int:
    header = node.ask("eth_getBlockByNumber", hex(number), False)
    with reading("eth_getBlockByNumber"):
        return to_block(header).timestamp


def _vetoers(change: Digest, events: Sequence[GuardEvent]) -> tuple[Address, ...]:
    """Of the newest announcement: a veto of an earlier one does not count any more."""
    vetoers: list[Address] = []
    for event in events:
        if isinstance(event, ChangeAnnounced) and event.change == change:
            vetoers = []
        elif isinstance(event, ChangeVetoed) and event.change == change:
            vetoers.append(event.owner)
    return tuple(vetoers)


def find_pending(pending: Iterable[Pending], named: Digest | Change) -> Pending:
    """The change that a guardian names by its hash or by what it does. Raises `NotPending`, or `BadValue` where two in
    force do the same."""
    found = [each for each in pending if named in (each.change, each.meaning)]
    if not found:
        raise NotPending(str(named))
    if len(found) > 1:
        raise BadValue(str(named), "one change", "several announced ones do this; name one by its hash")
    return found[0]


def pending_data(each: Pending, at: int) -> Mapping[str, Any]:
    """One change for machines; times are Unix seconds by the chain's clock."""
    standing = each.standing
    return {
        "change": each.change,
        "call": "0x" + each.call.hex(),
        "does": str(each.meaning),
        "ready_at": standing.ready_at,
        "expires_at": standing.expires_at,
        "is_ready": each.is_ready(at),
        "vetoes": standing.vetoes,
        "needed": standing.needed,
        "vetoed_by": list(each.vetoed_by),
        "cannot_veto": None if standing.subject == NATIVE else standing.subject,
    }
