"""What the service keeps: proposals, confirmations, delegates, executions seen on chain, and the Safes it has met."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_TABLES: dict[str, tuple[dict[str, type], list[str]]] = {
    "transactions": (
        # Numbers of 256 bits are text: SQLite's integers end at 63 bits. `id` is the order of arrival.
        {
            "id": int, "safe_tx_hash": str, "safe": str, "to": str, "value": str, "data": bytes, "operation": int,
            "safe_tx_gas": str, "base_gas": str, "gas_price": str, "gas_token": str, "refund_receiver": str,
            "nonce": int, "origin": str, "proposer": str, "proposed_by_delegate": str, "trusted": int,
            "created": str, "modified": str,
        },
        ["id"],
    ),
    "confirmations": (
        {"safe_tx_hash": str, "owner": str, "signature": bytes, "kind": str, "created": str},
        ["safe_tx_hash", "owner"],
    ),
    "delegates": (
        {"safe": str, "delegate": str, "delegator": str, "label": str, "expiry_date": str},
        ["safe", "delegate", "delegator"],
    ),
    "executions": (
        {
            "safe_tx_hash": str, "safe": str, "success": int, "payment": str, "transaction_hash": str,
            "block_number": int, "timestamp": int, "executor": str, "gas_used": int, "gas_price": str,
            "signatures": bytes,
        },
        # Any contract can emit a Safe's events: what one says about a hash must never count for another.
        ["safe", "safe_tx_hash"],
    ),
    "safes": ({"safe": str, "block_number": int, "block_hash": str}, ["safe"]),
}  # fmt: skip


class Store:
    """One SQLite file, or `:memory:`. Calls are serialized; `writing` makes several of them one."""

    def __init__(self, path: Path | str) -> None:
        # Imported here because it brings pandas along wherever that is installed.
        from sqlite_utils import Database

        # Requests are answered by a pool of threads; the lock, not SQLite, keeps them apart.
        self._connection = sqlite3.connect(str(path), check_same_thread=False)
        self._db = Database(self._connection)
        self._lock = threading.RLock()
        for name, (columns, key) in _TABLES.items():
            self._db.table(name).create(columns, pk=key[0] if len(key) == 1 else key, if_not_exists=True, strict=True)
        self._db.table("transactions").create_index(["safe_tx_hash"], unique=True, if_not_exists=True)
        self._db.table("transactions").create_index(["safe", "nonce"], if_not_exists=True)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All writes inside, or none."""
        with self._lock, self._db.atomic():
            yield

    def rows(self, table: str, where: str = "1", values: Sequence[Any] = (), tail: str = "") -> list[Row]:
        """Rows for which the SQL condition holds; `tail` is an ORDER BY. Both are constants, never a request's text."""
        with self._lock:
            cursor = self._connection.execute(f"SELECT * FROM {table} WHERE {where} {tail}", values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        """Insert, or replace the row with the same key."""
        with self._lock:
            self._db.table(table).upsert(dict(row), pk=_TABLES[table][1])

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Insert unless the row is there already."""
        with self._lock:
            self._db.table(table).insert(dict(row), ignore=True)

    def delete(self, table: str, where: str, values: Sequence[Any]) -> int:
        """How many rows are gone."""
        with self._lock, self._db.atomic():
            return self._connection.execute(f"DELETE FROM {table} WHERE {where}", values).rowcount
