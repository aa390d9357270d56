"""Event logs from a node that serves only spans of blocks as wide as it likes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from strongroom.chain.answers import to_bytes
from strongroom.errors import NodeRefused
from strongroom.model import Block, Digest
from strongroom.ports import LoggedEvent

if TYPE_CHECKING:
    from strongroom.chain.transport import Transport

_NARROWEST_SPAN = 10


def read_logs(
    node: Transport,
    wanted: Mapping[str, Any],
    first: int,
    block: Block,
    most_requests: int,
    narrowest_span: int = _NARROWEST_SPAN,
) -> tuple[list[dict[str, Any]], int]:
    """Logs from `first` to `block`, in the chain's order, and the oldest block that was read: a node that serves only
    narrow spans is asked `most_requests` times, from the newest block backwards. One that refuses even
    `narrowest_span` blocks has another reason than the width. Raises `NodeError`."""
    found: list[dict[str, Any]] = []
    last, width = block.number, block.number - first + 1
    for _ in range(most_requests):
        if last < first:
            break
        start = max(first, last - width + 1)
        try:
            page = node.ask("eth_getLogs", {**wanted, "fromBlock": hex(start), "toBlock": hex(last)})
        except NodeRefused:
            if width <= narrowest_span:
                raise
            width //= 2
        else:
            found, last = [*page, *found], start - 1
    return found, last + 1


def parse_events(logs: Iterable[Mapping[str, Any]]) -> tuple[LoggedEvent, ...]:
    """Events in the chain's order; what a reorganisation took back is left out."""
    standing = (log for log in logs if not log.get("removed", False))
    ordered = sorted(standing, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    return tuple(
        LoggedEvent(tuple(map(Digest, log["topics"])), to_bytes(log["data"]), Digest(log["transactionHash"]))
        for log in ordered
    )
