"""What the chain's event logs say of the breaker: every pause, fall, new key and new mark, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strongroom.chain.answers import reading, to_block, to_bytes
from strongroom.chain.logs import read_logs
from strongroom.errors import NodeRefused
from strongroom.model import Address, Block, Digest
from strongroom.protocols.breaker import TOPICS, BreakerEvent, Paused, decode_event

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport

_NARROWEST_SPAN = 1_000
"""Blocks; a node that refuses event logs even over so few has another reason than the width."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, in block `block` of time `at` (Unix seconds)."""

    event: BreakerEvent
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
    node: Transport, kernel: Address, watch: Address | None, block: Block, most_requests: int = 64
) -> Story | None:
    """The events of Kernel and watch up to `block`; `None` from a node that gives no event logs. Raises
    `NodeUnreachable`."""
    wanted = {"address": [kernel, *([watch] if watch else [])], "topics": [list(TOPICS)]}
    try:
        logs, first_block = read_logs(node, wanted, 0, block, most_requests, _NARROWEST_SPAN)
        with reading("eth_getLogs"):
            return Story(tuple(_happenings(node, logs, watch)), first_block)
    except NodeRefused:
        return None


def _happenings(node: Transport, logs: Sequence[Mapping[str, Any]], watch: Address | None) -> Iterator[Happening]:
    """A trip is one happening: the pause that the watch then makes is left out."""
    hashes = list(dict.fromkeys(log["blockHash"] for log in logs))
    headers = node.ask_all([("eth_getBlockByHash", (each, False)) for each in hashes])
    blocks = {each.hash: each for each in map(to_block, headers)}
    for log in logs:
        event, block = decode_event(log["topics"], to_bytes(log["data"])), blocks[log["blockHash"]]
        if not (isinstance(event, Paused) and event.by == watch):
            yield Happening(event, block.number, block.timestamp, Digest(log["transactionHash"]))
