"""What the chain's event logs say of the breaker and of the owners' guard: every pause, fall, new key and new mark, and
every announced change of who commands the Safe, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strongroom.chain.answers import reading, to_block, to_bytes
from strongroom.chain.logs import read_logs
from strongroom.errors import NodeRefused
from strongroom.model import Address, Block, Digest
from strongroom.protocols.breaker import TOPICS, BreakerEvent, Paused, decode_event
from strongroom.protocols.owner_guard_events import GUARD_TOPICS, GuardEvent, decode_guard_event

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport

_NARROWEST_SPAN = 1_000
"""Blocks; a node that refuses event logs even over so few has another reason than the width."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, in block `block` of time `at` (Unix seconds)."""

    event: BreakerEvent | GuardEvent
    block: int
    at: int
    tx_hash: Digest


@dataclass(frozen=True, slots=True)
class Story:
    """Happenings in the chain's order. Blocks before `first_block` were not looked at: the node would have had to be
    asked too often."""

    happenings: tuple[Happening, ...]
    first_block: int


def read_breaker(
    node: Transport,
    kernel: Address,
    watch: Address | None,
    block: Block,
    most_requests: int = 64,
    guard: Address | None = None,
) -> Story | None:
    """The events of Kernel, watch and owners' guard up to `block`; `None` from a node that gives no event logs. Raises
    `NodeUnreachable`."""
    topics = [*TOPICS, *(GUARD_TOPICS if guard else ())]
    wanted = {"address": [each for each in (kernel, watch, guard) if each], "topics": [topics]}
    try:
        logs, first_block = read_logs(node, wanted, 0, block, most_requests, _NARROWEST_SPAN)
        with reading("eth_getLogs"):
            return Story(tuple(_happenings(node, logs, watch, guard)), first_block)
    except NodeRefused:
        return None


def _happenings(
    node: Transport, logs: Sequence[Mapping[str, Any]], watch: Address | None, guard: Address | None
) -> Iterator[Happening]:
    """A trip is one happening: the pause that the watch then makes is left out."""
    hashes = list(dict.fromkeys(log["blockHash"] for log in logs))
    headers = node.ask_all([("eth_getBlockByHash", (each, False)) for each in hashes])
    blocks = {each.hash: each for each in map(to_block, headers)}
    for log in logs:
        event, block = _event(log, guard), blocks[log["blockHash"]]
        if event and not (isinstance(event, Paused) and event.by == watch):
            yield Happening(event, block.number, block.timestamp, Digest(log["transactionHash"]))


def _event(log: Mapping[str, Any], guard: Address | None) -> BreakerEvent | GuardEvent | None:
    """Kernel and guard share some topics: what the Kernel announces of itself is not told here."""
    topics, data = log["topics"], to_bytes(log["data"])
    if guard is not None and str(log["address"]).lower() == guard.lower():
        return decode_guard_event(topics, data)
    return None if guard is not None and topics[0] not in TOPICS else decode_event(topics, data)
