"""The ledger in memory, for tests and rehearsed plans: the same rules, tree and disclosures, gone with the process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from strongroom.ledger.book import Book
from strongroom.ledger.recorder import Recorder
from strongroom.ledger.store import MemoryStore
from strongroom.model import Account
from strongroom.ports import Clock


class MemoryLedger(Recorder):
    """Begins with the same genesis entry as a file ledger's, without a key: it signs no checkpoints."""

    def __init__(self, account: Account, clock: Clock, genesis: Mapping[str, Any]) -> None:
        super().__init__(Book(account), MemoryStore(), clock)
        self._book.begin(os.urandom(16).hex())
        self._record("run.open", {**genesis, "log": os.urandom(16).hex()})
