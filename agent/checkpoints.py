"""Where unit threads keep their state between steps: the runner's store, and a look at it beside the runner."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from agent.nodes.state import State

IN_MEMORY = Path(":memory:")


@contextmanager
def open_checkpoints(path: Path) -> Iterator[Any]:
    """The store that a graph writes to; every step is synced."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as database:
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=full")
        yield _saver(database)


@contextmanager
def look_at_checkpoints(path: Path) -> Iterator[Any]:
    """The store as it stands now, read-only: whoever writes to it is not disturbed."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        saver = _saver(database)
        # Otherwise it would make its tables before the first look.
        saver.is_setup = True
        yield saver


def state_in(saver: Any, thread: str) -> dict[str, Any]:
    """The newest state of a unit's thread, plain; empty before its first step."""
    found = saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
    kept = found.checkpoint["channel_values"] if found else {}
    return {name: value for name, value in kept.items() if name in State.__annotations__}


def _saver(database: sqlite3.Connection) -> Any:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver(database, serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
