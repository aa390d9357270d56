"""Reading a ledger folder beside its writer, or without one: no lock, no key, nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from strongroom.errors import LedgerCorrupt
from strongroom.ledger.durable import read_mark
from strongroom.ledger.entries import Entry, decode
from strongroom.ledger.frames import walk
from strongroom.ledger.log_file import mapped


def read_entries(folder: Path) -> Iterator[Entry]:
    """The entries that were acknowledged when it begins, in order. It trusts what it reads: `verify` is for doubts.

    Raises `LedgerCorrupt` where the log cannot be read that far, `OSError` where there is none.
    """
    return _read(folder, None)


def read_entry(folder: Path, index: int) -> Entry | None:
    """The entry of this index, or `None` where the log does not reach it. Raises as `read_entries`."""
    return next(_read(folder, index), None)


def _read(folder: Path, only: int | None) -> Iterator[Entry]:
    mark = read_mark(folder / "durable")
    index = 0
    handle = os.open(folder / "log", os.O_RDONLY)
    try:
        with mapped(handle) as buffer:
            for index, record in enumerate(walk(buffer, 0, mark.end if mark else None)):
                if only in (None, index):
                    yield decode(index, record.raw)
    except ValueError as error:
        raise LedgerCorrupt(str(folder), index, str(error)) from error
    finally:
        os.close(handle)
