"""Entries that a step leaves exactly once: a step that runs again after a crash finds the one it had left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.context import Context
from strongroom.model import Digest, LedgerReceipt


def record_once(
    context: Context, type: str, body: Mapping[str, Any], *, cause: int, binding: Digest | None = None
) -> LedgerReceipt:
    """The one entry of this type that `cause` leads to: the one that stands already, or this new one."""
    found = context.ledger.caused(cause, type)
    return found or context.ledger.append(type, body, binding=binding, cause=cause)
