"""The ledger as the page shows it: verified first, then its entries, each with a proof that it belongs where it is.

Reads only, and may run beside the process that writes. What lies at or behind the first fault is not shown at all: the
page names the fault instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import BadValue, LedgerCorrupt
from strongroom.ledger.audit import Fault
from strongroom.ledger.checkpoint import Head
from strongroom.ledger.entries import Entry
from strongroom.ledger.merkle import Tree, includes, leaf_hash
from strongroom.ledger.reading import read_entries
from strongroom.ledger.verification import Report, verify


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry's leaf hash is number `index` of the tree `head`; `path` is RFC 9162's, leaf side first."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    head: Head


@dataclass(frozen=True, slots=True)
class Record:
    """Entries in order up to the first fault, over which `tree` stands. `fault` is empty when all holds; `unfinished`
    says what the next start puts right."""

    entries: tuple[Entry, ...]
    tree: Tree
    fault: Fault | None
    unfinished: str

    @property
    def head(self) -> Head:
        """The newest head of what is shown."""
        return Head(self.tree.size, self.tree.root())

    def proof(self, index: int, head: Head) -> Proof | None:
        """The entry's proof under `head`; `None` where that head does not cover it, or is not one of this log."""
        if not 0 <= index < head.size <= self.tree.size:
            return None
        leaf, path = self.tree.leaf(index), self.tree.inclusion(index, head.size)
        return Proof(index, leaf, path, head) if includes(head.root, head.size, index, leaf, path) else None


def read_record(folder: Path, heads: Sequence[Head]) -> Record:
    """The ledger at `folder`, compared with `heads` that the chain holds. Raises `BadValue` where there is none."""
    try:
        report = verify(folder, heads=heads)
    except OSError as error:
        raise BadValue(folder, "a ledger", "there is none yet; `strongroom cycle` begins one") from error
    entries, fault = _entries(folder, report)
    tree = Tree()
    for entry in entries:
        tree.append(leaf_hash(entry.raw))
    return Record(entries, tree, fault, report.unfinished)


def _entries(folder: Path, report: Report) -> tuple[tuple[Entry, ...], Fault | None]:
    known: list[Entry] = []
    end = report.size if report.fault is None or report.fault.index is None else report.fault.index
    try:
        for entry in read_entries(folder):
            if entry.index >= end:
                break
            known.append(entry)
    except LedgerCorrupt as error:
        return tuple(known), report.fault or Fault(error.index, str(error))
    return tuple(known), report.fault
