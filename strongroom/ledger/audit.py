"""One walk over recorded entries that trusts nothing about them: form, order, links, pairs, bindings, disclosures.

Written apart from what writes entries (`book`, `entries.encode`), so that one mistake is not made on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from strongroom.ledger.blobs import reference
from strongroom.ledger.disclosures import Disclosure, standing, unpack
from strongroom.ledger.entries import NO_BINDING, Entry, decode, erasable
from strongroom.ledger.frames import Record
from strongroom.ledger.merkle import Tree, leaf_hash


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at entry `index`; `None` where no entry can be named."""

    index: int | None
    reason: str


class Audit:
    """Feed it records in order; `faults` says what did not hold, in the order it was found."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self.tree = Tree()
        self.faults: list[Fault] = []
        self.entries: int = 0
        self.whole = True
        self.first: Entry | None = None
        self.requests: dict[int, str] = {}
        self.erasing: int | None = None
        self._blob_store = blobs
        self._last: Entry | None = None
        self._accusations: list[tuple[int, int, str]] = []
        self._intents: set[str] = set()
        self._concealed: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._missing: dict[int, set[str]] = {}

    def take(self, record: Record) -> None:
        """Check one record against all before it."""
        index = self.tree.append(leaf_hash(record.raw))
        self.entries = index + 1
        try:
            entry = decode(index, record.raw, strict=True)
            self._place(entry)
            self._links(entry)
            self._meaning(entry)
            self._private(entry, record)
        except ValueError as error:
            self._settle(vouched=False)
            self.blame(index, str(error))
        else:
            self._last = entry

    def finish(self) -> None:
        """Judge what only the `whole` log can tell: fields that are gone although no entry erased them."""
        self._settle(vouched=False)
        for index, digests in self._missing.items():
            # A fault elsewhere may have swallowed the erasure; it is the one to name.
            if digests and self.whole:
                self.blame(index, "a confidential field is gone and no entry erased it")

    def blame(self, index: int | None, reason: str) -> None:
        """Note a fault; the log is no longer `whole`."""
        self.whole = False
        self.faults.append(Fault(index, reason))

    def _place(self, entry: Entry) -> None:
        first, last, link = self.first, self._last, entry.link
        if first is None:
            self.first = entry
        elif link.account != first.link.account:
            raise ValueError("it belongs to another account")
        opens = entry.type == "run.open"
        same_run = last is not None and last.link.run == link.run
        due = last.link.seq + 1 if last is not None and same_run else 0
        if opens is same_run or (entry.index > 0 and last is None):
            raise ValueError("it does not belong to the run that stands here")
        if link.seq != due:
            raise ValueError(f"its seq is `{link.seq}` where `{due}` is due: an entry was removed, added or moved")

    def _links(self, entry: Entry) -> None:
        index, link = entry.index, entry.link
        prev = self.tree.leaf(index - 1).hex() if index else NO_BINDING
        self._settle(vouched=link.prev == prev)
        if link.prev != prev:
            self._accuse(entry, index - 1, f"it is not the entry that entry `{index}` followed")
        if link.cause is not None and not 0 <= link.cause < index:
            raise ValueError("its cause does not come before it")

    def _accuse(self, entry: Entry, accused: int, reason: str) -> None:
        """Two entries disagree about the earlier one: whether this one was changed, the next entry's link tells."""
        self._accusations.append((entry.index, accused, reason))

    def _settle(self, *, vouched: bool) -> None:
        for accuser, accused, reason in self._accusations:
            if vouched and accused >= 0:
                self.blame(accused, reason)
            else:
                self.blame(accuser, "it does not fit the entries before it")
        self._accusations.clear()

    def _meaning(self, entry: Entry) -> None:
        if entry.type.startswith("tx."):
            self._action(entry)
        elif entry.type.endswith((".res", "gap")):
            self._answer(entry)
        elif entry.binding[2:] != NO_BINDING:
            raise ValueError("it binds an action although its type does not")
        if entry.type.endswith(".req"):
            self.requests[entry.index] = entry.type
        if entry.type == "erase":
            self._erasure(entry)

    def _action(self, entry: Entry) -> None:
        if entry.type == "tx.intent":
            self._intents.add(entry.binding)
        elif entry.binding not in self._intents:
            raise ValueError("its action has no tx.intent before it")

    def _answer(self, entry: Entry) -> None:
        cause = entry.link.cause
        request = self.requests.pop(cause, None) if cause is not None else None
        if request is None or cause is None:
            raise ValueError("it answers no open request")
        if entry.type != "gap" and request.removesuffix(".req") != entry.type.removesuffix(".res"):
            raise ValueError(f"it answers a {request}")
        if entry.binding[2:] != self.tree.leaf(cause).hex():
            self._accuse(entry, cause, f"it is not the request that entry `{entry.index}` answered")

    def _erasure(self, entry: Entry) -> None:
        digest = entry.body.get("digest")
        target = -1 if entry.link.cause is None else entry.link.cause
        kind, concealed = self._concealed.get(target, ("", ()))
        if digest not in concealed or not erasable(kind):
            raise ValueError("it erases what cannot be erased")
        missing = self._missing.get(target, set())
        # Erasures are recorded before they are done, one at a time: only the last may still be under way.
        if self.erasing is not None:
            self.blame(self.erasing, "a confidential field was erased and is there again")
        self.erasing = None if digest in missing else target
        missing.discard(str(digest))

    def _private(self, entry: Entry, record: Record) -> None:
        if not record.intact:
            raise ValueError("the checksum of its confidential fields does not hold")
        lines = standing(record.private) if record.private is not None else ()
        if len(lines) != len(entry.concealed) or not {line for line in lines if line} <= set(entry.concealed):
            raise ValueError("its confidential fields are not those it was written with")
        if not entry.concealed:
            return
        self._concealed[entry.index] = entry.type, entry.concealed
        self._missing[entry.index] = set(entry.concealed) - set(lines)
        for disclosure in unpack(record.private or b""):
            self._blob(disclosure)

    def _blob(self, disclosure: Disclosure) -> None:
        name = reference(disclosure.value)
        if name is None:
            return
        ciphertext = self._blob_store.get(name)
        if ciphertext is None or sha256(ciphertext).hexdigest() != name:
            raise ValueError(f"the encrypted value `{name}` is missing or changed")
