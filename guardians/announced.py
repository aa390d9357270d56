"""What the Safe has announced to a contract of ours, as the chain has it now: what, from when, until when, and who has
vetoed. Owners' guard and Kernel announce, count and veto alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strongroom.chain.answers import reading, to_block, to_bytes
from strongroom.chain.logs import read_logs
from strongroom.errors import BadValue, NodeRefused, NotPending
from strongroom.model import NATIVE, Address, Block, Digest
from strongroom.ports import Chain, Read
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.protocols.owner_guard import AnnouncedChange
from strongroom.protocols.owner_guard_events import (
    CHANGE_TOPICS,
    ChangeAnnounced,
    ChangeVetoed,
    GuardEvent,
    decode_guard_event,
)
from strongroom.protocols.safe_changes import Change

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport

_NARROWEST_SPAN = 1_000
_MOST_REQUESTS = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A contract that takes changes only announced. `longest_seconds`: from an announcement until it expires."""

    address: Address
    longest_seconds: int
    standing_read: Callable[[Address, Digest], Read[AnnouncedChange | None]]
    read_meaning: Callable[[bytes], Change | KernelChange]


@dataclass(frozen=True, slots=True)
class Pending:
    """A change in force at the contract `at`: neither made, nor vetoed, voided or expired. `vetoed_by`: who has vetoed
    this announcement of it."""

    at: Address
    change: Digest
    call: bytes
    meaning: Change | KernelChange
    standing: AnnouncedChange
    vetoed_by: tuple[Address, ...]

    @property
    def is_vetoable(self) -> bool:
        """Whether anybody's veto can end it; a re-key's cannot."""
        return self.standing.needed > 0

    def is_ready(self, at: int) -> bool:
        """Whether it may be made at this block time."""
        return self.standing.ready_at <= at <= self.standing.expires_at


def pending_at(chain: Chain, node: Transport, place: Place, block: Block) -> tuple[Pending, ...] | None:
    """Every change in force there at `block`, in the order in which they can be made. `None` from a node that shows no
    event logs, or none far enough back to be sure: unknown is not none. Raises `NodeUnreachable`."""
    events = _events(node, place, block)
    if events is None:
        return None
    # The newest announcement of a change is last: it takes the place of those before it.
    told = {each.change: each.call for each in events if isinstance(each, ChangeAnnounced)}
    found = chain.read([place.standing_read(place.address, change) for change in told], block)
    pending = [
        Pending(place.address, change, call, place.read_meaning(call), standing, _vetoers(change, events))
        for (change, call), standing in zip(told.items(), found, strict=True)
        if standing is not None
    ]
    return tuple(sorted(pending, key=lambda each: (each.standing.ready_at, each.standing.serial)))


def _events(node: Transport, place: Place, block: Block) -> list[GuardEvent] | None:
    wanted = {"address": place.address, "topics": [list(CHANGE_TOPICS)]}
    try:
        logs, first_block = read_logs(node, wanted, 0, block, _MOST_REQUESTS, _NARROWEST_SPAN)
        if first_block and _time(node, first_block) >= block.timestamp - place.longest_seconds:
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


def find_pending(pending: Iterable[Pending], named: Digest | Change | KernelChange) -> tuple[Pending, ...]:
    """What a guardian names by its hash or by what it does: one change, announced at one place or, where somebody
    wants to confuse, the same bytes at two. Raises `NotPending`, or `BadValue` where two changes do the same."""
    found = tuple(each for each in pending if str(named) in (each.change, str(each.meaning)))
    if not found:
        raise NotPending(str(named))
    if len({each.change for each in found}) > 1:
        raise BadValue(str(named), "one change", "several announced ones do this; name one by its hash")
    return found


def pending_data(each: Pending, at: int) -> Mapping[str, Any]:
    """One change for machines; times are Unix seconds by the chain's clock."""
    standing = each.standing
    return {
        "at": each.at,
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
