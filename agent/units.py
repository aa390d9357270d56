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

RUNNING, WAITING, DRIFTED, REVERTED = "running", "waiting", "drifted", "reverted"
ANNOUNCED = "announced"
"""Shown to whoever may veto it, and run by the agent's key once its delay is over."""
OPEN = (RUNNING, WAITING, ANNOUNCED)
"""A unit in one of these still has steps to take."""
ASLEEP = (WAITING, DRIFTED, REVERTED)
"""What stands at a nonce of the Safe's until that is used: the unit, the rejection that takes its place, or what
reverted, for whoever has its signatures may send it again."""
VETOED, TAKEN, LAPSED, VOIDED = "vetoed", "taken", "lapsed", "voided"
"""How an announced unit ends that was not run: by a guardian, run by the agent's key and by no unit of this folder,
past its time, or with everything announced (a pause, another policy or agent, a revoked rule, a lowered bucket)."""
OVER = ("judged", "denied", "executed", REVERTED, "rejected", "superseded", VETOED, TAKEN, LAPSED, VOIDED)
"""A thread that ends says one of these. One that stops at another was cut off where this mode has no further step."""
SPENT = (*OPEN, "executed", "rejected", VETOED, TAKEN)
"""While one attempt stands here, the same unit is not tried again: what guardians rejected is over."""


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
        return from_plain(Unit, {"actor": self.actor, "opinions": [], **json.loads(self.unit)})


_COLUMNS = tuple(Row.__dataclass_fields__)
_SCHEMA = """create table if not exists units (
    id text primary key, unit text not null, actor text not null, plan text not null, cause integer not null,
    status text not null, lane text not null, binding text not null, nonce integer, tx_hash text not null,
    why text not null)"""


class Units:
    """Rows by unit id, in the state folder's own database; every write is synced. Plain SQLite: a table helper that
    loads a data-frame library would cost every command two seconds."""

    def __init__(self, path: Path) -> None:
        # The socket's threads and the runner's share it; the runner's lock orders the writes.
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma synchronous=full")
        self._db.execute(_SCHEMA)

    def add(self, unit: Unit, actor: str, plan: str, cause: int, nonce: int | None = None) -> Row:
        """`nonce`: the one it must take, where an earlier attempt's proposal still stands."""
        row = Row(unit.id, json.dumps(to_plain(unit)), actor, plan, cause, RUNNING, "", "", nonce, "", "")
        names = ", ".join(_COLUMNS)
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        self._db.execute(f"insert into units ({names}) values ({marks})", asdict(row))
        return row

    def change(self, row_id: str, **values: Any) -> Row:
        """Only a row's own columns; raises `KeyError` for others, and for an id that was never planned."""
        if unknown := set(values) - set(_COLUMNS):
            raise KeyError(*unknown)
        settings = ", ".join(f"{name} = :{name}" for name in values)
        self._db.execute(f"update units set {settings} where id = :row_id", {**values, "row_id": row_id})
        return self.get(row_id)

    def get(self, row_id: str) -> Row:
        """Raises `KeyError` for an id that was never planned."""
        found = self._db.execute("select * from units where id = ?", [row_id]).fetchone()
        if found is None:
            raise KeyError(row_id)
        return Row(**found)

    def all(self) -> tuple[Row, ...]:
        return tuple(Row(**row) for row in self._db.execute("select * from units order by rowid"))

    def open(self) -> tuple[Row, ...]:
        return tuple(row for row in self.all() if row.status in OPEN)

    def asleep(self) -> tuple[Row, ...]:
        """Those that are announced, and those whose nonce guardians have something to do with: they wait, were denied
        after they were proposed, or reverted with their signatures."""
        return tuple(row for row in self.all() if _is_asleep(row))

    def attempts(self, unit_id: str) -> tuple[Row, ...]:
        """Every attempt at a unit: `payroll-2026-11`, `payroll-2026-11.2`, …"""
        return tuple(row for row in self.all() if row.id.split(".")[0] == unit_id)

    def close(self) -> None:
        self._db.close()


def _is_asleep(row: Row) -> bool:
    return row.status == ANNOUNCED or (row.nonce is not None and row.status in ASLEEP)


def next_attempt(unit_id: str, attempts: Iterable[Row]) -> str | None:
    """The id for a new attempt, or `None` while one is under way or done."""
    made = list(attempts)
    if any(row.status in SPENT for row in made):
        return None
    return unit_id if not made else f"{unit_id}.{len(made) + 1}"


def lately_spent(rows: Iterable[Row], operation: str) -> dict[str, str]:
    """Of the operation's two latest plans, the units that are not tried again, each with its transaction's hash, or
    with nothing where it was not executed. A sale in clips lasts a day at most, so it has units in no third plan."""
    own = [row for row in rows if row.plan.startswith(f"{operation}-")]
    latest = list(dict.fromkeys(row.plan for row in own))[-2:]
    spent = [row for row in own if row.plan in latest and row.status in SPENT]
    return {row.id.split(".")[0]: row.tx_hash if row.status == "executed" else "" for row in spent}
