"""What is written together stands or falls together, and a row keeps its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from guardians.server.store import Row, Store


@pytest.fixture
def store() -> Iterator[Store]:
    with closing(Store(":memory:")) as opened:
        yield opened


def safe(name: str, block: int = 0) -> Row:
    return {"safe": name, "block_number": block, "block_hash": ""}


def names(store: Store) -> list[str]:
    return [row["safe"] for row in store.rows("safes", tail="ORDER BY rowid")]


def test_of_what_was_begun_together_nothing_stays_when_it_fails(store: Store) -> None:
    store.add("safes", safe("before"))
    with suppress(KeyError), store.writing():
        store.add("safes", safe("inside"))
        with store.writing():
            store.add("safes", safe("within"))
        store.delete("safes", "safe = ?", ["before"])
        raise KeyError
    assert names(store) == ["before"]


def test_a_part_that_fails_takes_nothing_of_the_whole_with_it(store: Store) -> None:
    with store.writing():
        store.add("safes", safe("first"))
        with suppress(KeyError), store.writing():
            store.add("safes", safe("second"))
            raise KeyError
        store.add("safes", safe("third"))
    assert names(store) == ["first", "third"]


def test_what_is_written_outlives_its_store(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "queue.db")) as store, store.writing():
        store.add("safes", safe("kept", 7))
    with closing(Store(tmp_path / "queue.db")) as store:
        assert store.rows("safes") == [safe("kept", 7)]


def test_a_row_is_added_once_and_put_over_the_old_one_in_its_place(store: Store) -> None:
    for name in ("a", "b"):
        store.add("safes", safe(name))
    store.add("safes", safe("a", 1))
    assert store.rows("safes", "safe = ?", ["a"]) == [safe("a")]
    store.put("safes", safe("a", 2))
    assert store.rows("safes", "safe = ?", ["a"]) == [safe("a", 2)]
    assert names(store) == ["a", "b"]


def test_a_number_that_its_column_cannot_hold_is_refused_not_rounded(store: Store) -> None:
    with pytest.raises(sqlite3.Error):
        store.add("safes", {**safe("a"), "block_number": "many"})
    with pytest.raises(OverflowError):
        store.add("safes", safe("a", 2**63))
    assert names(store) == []
