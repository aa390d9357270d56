"""Frames of the log file: `kind | length | crc32c | payload`, and the walk that finds the first bad one.

A record is one entry frame, right after the private frame with its disclosures where it has confidential fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import Struct

from strongroom.ledger.crc32c import crc32c

HEADER = Struct("<cII")
_CHECKED = Struct("<cI")
ENTRY = b"E"
PRIVATE = b"P"
LARGEST_PAYLOAD = 1 << 20
Buffer = bytes | mmap


@dataclass(frozen=True, slots=True)
class Record:
    """Where one entry lies, [start, end) with its private frame; `private` is `None` where it has none.

    `intact` is false when the private frame fails its checksum, as a crash in the middle of an erasure leaves it.
    """

    start: int
    end: int
    raw: bytes
    private: bytes | None = None
    intact: bool = True


class BadFrame(ValueError):
    """The bytes from `offset` on are not a record."""

    def __init__(self, offset: int, why: str) -> None:
        self.offset = offset
        super().__init__(why)


def frame(kind: bytes, payload: bytes) -> bytes:
    """The payload behind its header."""
    return HEADER.pack(kind, len(payload), _checksum(kind, payload)) + payload


def record(raw: bytes, private: bytes | None) -> bytes:
    """The frames of one entry."""
    return (frame(PRIVATE, private) if private is not None else b"") + frame(ENTRY, raw)


def _checksum(kind: bytes, payload: bytes) -> int:
    return crc32c(payload, crc32c(_CHECKED.pack(kind, len(payload)), 0))


def walk(buffer: Buffer, start: int = 0, stop: int | None = None) -> Iterator[Record]:
    """Every record in order up to the unused zeros; raises `BadFrame` at the first bytes that are none."""
    stop = len(buffer) if stop is None else stop
    while start < stop and buffer[start] != 0:
        found = read_record(buffer, start, stop)
        yield found
        start = found.end
    if start < stop and buffer[start:stop].strip(b"\0"):
        raise BadFrame(start, "unused space is not zero")


def read_record(buffer: Buffer, start: int, stop: int) -> Record:
    """The record at `start`; raises `BadFrame`."""
    kind, payload, end, intact = _read(buffer, start, stop)
    if kind == ENTRY:
        if not intact:
            raise BadFrame(start, "its checksum does not hold")
        return Record(start, end, payload)
    kind, raw, end, whole = _read(buffer, end, stop)
    if kind != ENTRY or not whole:
        raise BadFrame(start, "its confidential fields are not followed by a whole entry")
    return Record(start, end, raw, payload, intact)


def _read(buffer: Buffer, start: int, stop: int) -> tuple[bytes, bytes, int, bool]:
    body = start + HEADER.size
    if body > stop:
        raise BadFrame(start, "its frame is cut off")
    kind, length, checksum = HEADER.unpack_from(buffer, start)
    if kind not in (ENTRY, PRIVATE) or length > LARGEST_PAYLOAD:
        raise BadFrame(start, "it does not begin with a frame")
    if body + length > stop:
        raise BadFrame(start, "its frame is cut off")
    payload = bytes(buffer[body : body + length])
    return kind, payload, body + length, _checksum(kind, payload) == checksum
