"""What a forecast sees: facts at the newest block, or at the one that an earlier forecast saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.forecasts import NothingQueued
from strongroom.errors import BadValue, NodeRefused, NotDeployed
from strongroom.observe import observe_at

if TYPE_CHECKING:
    from strongroom.model import Block, Facts
    from strongroom.observe import Subject
    from strongroom.ports import Chain


def observe_pinned(chain: Chain, subject: Subject, at: int | None) -> Facts:
    """Facts at block `at`, `None` for the newest; no queue and no outflow is asked for, since nothing is judged. Raises
    `BadValue` for a block that is not there yet, one before the Safe, and one whose state the node has dropped."""
    block = _block(chain, at)
    try:
        return observe_at(chain, NothingQueued(), replace(subject, window_seconds=0), block)
    except NodeRefused as refused:
        if at is None:
            raise
        mend = f"{refused}; ask a node that keeps old state, or leave `--at` out"
        raise BadValue(at, "--at", mend) from refused
    except NotDeployed as missing:
        if at is None:
            raise
        raise BadValue(at, "--at", "no Safe was there at that block; name a later one") from missing


def _block(chain: Chain, at: int | None) -> Block:
    newest = chain.head()
    if at is None:
        return newest
    if not 0 <= at <= newest.number:
        raise BadValue(at, "--at", f"the newest block is {newest.number}; name it, or one before")
    return chain.numbered(at)
