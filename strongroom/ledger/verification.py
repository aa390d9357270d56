"""`verify`: recompute a ledger folder from its bytes alone and name the first entry that does not hold.

Reads only, needs no key, and may run while another process writes. What it cannot see is a whole log rewritten together
with the folder's own signatures: for that, give it a head from outside, from the chain or from a kept checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import KeyMissing, LedgerCorrupt
from strongroom.ledger.audit import Audit, Fault
from strongroom.ledger.blobs import BlobFolder
from strongroom.ledger.checkpoint import Checkpoint, Head, LogKey, last_signed, read_checkpoint
from strongroom.ledger.durable import Mark, read_mark
from strongroom.ledger.frames import BadFrame, walk
from strongroom.ledger.log_file import mapped


@dataclass(frozen=True, slots=True)
class Report:
    """What a folder holds.

    `fault` is the one with the lowest index, `waiting` are requests without an answer yet, `unfinished` says what a
    crash interrupted and the next start puts right (a torn write that was never acknowledged, an erasure), `checkpoint`
    is the verified one on disk.
    """

    size: int
    root: bytes
    fault: Fault | None
    waiting: tuple[int, ...]
    unfinished: str
    checkpoint: Checkpoint | None

    @property
    def ok(self) -> bool:
        return self.fault is None

    def demand(self, folder: Path) -> None:
        """Raise `LedgerCorrupt` unless all holds."""
        if self.fault is not None:
            raise LedgerCorrupt(str(folder), self.fault.index or 0, self.fault.reason)


def verify(folder: Path, *, verifier: str | None = None, heads: Iterable[Head] = ()) -> Report:
    """Check frames, checksums, canonical form, order, links, pairs, disclosures, root and signatures.

    `verifier` is the log's vkey as known from outside, `heads` are sizes and roots that were anchored or witnessed.
    Raises `OSError` where the folder cannot be read.
    """
    # What was promised is read before the log: whoever still writes only makes the log longer than promised.
    audit = Audit(BlobFolder(folder / "blobs"))
    mark, signed, note = read_mark(folder / "durable"), _signed(folder, audit), _text(folder / "checkpoint")
    torn = _walk(folder / "log", audit, mark)
    if mark is None:
        audit.blame(None, "the watermark `durable` is missing or damaged")
    elif audit.entries < mark.entries and audit.whole:
        audit.blame(audit.entries, f"the log ends here, `{mark.entries}` entries were acknowledged")
    checkpoint = _checkpoint(audit, _key(folder, audit, verifier), note, signed)
    _compare(audit, [head for head in (signed, checkpoint.head if checkpoint else None) if head], "signed")
    _compare(audit, heads, "anchored")
    audit.finish()
    erasing = f"the erasure of entry `{audit.erasing}` is not complete" if audit.erasing is not None else ""
    fault = _first(audit.faults)
    return Report(audit.entries, audit.tree.root(), fault, tuple(audit.requests), torn or erasing, checkpoint)


def _walk(log: Path, audit: Audit, mark: Mark | None) -> str:
    handle = os.open(log, os.O_RDONLY)
    try:
        with mapped(handle) as buffer:
            for record in walk(buffer):
                audit.take(record)
    except BadFrame as error:
        if mark is not None and audit.entries >= mark.entries:
            return str(error)
        audit.blame(audit.entries, str(error))
    finally:
        os.close(handle)
    return ""


def _signed(folder: Path, audit: Audit) -> Head | None:
    try:
        return last_signed(folder / "signed")
    except ValueError as error:
        audit.blame(None, f"the record of what was signed is damaged: {error}")
        return None


def _text(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _key(folder: Path, audit: Audit, verifier: str | None) -> str:
    """The vkey that the first entry names, compared with those known otherwise."""
    own = str(audit.first.body.get("key")) if audit.first is not None else ""
    try:
        # An auditor's copy comes without the key; a key that is there must be the log's.
        stored = LogKey.load(folder / "key").verifier(own.split("+", 1)[0]) if (folder / "key").exists() else None
    except KeyMissing as error:
        audit.blame(None, str(error))
        stored = None
    for known in (verifier, stored):
        if known not in (None, own):
            audit.blame(0, f"it names another key than `{known}`")
    return own


def _checkpoint(audit: Audit, verifier: str, note: bytes | None, signed: Head | None) -> Checkpoint | None:
    if note is None:
        return None
    try:
        checkpoint = read_checkpoint(note.decode(), verifier)
    except ValueError as error:
        audit.blame(None, f"the checkpoint is damaged: {error}")
        return None
    if signed is None or signed.size < checkpoint.head.size:
        audit.blame(None, "a checkpoint was signed and the record of it is gone")
    return checkpoint


def _compare(audit: Audit, heads: Iterable[Head], how: str) -> None:
    for head in heads:
        if head.size > audit.entries:
            audit.blame(audit.entries, f"the log ends here, a tree of `{head.size}` was {how}")
        elif audit.tree.root(head.size) != head.root:
            where = f"an entry up to here is not the one that was {how}"
            audit.blame(head.size - 1 if head.size else None, where)


def _first(faults: list[Fault]) -> Fault | None:
    named = [fault for fault in faults if fault.index is not None]
    # Of two faults at one entry the first found says more: later ones often follow from it.
    return min(named, key=lambda fault: fault.index or 0) if named else next(iter(faults), None)
