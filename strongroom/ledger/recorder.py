"""What every ledger does with its book and its store: append, read, prove, disclose, erase. Threads may share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from strongroom.addresses import to_digest
from strongroom.errors import BadValue, LedgerCorrupt
from strongroom.ledger.blobs import Envelope, enclose, reference, reveal
from strongroom.ledger.book import Book
from strongroom.ledger.disclosures import Disclosure, conceal, keep, standing, unpack
from strongroom.ledger.entries import Entry, decode, erasable
from strongroom.ledger.store import Store
from strongroom.model import Digest, LedgerReceipt
from strongroom.ports import Clock

OWN_TYPES = ("run.open", "run.close", "erase")


class Recorder:
    """The `Ledger` port over a store. Sizes, roots and proofs speak of settled entries only."""

    def __init__(self, book: Book, store: Store, clock: Clock) -> None:
        self._book = book
        self._store = store
        self._clock = clock
        self._turn = Lock()
        self._erasing = Lock()

    def append(
        self,
        type: str,
        body: Mapping[str, Any],
        *,
        binding: Digest | None = None,
        cause: int | None = None,
        confidential: Mapping[str, Any] | None = None,
    ) -> LedgerReceipt:
        """Write one entry and sync it; the receipt is proof that it is durable.

        `binding` is required for `tx.*` (all but `tx.intent` need an earlier intent) and refused elsewhere; `cause` is
        required for results and gaps, whose request must still be open. Confidential values may be `bytes`; large
        ones are encrypted beside the log. Raises `BadValue` with nothing recorded, `LedgerUnwritable` when the disk
        fails.
        """
        if type in OWN_TYPES:
            raise BadValue(type, "an entry of yours", "the ledger writes that type itself")
        return self._record(type, body, binding, cause, confidential or {})

    def _record(
        self,
        type: str,
        body: Mapping[str, Any],
        binding: Digest | None = None,
        cause: int | None = None,
        confidential: Mapping[str, Any] | None = None,
    ) -> LedgerReceipt:
        disclosures = self._conceal(type, body, confidential) if confidential else ()
        receipt = self._place(type, body, binding, cause, disclosures)
        self._store.settle(receipt.index + 1)
        return receipt

    def _place(
        self,
        type: str,
        body: Mapping[str, Any],
        binding: Digest | None = None,
        cause: int | None = None,
        disclosures: tuple[Disclosure, ...] = (),
    ) -> LedgerReceipt:
        """Give an entry its place; it is not durable yet."""
        with self._turn:
            now = self._clock.now()
            sealed = self._book.seal(type, body, at=now, binding=binding, cause=cause, disclosures=disclosures)
            self._store.add(sealed)
        return sealed.receipt

    def _conceal(self, type: str, body: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[Disclosure, ...]:
        for field in fields:
            if field in body:
                raise BadValue(field, f"a confidential field of {type}", "it stands in the body already")
        envelopes = {field: enclose(value, field) for field, value in fields.items()}
        disclosures = conceal({f: e.reference if (e := envelopes[f]) else v for f, v in fields.items()}, type)
        self._keep_blobs(e for e in envelopes.values() if e)
        return disclosures

    def _keep_blobs(self, envelopes: Iterable[Envelope]) -> None:
        for envelope in envelopes:
            self._store.blobs[envelope.name] = envelope.ciphertext

    @property
    def run(self) -> str:
        """The id of this run."""
        return self._book.run

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._store.settled

    def root(self, size: int | None = None) -> bytes:
        """The 32-byte Merkle root of the first `size` entries, of all durable ones without it."""
        return self._book.tree.root(self.size if size is None else size)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The inclusion proof of an entry in the tree of `size`."""
        return self._book.tree.inclusion(index, self.size if size is None else size)

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that the tree of `size` begins with the tree of `old`."""
        return self._book.tree.consistency(old, self.size if size is None else size)

    def entry(self, index: int) -> Entry:
        """One durable entry; raises `BadValue` where there is none."""
        return decode(index, self._store.record(self._known(index)).raw)

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Durable entries from `start`, in order, as many as there are when it begins."""
        for index in range(start, self.size):
            yield self.entry(index)

    def intent(self, binding: Digest) -> LedgerReceipt | None:
        """The receipt of an action's tx.intent, also after a restart: a step that is run again asks first."""
        with self._turn:
            return self._book.intent(binding)

    def caused(self, cause: int, type: str) -> LedgerReceipt | None:
        """The first entry of this type that `cause` led to, also of an earlier run; reads from `cause` onwards."""
        found = (each for each in self.entries(cause + 1) if each.type == type and each.link.cause == cause)
        first = next(found, None)
        return LedgerReceipt(first.index, first.type, first.binding) if first else None

    def leaf(self, index: int) -> Digest:
        """The leaf hash of a durable entry; raises `BadValue` where there is none."""
        return to_digest(self._book.tree.leaf(self._known(index)))

    def is_open(self, request: int) -> bool:
        """Whether a request has neither result nor gap yet, also one of an earlier run."""
        with self._turn:
            return self._book.is_open(request)

    def disclose(self, index: int, field: str) -> Disclosure:
        """Open one confidential field; raises `BadValue` where the entry has none of that name, or it is erased."""
        found = self._disclosure(index, field)
        name = reference(found.value)
        return found if name is None else replace(found, value=self._reveal(index, found.value, name))

    def _reveal(self, index: int, value: Mapping[str, str], name: str) -> Any:
        try:
            return reveal(value, self._store.blobs[name])
        except (KeyError, ValueError) as error:
            raise LedgerCorrupt(self._store.name, index, f"encrypted value `{name}` is missing or changed") from error

    def erase(self, index: int, field: str, reason: str) -> LedgerReceipt:
        """Delete a confidential field's salt, value and key for good; every proof stays valid.

        The `erase` entry is durable first, so a crash in between is completed at the next start. Raises `BadValue` for
        fields of `tx.*`, `verdict` and `human.*` entries: what moved money, and who decided it, stays answerable.
        """
        entry = self.entry(index)
        if not erasable(entry.type):
            raise BadValue(field, f"erasure from a {entry.type}", "what moved money or decided it is never erased")
        with self._erasing:
            found = self._disclosure(index, field)
            receipt = self._record("erase", {"digest": found.digest, "reason": reason}, cause=index)
            self._forget(index, found)
        return receipt

    def _forget(self, index: int, disclosure: Disclosure) -> None:
        private = self._store.record(index).private or b""
        self._store.blank(index, keep(private, set(standing(private)) - {disclosure.digest}))
        name = reference(disclosure.value)
        if name is not None:
            del self._store.blobs[name]

    def _disclosure(self, index: int, field: str) -> Disclosure:
        private = self._store.record(self._known(index)).private
        for disclosure in unpack(private) if private else ():
            if disclosure.field == field:
                return disclosure
        raise BadValue(field, f"a confidential field of entry {index}", "it has none of that name, or it was erased")

    def _known(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise BadValue(index, "an entry", f"the ledger has `{self.size}`, numbered from `0`")
        return index
