"""Whatever is done to the files, `verify` finds it and names the first entry that does not hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.errors import LedgerCorrupt
from strongroom.ledger.book import Book
from strongroom.ledger.checkpoint import Head
from strongroom.ledger.disclosures import conceal, pack
from strongroom.ledger.durable import Mark
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.frames import Record, frame, record, walk
from strongroom.ledger.loading import load
from strongroom.ledger.log_file import LogFile
from strongroom.ledger.verification import verify
from strongroom.model import Account, Address

Open = Callable[[Path], FileLedger]
ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
SEARCH = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def records(folder: Path) -> list[Record]:
    return list(walk((folder / "log").read_bytes()))


def rewrite(folder: Path, kept: list[Record]) -> None:
    """Lay the records down again with right checksums and a right watermark, as a careful forger would."""
    log = b"".join(record(r.raw, r.private) for r in kept)
    (folder / "log").write_bytes(log)
    (folder / "durable").write_bytes(Mark(len(kept), len(log)).encode())


@pytest.fixture
def forged(closed: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        folder = tmp_path / "forged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(closed, folder)
        return folder

    return copy


Forge = Callable[[], Path]


def test_an_untouched_ledger_verifies(closed: Path) -> None:
    report = verify(closed)
    assert report.ok
    assert (report.size, report.unfinished) == (len(records(closed)), "")
    assert report.checkpoint is not None
    assert report.checkpoint.head == Head(report.size, report.root)
    assert [records(closed)[index].raw.split(b" ")[1] for index in report.waiting] == [b"human.req"]


@SEARCH
@given(data=st.data(), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_in_the_log_is_found_and_its_entry_named(
    forged: Forge, data: st.DataObject, bit: int
) -> None:
    folder = forged()
    log = bytearray((folder / "log").read_bytes())
    offset = data.draw(st.integers(0, len(log) - 1))
    expected = next(n for n, r in enumerate(records(folder)) if r.start <= offset < r.end)
    log[offset] ^= 1 << bit
    (folder / "log").write_bytes(log)
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index == expected


@pytest.mark.parametrize("name", ["durable", "signed", "checkpoint", "key"])
def test_one_flipped_bit_anywhere_beside_the_log_is_found(forged: Forge, name: str) -> None:
    folder = forged()
    intact = (folder / name).read_bytes()
    for position in range(len(intact)):
        changed = bytearray(intact)
        changed[position] ^= 1 << position % 8
        (folder / name).write_bytes(changed)
        assert not verify(folder).ok, position


@pytest.mark.parametrize("name", ["durable", "signed"])
def test_a_removed_record_of_what_was_acknowledged_or_signed_is_found(forged: Forge, name: str) -> None:
    folder = forged()
    (folder / name).unlink()
    assert not verify(folder).ok


def test_a_changed_or_missing_encrypted_value_is_found_at_its_entry(forged: Forge) -> None:
    for change in (Path.unlink, lambda path: path.write_bytes(bytes(9))):
        folder = forged()
        blob = sorted((folder / "blobs").iterdir())[0]
        change(blob)
        fault = verify(folder).fault
        assert fault is not None
        assert fault.index in (1, 2)
        assert blob.name in fault.reason


@SEARCH
@given(data=st.data())
def test_a_dropped_entry_is_found_where_it_was(forged: Forge, data: st.DataObject) -> None:
    folder = forged()
    kept = records(folder)
    index = data.draw(st.integers(0, len(kept) - 1))
    closes_a_run = b" run.close " in kept[index].raw[:20]
    del kept[index]
    rewrite(folder, kept)
    fault = verify(folder).fault
    assert fault is not None
    # Between two runs only the link tells, and a link accuses the entry before the gap.
    assert fault.index == index or (closes_a_run and fault.index == index - 1)


@SEARCH
@given(data=st.data())
def test_two_exchanged_entries_are_found_at_the_first(forged: Forge, data: st.DataObject) -> None:
    folder = forged()
    kept = records(folder)
    first, second = sorted(data.draw(st.sets(st.integers(0, len(kept) - 1), min_size=2, max_size=2)))
    kept[first], kept[second] = kept[second], kept[first]
    rewrite(folder, kept)
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index in (first, first - 1)


@SEARCH
@given(data=st.data())
def test_an_entry_repeated_elsewhere_is_found_there(forged: Forge, data: st.DataObject) -> None:
    folder = forged()
    kept = records(folder)
    at = data.draw(st.integers(0, len(kept)))
    kept.insert(at, data.draw(st.sampled_from(kept)))
    rewrite(folder, kept)
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index is not None
    assert at - 1 <= fault.index <= at + 1


def test_a_changed_entry_with_right_checksums_is_found_and_named(forged: Forge, closed: Path) -> None:
    changes = {b'"unit":"payroll"': b'"unit":"my-self"', b'"nonce":1': b'"nonce":2', b'"model":"m"': b'"model":"n"'}
    for before, after in changes.items():
        folder = forged()
        kept = records(folder)
        index = next(n for n, r in enumerate(kept) if before in r.raw)
        kept[index] = Record(0, 0, kept[index].raw.replace(before, after), kept[index].private)
        rewrite(folder, kept)
        fault = verify(folder).fault
        assert fault is not None
        assert fault.index == index


def test_the_last_entry_changed_with_right_checksums_differs_from_the_signed_head(forged: Forge) -> None:
    folder = forged()
    kept = records(folder)
    kept[-1] = Record(0, 0, kept[-1].raw.replace(b'"at":1790000000', b'"at":1790000001'))
    rewrite(folder, kept)
    fault = verify(folder).fault
    assert fault is not None
    assert (fault.index, fault.reason) == (len(kept) - 1, "an entry up to here is not the one that was signed")


@SEARCH
@given(data=st.data())
def test_a_shortened_log_is_found_even_with_the_watermark_rewritten(forged: Forge, data: st.DataObject) -> None:
    folder = forged()
    kept = records(folder)
    size = data.draw(st.integers(0, len(kept) - 1))
    rewrite(folder, kept[:size])
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index == size or size == 0


@SEARCH
@given(data=st.data())
def test_a_log_cut_at_any_byte_is_found(forged: Forge, data: st.DataObject) -> None:
    folder = forged()
    log = folder / "log"
    length = data.draw(st.integers(0, log.stat().st_size - 1))
    expected = sum(r.end <= length for r in records(folder))
    os.truncate(log, length)
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index == expected
    with pytest.raises(LedgerCorrupt) as caught:
        verify(folder).demand(folder)
    assert caught.value.index == expected


@SEARCH
@given(data=st.data())
def test_an_entry_of_another_ledger_is_found(
    forged: Forge, data: st.DataObject, tmp_path: Path, open_ledger: Open, story: Callable[[FileLedger], None]
) -> None:
    other = tmp_path / "other"
    if not other.exists():
        ledger = open_ledger(other)
        story(ledger)
        ledger.close()
    folder = forged()
    kept = records(folder)
    index = data.draw(st.integers(0, len(records(other)) - 1))
    kept[index] = records(other)[index]
    rewrite(folder, kept)
    fault = verify(folder).fault
    assert fault is not None
    assert fault.index == index


def test_an_exchanged_disclosure_is_found_at_its_entry(forged: Forge) -> None:
    for index in (1, 2, 3):
        folder = forged()
        kept = records(folder)
        kept[index] = Record(0, 0, kept[index].raw, pack(conceal({"payee": "mallory"}, "tx.intent")))
        rewrite(folder, kept)
        fault = verify(folder).fault
        assert fault is not None
        assert fault.index == index


def test_a_field_that_is_gone_without_an_erasure_is_found_at_its_entry(forged: Forge) -> None:
    folder = forged()
    private = records(folder)[3].private or b""
    log = (folder / "log").read_bytes()
    blank = frame(b"P", b"." * len(private))
    (folder / "log").write_bytes(log.replace(frame(b"P", private), blank))
    fault = verify(folder).fault
    assert fault is not None
    assert (fault.index, fault.reason) == (3, "a confidential field is gone and no entry erased it")


def test_an_erased_field_that_is_put_back_is_found(tmp_path: Path, open_ledger: Open) -> None:
    ledger = open_ledger(tmp_path / "ledger")
    index = ledger.append("tool.req", {}, confidential={"payee": "alice"}).index
    before = (tmp_path / "ledger" / "log").read_bytes()
    ledger.erase(index, "payee", "asked")
    another = ledger.append("tool.req", {}, confidential={"payee": "bob"}).index
    ledger.erase(another, "payee", "asked")
    after = bytearray((tmp_path / "ledger" / "log").read_bytes())
    restored = records(tmp_path / "ledger")[index]
    after[restored.start : restored.end] = before[restored.start : restored.end]
    (tmp_path / "ledger" / "log").write_bytes(after)
    fault = verify(tmp_path / "ledger").fault
    assert fault is not None
    assert (fault.index, fault.reason) == (index, "a confidential field was erased and is there again")


def test_a_whole_rewritten_history_is_found_by_a_head_from_outside(
    closed: Path, tmp_path: Path, open_ledger: Open
) -> None:
    """With the log's own key a forger writes a ledger that verifies by itself; what was anchored gives it away."""
    true = verify(closed)
    fork = tmp_path / "fork"
    fork.mkdir()
    shutil.copy(closed / "key", fork / "key")
    ledger = open_ledger(fork)
    for n in range(true.size + 3):
        ledger.append("config.change", {"n": n})
    ledger.close()
    assert verify(fork).ok
    anchored = verify(fork, heads=[Head(5, bytes(32)), Head(true.size, true.root)]).fault
    assert anchored is not None
    assert (anchored.index, anchored.reason) == (4, "an entry up to here is not the one that was anchored")
    longer = verify(fork, heads=[Head(10_000, true.root)]).fault
    assert longer is not None
    assert longer.index == verify(fork).size


