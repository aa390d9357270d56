"""The units table: which units there are, where each stands, and what a sleeping one waits for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from strongroom.model import Unit
from strongroom.plain import from_plain, to_plain

RUNNING, WAITING = "running", "waiting"
OPEN = (RUNNING, WAITING)
"""A unit in one of these still has steps to take."""
SPENT = (*OPEN, "executed")
"""While one attempt stands here, the same unit is not tried again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt at a unit; `id` is its graph thread. `intents` counts what it would carry out."""

    id: str
    unit: str
    actor: str
    plan: str
    cause: int
    status: str
    lane: str
    binding: str
    nonce: int | None
    tx_hash: str
    why: str

    @property
    def intents(self) -> int:
        return len(json.loads(self.unit)["intents"])

    def value(self) -> Unit:
        return from_plain(Unit, json.loads(self.unit))


class Units:
    """Rows by unit id, in the state folder's own database."""

    def __init__(self, path: Path) -> None:
        import sqlite_utils

        # The socket's threads and the runner's share it; the runner's lock orders the writes.
        self._db = sqlite_utils.Database(sqlite3.connect(path, check_same_thread=False))
        self._rows = self._db.table("units")
        if not self._rows.exists():
            columns = dict.fromkeys(Row.__dataclass_fields__, str) | {"cause": int, "nonce": int}
            self._rows.create(columns, pk="id", not_null={"id", "unit", "status"})

    def add(self, unit: Unit, actor: str, plan: str, cause: int, nonce: int | None = None) -> Row:
        """`nonce`: the one it must take, where an earlier attempt's proposal still stands."""
        row = Row(unit.id, json.dumps(to_plain(unit)), actor, plan, cause, RUNNING, "", "", nonce, "", "")
        self._rows.insert(asdict(row))
        return row

    def change(self, row_id: str, **values: Any) -> Row:
        self._rows.update(row_id, values)
        return self.get(row_id)

    def get(self, row_id: str) -> Row:
        """Raises `KeyError` for an id that was never planned."""
        import sqlite_utils.db

        try:
            return Row(**self._rows.get(row_id))
        except sqlite_utils.db.NotFoundError as error:
            raise KeyError(row_id) from error

    def all(self) -> tuple[Row, ...]:
        return tuple(Row(**row) for row in self._rows.rows_where(order_by="rowid"))

    def open(self) -> tuple[Row, ...]:
        return tuple(row for row in self.all() if row.status in OPEN)

    def attempts(self, unit_id: str) -> tuple[Row, ...]:
        """Every attempt at a unit: `payroll-2026-11`, `payroll-2026-11.2`, …"""
        return tuple(row for row in self.all() if row.id.split(".")[0] == unit_id)

    def close(self) -> None:
        self._db.close()


def next_attempt(unit_id: str, attempts: Iterable[Row]) -> str | None:
    """The id for a new attempt, or `None` while one is under way or done."""
    made = list(attempts)
    if any(row.status in SPENT for row in made):
        return None
    return unit_id if not made else f"{unit_id}.{len(made) + 1}"
