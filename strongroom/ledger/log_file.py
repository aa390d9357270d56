"""The log file: appended at its end, synced when asked, overwritten only to erase. Knows bytes, not entries.

Space is set aside in zeroed steps, because syncing into allocated bytes costs half of syncing a file that grows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from mmap import ACCESS_READ, mmap
from pathlib import Path

from strongroom.errors import LedgerUnwritable

_STEP = 1 << 20


class LogFile:
    """One process writes; `end` is the first byte that is not written.

    Raises `LedgerUnwritable` while another holds it, `OSError` as the disk does.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _claim(self._file, path)
        self._space = os.fstat(self._file).st_size
        self.end = self._space

    def cut(self, end: int) -> None:
        """Forget everything from `end` on, durably."""
        os.ftruncate(self._file, end)
        os.fsync(self._file)
        self.end = self._space = end

    def append(self, data: bytes) -> None:
        """Write at the end; durable only after `sync`."""
        if self.end + len(data) > self._space:
            self._reserve(self.end + len(data))
        self._write(data, self.end)
        self.end += len(data)

    def _reserve(self, needed: int) -> None:
        space = (needed // _STEP + 1) * _STEP
        self._write(bytes(space - self._space), self._space)
        os.fsync(self._file)
        self._space = space

    def _write(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written

    def sync(self) -> None:
        """Make all that was appended durable."""
        os.fdatasync(self._file)

    def overwrite(self, data: bytes, offset: int) -> None:
        """Replace bytes in place, durably."""
        self._write(data, offset)
        os.fdatasync(self._file)

    def overwrite_unsynced(self, data: bytes) -> None:
        """Replace the beginning of the file whenever the system gets to it."""
        self._write(data, 0)

    def read(self, start: int, length: int) -> bytes:
        return os.pread(self._file, length, start)

    @contextmanager
    def mapped(self) -> Iterator[bytes | mmap]:
        """All bytes of the file, without reading them in."""
        with mapped(self._file) as buffer:
            yield buffer

    def give_back(self) -> None:
        """Return the space set aside and not used."""
        self.cut(self.end)

    def abandon(self) -> None:
        """Close without touching a byte; once is enough."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _claim(file: int, path: Path) -> None:
    # Two writers would overwrite each other's entries; the lock goes with the process however it ends.
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise LedgerUnwritable(str(path), "another process writes it") from error


@contextmanager
def mapped(file: int) -> Iterator[bytes | mmap]:
    """All bytes of an open file; an empty one cannot be mapped."""
    if os.fstat(file).st_size == 0:
        yield b""
        return
    with mmap(file, 0, access=ACCESS_READ) as buffer:
        yield buffer
