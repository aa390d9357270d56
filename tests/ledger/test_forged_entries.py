"""Entries that a writer other than ours could chain correctly and that still must not stand: the audit names each."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import LedgerCorrupt, LedgerUnwritable
from strongroom.ledger.audit import Audit, Fault
from strongroom.ledger.disclosures import conceal, digests, pack
from strongroom.ledger.entries import NO_BINDING, Link, encode
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.frames import Record, walk
from strongroom.ledger.merkle import leaf_hash
from strongroom.ledger.verification import verify
from strongroom.model import Account, Address

ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
SECRET = conceal({"payee": "alice"}, "verdict")
Open = Callable[[Path], FileLedger]
Line = tuple[str, str, int | None, dict[str, Any]]


def audited(*lines: Line, private: dict[int, bytes] | None = None) -> list[Fault]:
    """The faults in a log of these entries after a `run.open`, each with the right run, seq and prev."""
    audit, prev = Audit({}), NO_BINDING
    for seq, (kind, binding, cause, body) in enumerate([("run.open", NO_BINDING, None, {}), *lines]):
        concealed = digests(SECRET) if seq in (private or {}) else ()
        raw = encode(kind, binding, Link(ACCOUNT, "run", seq, prev, cause, 0), body, concealed)
        audit.take(Record(0, 0, raw, (private or {}).get(seq)))
        prev = leaf_hash(raw).hex()
    audit.finish()
    return audit.faults


def test_an_honest_log_has_no_faults() -> None:
    action = "ab" * 32
    assert audited(("tx.intent", action, None, {}), ("tx.sent", action, 1, {})) == []
    assert audited(("verdict", NO_BINDING, 0, {}), private={1: pack(SECRET)}) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (("tx.sent", "ab" * 32, None, {}), "its action has no tx.intent before it"),
        (("verdict", "ab" * 32, None, {}), "it binds an action although its type does not"),
        (("model.res", NO_BINDING, 0, {}), "it answers no open request"),
        (("gap", NO_BINDING, None, {}), "it answers no open request"),
        (("verdict", NO_BINDING, 2, {}), "its cause does not come before it"),
        (("erase", NO_BINDING, 0, {"digest": "x"}), "it erases what cannot be erased"),
    ],
)
def test_an_entry_that_may_not_stand_here_is_named(line: Line, reason: str) -> None:
    assert audited(("config.change", NO_BINDING, None, {}), line) == [Fault(2, reason)]


def test_a_result_bound_to_another_request_is_named_or_accuses_the_request() -> None:
    faults = audited(("model.req", NO_BINDING, None, {}), ("model.res", "ab" * 32, 1, {}))
    assert faults == [Fault(2, "it does not fit the entries before it")]
    faults = audited(
        ("model.req", NO_BINDING, None, {}), ("model.res", "ab" * 32, 1, {}), ("verdict", NO_BINDING, None, {})
    )
    assert faults == [Fault(1, "it is not the request that entry `2` answered")]


def test_an_erasure_of_a_verdicts_field_is_named() -> None:
    erase: Line = ("erase", NO_BINDING, 1, {"digest": SECRET[0].digest})
    blank = b"." * len(pack(SECRET))
    faults = audited(("verdict", NO_BINDING, None, {}), erase, private={1: blank})
    assert faults == [Fault(2, "it erases what cannot be erased")]


def test_bytes_behind_the_unused_space_are_reported(closed: Path) -> None:
    with (closed / "log").open("ab") as log:
        log.write(bytes(50) + b"x")
    assert verify(closed).unfinished == "unused space is not zero"


def test_an_acknowledged_entry_cut_off_cleanly_is_refused_at_the_start(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    ledger.append("config.change", {})
    ledger.abandon()
    os.truncate(folder / "log", list(walk((folder / "log").read_bytes()))[-1].start)
    with pytest.raises(LedgerCorrupt, match="at entry `1`: the log ends here, `2` entries were acknowledged"):
        open_ledger(folder)


def test_nothing_is_acknowledged_that_the_system_did_not_sync(
    tmp_path: Path, open_ledger: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(tmp_path / "ledger")

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(LedgerUnwritable, match="input/output error"):
        ledger.append("config.change", {})
    monkeypatch.undo()
    with pytest.raises(LedgerUnwritable):
        ledger.append("config.change", {})
    assert ledger.size == 1


def test_an_erased_large_value_leaves_no_ciphertext(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    index = ledger.append("tool.req", {}, confidential={"prompt": "x" * 9000}).index
    assert len(list((folder / "blobs").iterdir())) == 1
    ledger.erase(index, "prompt", "asked")
    assert list((folder / "blobs").iterdir()) == []
