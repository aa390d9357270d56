"""Entries that a step leaves exactly once: a step that runs again after a crash finds the one it had left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from agent.context import Context
from strongroom.model import Digest, Facts, LedgerReceipt, Listing
from strongroom.plain import to_plain


def record_once(
    context: Context, type: str, body: Mapping[str, Any], *, cause: int, binding: Digest | None = None
) -> LedgerReceipt:
    """The one entry of this type that `cause` leads to: the one that stands already, or this new one."""
    found = context.ledger.caused(cause, type)
    return found or context.ledger.append(type, body, binding=binding, cause=cause)


def observed(facts: Facts) -> dict[str, Any]:
    """Facts as an entry holds them. Announced runs are named by their ids alone: the chain's events have their bytes,
    and many of them would not fit into one entry. So are deny lists, by name, date and a hash of who stands on them."""
    listings = [_named(listing) for listing in facts.listings]
    return {**to_plain(facts), "announced": [each.id for each in facts.announced], "listings": listings}


def _named(listing: Listing) -> dict[str, Any]:
    entries = json.dumps(dict(listing.entries), sort_keys=True, separators=(",", ":")).encode()
    named = {"name": listing.name, "source": listing.source, "dated_at": listing.dated_at}
    return named | {"entries": len(listing.entries), "sha256": sha256(entries).hexdigest()}
