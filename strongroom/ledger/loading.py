"""Opening a log after whatever happened: replay what is whole, cut what was torn unacknowledged, refuse the rest."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.errors import LedgerCorrupt
from strongroom.ledger.book import Book
from strongroom.ledger.checkpoint import Head, last_signed
from strongroom.ledger.disclosures import keep, standing
from strongroom.ledger.durable import read_mark
from strongroom.ledger.entries import Entry, decode, head
from strongroom.ledger.frames import PRIVATE, BadFrame, Record, frame, read_record, walk
from strongroom.ledger.log_file import LogFile


@dataclass(slots=True)
class Loaded:
    """What a walk over the log found: where entries start and end, damaged private frames, recorded erasures."""

    starts: array[int] = field(default_factory=lambda: array("Q"))
    end: int = 0
    damaged: set[int] = field(default_factory=set)
    erased: dict[int, set[str]] = field(default_factory=dict)


def load(folder: Path, log: LogFile, book: Book) -> Loaded:
    """Replay the log into `book`, cut its torn tail; raises `LedgerCorrupt` where acknowledged bytes are gone."""
    mark = read_mark(folder / "durable")
    acknowledged = mark.entries if mark else 0
    signed = _signed(folder)
    loaded = _replay(folder, log, book, max(acknowledged, signed.size if signed else 0))
    _demand(folder, book, acknowledged, signed)
    if loaded.end != log.end:
        log.cut(loaded.end)
    _finish_erasures(folder, log, loaded)
    return loaded


def _signed(folder: Path) -> Head | None:
    try:
        return last_signed(folder / "signed")
    except ValueError as error:
        raise LedgerCorrupt(str(folder), 0, "the record of what was signed is damaged") from error


def _replay(folder: Path, log: LogFile, book: Book, acknowledged: int) -> Loaded:
    loaded = Loaded()
    with log.mapped() as buffer:
        try:
            for record in walk(buffer):
                if not record.intact and len(loaded.starts) >= acknowledged:
                    break
                _take(loaded, record, book)
        except BadFrame as error:
            if len(loaded.starts) < acknowledged:
                raise LedgerCorrupt(str(folder), len(loaded.starts), str(error)) from error
    return loaded


def _take(loaded: Loaded, record: Record, book: Book) -> None:
    index = book.replay(record.raw)
    if not record.intact:
        loaded.damaged.add(index)
    if head(record.raw)[0] == "erase":
        entry = decode(index, record.raw)
        loaded.erased.setdefault(entry.link.cause or 0, set()).add(entry.body["digest"])
    loaded.starts.append(record.start)
    loaded.end = record.end


def _demand(folder: Path, book: Book, acknowledged: int, signed: Head | None) -> None:
    size = book.tree.size
    if size < acknowledged:
        raise LedgerCorrupt(str(folder), size, f"the log ends here, `{acknowledged}` entries were acknowledged")
    if signed and size < signed.size:
        raise LedgerCorrupt(str(folder), size, f"the log ends here, a tree of `{signed.size}` was signed")
    if signed and book.tree.root(signed.size) != signed.root:
        raise LedgerCorrupt(str(folder), signed.size - 1, "an entry up to here is not the one that was signed")


def _finish_erasures(folder: Path, log: LogFile, loaded: Loaded) -> None:
    for index in sorted(loaded.damaged | loaded.erased.keys()):
        start = loaded.starts[index]
        end = loaded.starts[index + 1] if index + 1 < len(loaded.starts) else loaded.end
        record = read_record(log.read(start, end - start), 0, end - start)
        erased = loaded.erased.get(index, set())
        blanked = _blanked(decode(index, record.raw), record.private or b"", erased)
        if blanked is None:
            raise LedgerCorrupt(str(folder), index, "its confidential fields were changed")
        if blanked != record.private or not record.intact:
            log.overwrite(frame(PRIVATE, blanked), start)


def _blanked(entry: Entry, private: bytes, erased: set[str]) -> bytes | None:
    """The private payload as the erasures leave it; `None` where something is gone that no erasure names."""
    remaining = set(entry.concealed) - erased
    return keep(private, remaining) if remaining <= set(standing(private)) else None
