"""Where sealed entries go: memory, or the log file with group commit. Positions, bytes and durability; no meaning."""

from __future__ import annotations

from array import array
from collections.abc import MutableMapping
from pathlib import Path
from threading import Condition
from typing import Protocol

from strongroom.errors import LedgerCorrupt, LedgerUnwritable
from strongroom.ledger.blobs import BlobFolder
from strongroom.ledger.book import Sealed
from strongroom.ledger.durable import Mark
from strongroom.ledger.frames import PRIVATE, BadFrame, Record, frame, read_record, record
from strongroom.ledger.log_file import LogFile


class Store(Protocol):
    """Sealed entries in order. `name` is for people; `blobs` holds large confidential values by their own names."""

    name: str
    blobs: MutableMapping[str, bytes]

    @property
    def settled(self) -> int:
        """How many entries are durable; only these are read, proved and signed."""

    def add(self, sealed: Sealed) -> None:
        """Take the next entry; durable only after `settle`."""

    def settle(self, count: int) -> None:
        """Return once the first `count` entries are durable; raises `LedgerUnwritable`."""

    def record(self, index: int) -> Record:
        """A settled entry with its private frame's payload; raises `LedgerCorrupt` when it decayed."""

    def blank(self, index: int, private: bytes) -> None:
        """Overwrite an entry's private payload by another of the same length, durably."""


class MemoryStore:
    """Durable as long as the process."""

    def __init__(self) -> None:
        self.name = "in memory"
        self.blobs: MutableMapping[str, bytes] = {}
        self._records: list[Record] = []

    @property
    def settled(self) -> int:
        return len(self._records)

    def add(self, sealed: Sealed) -> None:
        self._records.append(Record(0, 0, sealed.raw, sealed.private))

    def settle(self, count: int) -> None:
        """Nothing is more durable than memory here."""

    def record(self, index: int) -> Record:
        return self._records[index]

    def blank(self, index: int, private: bytes) -> None:
        self._records[index] = Record(0, 0, self._records[index].raw, private)


class FileStore:
    """Threads that wait while another syncs find their entries in the next sync: one fdatasync for all of them."""

    def __init__(self, folder: Path, log: LogFile, starts: array[int]) -> None:
        self.name = str(folder)
        self.blobs: MutableMapping[str, bytes] = BlobFolder(folder / "blobs")
        self._log = log
        self._starts = starts
        self._next = log.end
        self._pending: list[bytes] = []
        self._settled = len(starts)
        self._synced = Condition()
        self._leading = False
        self._failure: OSError | None = None
        self._mark = LogFile(folder / "durable")

    @property
    def settled(self) -> int:
        return self._settled

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def add(self, sealed: Sealed) -> None:
        frames = record(sealed.raw, sealed.private)
        self._starts.append(self._next)
        self._next += len(frames)
        self._pending.append(frames)

    def settle(self, count: int) -> None:
        while not self._settled_or_leading(count):
            self._write_out()

    def _settled_or_leading(self, count: int) -> bool:
        """True once `count` entries are durable; false when this thread is the one to sync."""
        with self._synced:
            while self._settled < count:
                if not self._leading:
                    self._leading = True
                    return False
                self._synced.wait()
        return True

    def _write_out(self) -> None:
        count = len(self._pending)
        try:
            self._sync(count)
        finally:
            with self._synced:
                self._leading = False
                self._synced.notify_all()

    def _sync(self, count: int) -> None:
        # What failed to sync once may be lost although a second sync succeeds: never try again.
        if self._failure is not None:
            raise LedgerUnwritable(self.name, str(self._failure))
        try:
            self._log.append(b"".join(self._pending[:count]))
            self._log.sync()
            self.remember(self._settled + count)
        except OSError as error:
            self._failure = error
            raise LedgerUnwritable(self.name, str(error)) from error
        del self._pending[:count]

    def remember(self, settled: int) -> None:
        # Written, not synced: it must never say more than the log holds, and may say less.
        self._settled = settled
        self._mark.overwrite_unsynced(Mark(settled, self._log.end).encode())

    def record(self, index: int) -> Record:
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < self._settled else self._log.end
        try:
            record = read_record(self._log.read(start, end - start), 0, end - start)
        except BadFrame as error:
            raise LedgerCorrupt(self.name, index, str(error)) from error
        if not record.intact:
            raise LedgerCorrupt(self.name, index, "the checksum of its confidential fields does not hold")
        return record

    def blank(self, index: int, private: bytes) -> None:
        self._log.overwrite(frame(PRIVATE, private), self._starts[index])

    def abandon(self) -> None:
        """Close the files as they are."""
        self._log.abandon()
        self._mark.abandon()

    def close(self) -> None:
        """Close the files; give unused space back unless a write failed."""
        if self._failure is None:
            self._log.give_back()
        self.abandon()
