"""Entries that a step leaves exactly once: a step that runs again after a crash finds the one it had left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.context import Context
from strongroom.model import Digest, Facts, LedgerReceipt
from strongroom.plain import to_plain


def record_once(
    context: Context, type: str, body: Mapping[str, Any], *, cause: int, binding: Digest | None = None
) -> LedgerReceipt:
    """The one entry of this type that `cause` leads to: the one that stands already, or this new one."""
    found = context.ledger.caused(cause, type)
    return found or context.ledger.append(type, body, binding=binding, cause=cause)


def observed(facts: Facts) -> dict[str, Any]:
    """Facts as an entry holds them. Announced runs are named by their ids alone: the chain's events have their bytes,
    and many of them would not fit into one entry."""
    return {**to_plain(facts), "announced": [each.id for each in facts.announced]}
