"""The ledger on disk: one folder, one writing process. `append` returns when the entry is synced."""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strongroom.errors import BadValue, LedgerCorrupt
from strongroom.ledger.anchor import Anchor
from strongroom.ledger.book import Book
from strongroom.ledger.checkpoint import Checkpoint, Head, LogKey, last_signed, read_checkpoint, remember_signed
from strongroom.ledger.durable import sync_folder, write_synced
from strongroom.ledger.entries import Entry
from strongroom.ledger.loading import load
from strongroom.ledger.log_file import LogFile
from strongroom.ledger.proof import Proof
from strongroom.ledger.recorder import Recorder
from strongroom.ledger.store import FileStore
from strongroom.model import Account
from strongroom.ports import Clock

LOST_WITH_THE_PROCESS = ("model.req", "tool.req")
"""Requests that nobody can answer after a restart. People and the chain still answer theirs."""


class FileLedger(Recorder):
    """Made by `open`; `close` when the run ends well."""

    def __init__(self, folder: Path, book: Book, store: FileStore, clock: Clock, key: LogKey) -> None:
        super().__init__(book, store, clock)
        self._folder = folder
        self._file_store = store
        self._key = key

    @classmethod
    def open(cls, folder: Path, account: Account, clock: Clock, genesis: Mapping[str, Any]) -> FileLedger:
        """Open or make the ledger at `folder`, and begin a run with a `run.open` entry that holds `genesis`.

        Cuts a torn tail, completes interrupted erasures, closes what the last process left unanswered with `gap`.
        Raises `LedgerCorrupt` when acknowledged entries are missing or changed, `BadValue` for another account's log.
        """
        _lay_out(folder)
        log = LogFile(folder / "log")
        try:
            book = Book(account)
            starts = load(folder, log, book).starts
        except BaseException:
            log.abandon()
            raise
        return cls._begin(folder, log, book, starts, clock, account, genesis)

    @classmethod
    def _begin(
        cls,
        folder: Path,
        log: LogFile,
        book: Book,
        starts: array[int],
        clock: Clock,
        account: Account,
        genesis: Mapping[str, Any],
    ) -> FileLedger:
        store = FileStore(folder, log, starts)
        try:
            store.remember(book.tree.size)
            key = LogKey.load(folder / "key") if book.tree.size else LogKey.create(folder / "key")
            ledger = cls(folder, book, store, clock, key)
            ledger._start_run(account, genesis)
        except BaseException:
            store.abandon()
            raise
        return ledger

    def _start_run(self, account: Account, genesis: Mapping[str, Any]) -> None:
        if self.size and (found := self.entry(0).link.account) != account:
            raise BadValue(account.safe, "this ledger", f"it is the log of `{found.safe}` on chain `{found.chain_id}`")
        log = self.entry(0).body["log"] if self.size else os.urandom(16).hex()
        origin = f"strongroom/{log}"
        self._book.begin(os.urandom(16).hex())
        self._record("run.open", {**genesis, "log": log, "key": self._key.verifier(origin)})
        for index in self._book.waiting(LOST_WITH_THE_PROCESS):
            self._place("gap", {"reason": "the process ended before the result"}, cause=index)
        self._store.settle(self._book.tree.size)

    @property
    def genesis(self) -> Entry:
        """The first entry: log id, key, chain id and Safe, and what the first run was opened with."""
        return self.entry(0)

    @property
    def origin(self) -> str:
        """The log's name in checkpoints."""
        return f"strongroom/{self.genesis.body['log']}"

    @property
    def verifier(self) -> str:
        """The public key of the log as a C2SP `vkey`."""
        return self._key.verifier(self.origin)

    def checkpoint(self) -> Checkpoint:
        """Sign the head of what is durable; raises `LedgerCorrupt` rather than sign less or other than before."""
        with self._turn:
            head = Head(self.size, self.root())
            last = self._last_signed()
            if last and (head.size < last.size or self.root(last.size) != last.root):
                raise LedgerCorrupt(str(self._folder), last.size - 1, "another history was signed up to here")
            if last == head and (known := self._newest()):
                return known
            remember_signed(self._folder / "signed", head)
            checkpoint = self._key.sign(self.origin, head)
            write_synced(self._folder / "checkpoint", checkpoint.note.encode())
        return checkpoint

    def _last_signed(self) -> Head | None:
        try:
            return last_signed(self._folder / "signed")
        except ValueError as error:
            raise LedgerCorrupt(str(self._folder), 0, "the record of what was signed is damaged") from error

    def _newest(self) -> Checkpoint | None:
        """The published checkpoint, if it is of the last signed head: a crash may have come between the two files."""
        try:
            found = read_checkpoint((self._folder / "checkpoint").read_text(), self.verifier)
        except (OSError, ValueError):
            return None
        return found if found.head == self._last_signed() else None

    def prove(self, index: int) -> Proof:
        """A portable proof (C2SP `tlog-proof`) that an entry is in the log, with a checkpoint that covers it."""
        self._known(index)
        checkpoint = self.checkpoint()
        return Proof(index, self.inclusion(index, checkpoint.head.size), checkpoint.note)

    def anchor(self, anchored: int) -> Anchor:
        """What the registry needs to move from the head of `anchored` entries (0 for none) to the newest.

        Raises `LedgerCorrupt` when more is anchored than the log holds.
        """
        size = self.size
        if anchored > size:
            raise LedgerCorrupt(str(self._folder), size, f"the log ends here, `{anchored}` entries are anchored")
        return Anchor(anchored, size, self.root(size), self.consistency(anchored, size))

    def close(self) -> None:
        """End the run with a `run.close` entry, sign the head, and close the files."""
        try:
            if not self._file_store.failed:
                self._record("run.close", {})
                self.checkpoint()
        finally:
            self._file_store.close()

    def abandon(self) -> None:
        """Close the files as a killed process would: nothing is written. Does nothing after `close`."""
        self._file_store.abandon()


def _lay_out(folder: Path) -> None:
    (folder / "blobs").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for file in (folder / "log", folder / "durable"):
        file.touch(mode=0o600)
    sync_folder(folder)
    sync_folder(folder.parent)
