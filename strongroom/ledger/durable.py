"""Small files that are whole or absent after a crash, and the watermark that says how much of the log was synced."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from strongroom.ledger.crc32c import crc32c

_NEW = ".new"


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, data: bytes) -> None:
    """Replace the file by `data`, mode 0600; after a crash it holds the old bytes or the new ones, never a part."""
    new = path.with_name(path.name + _NEW)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        written = os.write(handle, data)
        while written < len(data):
            written += os.write(handle, data[written:])
        os.fsync(handle)
    finally:
        os.close(handle)
    new.replace(path)
    sync_folder(path.parent)


@dataclass(frozen=True, slots=True)
class Mark:
    """So many entries, ending at this byte of the log, were synced when this was written; more may have been since."""

    entries: int
    end: int

    def encode(self) -> bytes:
        text = f"{self.entries:016d} {self.end:016d}".encode()
        return text + f" {crc32c(text, 0):08x}\n".encode()


def read_mark(path: Path) -> Mark | None:
    """The watermark, or `None` where it is missing or was torn; a lower bound either way."""
    try:
        text, checksum = path.read_bytes().rsplit(b" ", 1)
        entries, end = text.split(b" ")
        intact = checksum == f"{crc32c(text, 0):08x}\n".encode()
        return Mark(int(entries), int(end)) if intact else None
    except (FileNotFoundError, ValueError):
        return None