def test_a_ledger_of_another_key_is_found(closed: Path) -> None:
    report = verify(closed, verifier="strongroom/x+00000000+AQ==")
    assert report.fault is not None
    assert report.fault.index == 0


def test_a_copy_without_keys_and_signatures_verifies_what_it_holds(forged: Forge) -> None:
    """What an auditor gets: no signing key. The checkpoint still verifies by the key named in the first entry."""
    folder = forged()
    (folder / "key").unlink()
    assert verify(folder).ok


@pytest.mark.parametrize("name", ["log", "durable", "signed"])
def test_opening_refuses_a_ledger_that_lost_what_was_acknowledged_or_signed(
    forged: Forge, open_ledger: Open, name: str
) -> None:
    lose = {
        "log": lambda folder: os.truncate(folder / "log", 2000),
        "durable": lambda folder: rewrite(folder, records(folder)[:-3]),
        "signed": lambda folder: (folder / "signed").write_text("17 ab\n"),
    }[name]
    folder = forged()
    lose(folder)
    before = (folder / "log").read_bytes()
    with pytest.raises(LedgerCorrupt, match="restore it from a backup"):
        open_ledger(folder)
    assert (folder / "log").read_bytes() == before


def test_opening_refuses_another_history_than_the_signed_one(closed: Path, tmp_path: Path, open_ledger: Open) -> None:
    fork = tmp_path / "fork"
    ledger = open_ledger(fork)
    for _ in range(30):
        ledger.append("config.change", {})
    ledger.abandon()
    shutil.copy(closed / "signed", fork / "signed")
    with pytest.raises(LedgerCorrupt, match="not the one that was signed"):
        open_ledger(fork)


@SEARCH
@given(data=st.data())
def test_opening_refuses_a_flipped_bit_in_an_acknowledged_entry_or_repairs_an_erasure(
    forged: Forge, data: st.DataObject
) -> None:
    folder = forged()
    log = bytearray((folder / "log").read_bytes())
    log[data.draw(st.integers(0, len(log) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / "log").write_bytes(log)
    file = LogFile(folder / "log")
    try:
        load(folder, file, Book(ACCOUNT))
    except LedgerCorrupt:
        assert (folder / "log").read_bytes() == log
    else:
        # The bit was in what an erasure had overwritten: overwriting it again is the whole repair.
        assert verify(folder).ok
    finally:
        file.abandon()
