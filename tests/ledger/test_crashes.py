"""SIGKILL, torn writes, interrupted erasures and a full disk: nothing acknowledged is lost, nothing half stays."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.errors import BadValue, KeyMissing, LedgerCorrupt, LedgerUnwritable
from strongroom.ledger.book import Book
from strongroom.ledger.disclosures import standing
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.frames import walk
from strongroom.ledger.loading import load
from strongroom.ledger.log_file import LogFile
from strongroom.ledger.reading import read_entries
from strongroom.ledger.verification import verify
from strongroom.model import Account, Address, Digest

ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
Open = Callable[[Path], FileLedger]
SEARCH = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WRITER = """
import os, sys, threading
from pathlib import Path
from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Account, Address

class Clock:
    def now(self):
        return 1790000000

account = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
ledger = FileLedger.open(Path(sys.argv[1]), account, Clock(), {"policy": "0x00"})

def write(name):
    n = 0
    while True:
        text = f"{name}-{os.getpid()}-{n}"
        index = ledger.append("tool.req", {"text": text}, confidential={"secret": text}).index
        os.write(1, f"{index} {text}\\n".encode())
        if n % 7 == 3:
            ledger.erase(index, "secret", "test")
        if n % 20 == 5:
            ledger.checkpoint()
        n += 1

for name in "abc":
    threading.Thread(target=write, args=(name,)).start()
"""


def killed_after(folder: Path, acknowledged: int) -> list[tuple[int, str]]:
    """Let a process write with three threads until it acknowledged so many, kill it, return all it acknowledged."""
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        lines = [child.stdout.readline() for _ in range(acknowledged)]
    finally:
        child.kill()
        rest = child.stdout.read()
        child.stdout.close()
        child.wait()
    whole = (b"".join(lines) + rest).rsplit(b"\n", 1)[0].decode().split("\n")
    return [(int(index), text) for index, text in (line.split(" ") for line in whole)]


def test_no_acknowledged_entry_is_lost_to_sigkill(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    acknowledged: dict[int, str] = {}
    for _ in range(5):
        acknowledged.update(killed_after(folder, random.randint(1, 120)))
    ledger = open_ledger(folder)
    assert {index: ledger.entry(index).body["text"] for index in acknowledged} == acknowledged
    report = verify(folder)
    assert report.ok, report.fault
    assert report.waiting == ()


@pytest.fixture
def torn(tmp_path: Path, open_ledger: Open) -> tuple[Path, bytes, int, int]:
    """A folder whose log ends before its last record, the whole log, and where the last record starts and ends."""
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    ledger.append("config.change", {"n": 1})
    mark = (folder / "durable").read_bytes()
    ledger.append("tool.req", {"tool": "quote"}, confidential={"payee": "alice"})
    ledger.abandon()
    (folder / "durable").write_bytes(mark)
    log = (folder / "log").read_bytes()
    last = list(walk(log))[-1]
    return folder, log[: last.end + 64], last.start, last.end


def reopened(folder: Path, log: bytes) -> int:
    (folder / "log").write_bytes(log)
    book, file = Book(ACCOUNT), LogFile(folder / "log")
    loaded = load(folder, file, book)
    file.abandon()
    assert len(loaded.starts) == book.tree.size
    assert list(walk((folder / "log").read_bytes()))[-1].end == loaded.end
    return book.tree.size


def test_a_write_torn_at_any_byte_leaves_every_acknowledged_entry(torn: tuple[Path, bytes, int, int]) -> None:
    folder, log, start, end = torn
    for offset in range(start, end):
        missing = bytes(len(log) - offset) if offset % 2 else b""
        assert reopened(folder, log[:offset] + missing) == 2
    assert verify(folder).size == 2
    assert reopened(folder, log[:end]) == 3


@SEARCH
@given(data=st.data())
def test_a_write_with_a_hole_or_noise_in_it_leaves_every_acknowledged_entry(
    torn: tuple[Path, bytes, int, int], data: st.DataObject
) -> None:
    folder, log, start, end = torn
    first = data.draw(st.integers(start, end - 1))
    noise = data.draw(st.binary(min_size=1, max_size=end - first))
    changed = log[:first] + noise + log[first + len(noise) :]
    assert reopened(folder, changed) == (3 if changed == log else 2)


def test_a_torn_tail_is_reported_by_verify_without_being_a_fault(torn: tuple[Path, bytes, int, int]) -> None:
    folder, log, start, _ = torn
    (folder / "log").write_bytes(log[: start + 20])
    report = verify(folder)
    assert report.ok
    assert (report.size, report.unfinished) == (2, "its frame is cut off")


def test_an_erasure_interrupted_at_any_byte_is_completed_at_the_next_start(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    index = ledger.append("tool.req", {}, confidential={"payee": "alice", "amount": "5"}).index
    whole = list(walk((folder / "log").read_bytes()))[index]
    before = (folder / "log").read_bytes()[whole.start : whole.end]
    erased = ledger.disclose(index, "payee").digest
    ledger.erase(index, "payee", "asked")
    ledger.abandon()
    log = (folder / "log").read_bytes().rstrip(b"\0")
    after = log[whole.start : whole.end]
    for offset in range(len(before)):
        interrupted = after[:offset] + before[offset:]
        (folder / "log").write_bytes(log[: whole.start] + interrupted + log[whole.end :])
        if offset == 0:
            assert verify(folder).unfinished == "the erasure of entry `1` is not complete"
        reopened(folder, (folder / "log").read_bytes())
        record = list(walk((folder / "log").read_bytes()))[index]
        assert record.intact
        assert erased not in standing(record.private or b"")
        assert (folder / "log").read_bytes()[whole.start : whole.end] == after
    assert verify(folder).ok


def test_requests_that_died_with_the_process_are_closed_and_those_of_people_wait(
    tmp_path: Path, open_ledger: Open
) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    model = ledger.append("model.req", {}).index
    human = ledger.append("human.req", {}).index
    tool = ledger.append("tool.req", {}).index
    ledger.abandon()
    ledger = open_ledger(folder)
    gaps = [entry for entry in ledger.entries() if entry.type == "gap"]
    assert [entry.link.cause for entry in gaps] == [model, tool]
    assert {entry.link.run for entry in gaps} == {ledger.run}
    assert verify(folder).waiting == (human,)
    ledger.append("human.res", {"signed": True}, cause=human)
    with pytest.raises(BadValue, match="no result yet"):
        ledger.append("model.res", {}, cause=model)


def test_intents_are_found_again_after_a_restart(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    receipt = ledger.append("tx.intent", {}, binding=Digest("0x" + "ab" * 32))
    ledger.abandon()
    ledger = open_ledger(folder)
    assert ledger.intent(receipt.binding) == receipt
    ledger.append("tx.sent", {}, binding=receipt.binding, cause=receipt.index)


def test_a_disk_that_fails_acknowledges_nothing_more_and_loses_nothing(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((1 << 20) + 4096, limits[1]))
    acknowledged = 0
    try:
        with pytest.raises(LedgerUnwritable, match="mend or free the disk"):
            for _ in range(2000):
                acknowledged = ledger.append("config.change", {"text": "x" * 50_000}).index
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert acknowledged > 10
    with pytest.raises(LedgerUnwritable):
        ledger.append("config.change", {})
    assert ledger.size == acknowledged + 1
    ledger.close()
    assert open_ledger(folder).size == acknowledged + 2
    assert verify(folder).ok


def test_another_accounts_log_is_refused(closed: Path) -> None:
    class Clock:
        def now(self) -> int:
            return 0

    other = Account(1, ACCOUNT.safe)
    before = (closed / "log").read_bytes()
    with pytest.raises(BadValue, match=f"it is the log of `{ACCOUNT.safe}` on chain `31337`"):
        FileLedger.open(closed, other, Clock(), {})
    assert (closed / "log").read_bytes() == before


def test_a_ledger_without_its_key_is_refused(closed: Path, open_ledger: Open) -> None:
    (closed / "key").unlink()
    with pytest.raises(KeyMissing, match="restore the ledger's folder"):
        open_ledger(closed)


def test_a_second_writer_is_refused_while_the_first_has_the_log_open(tmp_path: Path, open_ledger: Open) -> None:
    ledger = open_ledger(tmp_path / "ledger")
    with pytest.raises(LedgerUnwritable, match="another process writes it"):
        open_ledger(tmp_path / "ledger")
    assert ledger.append("config.change", {}).index == 1


def test_a_value_that_decayed_on_disk_is_not_disclosed(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    index = ledger.append("tool.req", {}, confidential={"large": "x" * 5000, "small": "y"}).index
    blob = next((folder / "blobs").iterdir())
    for damage in (lambda: blob.write_bytes(b"noise"), blob.unlink):
        damage()
        with pytest.raises(LedgerCorrupt, match=f"not intact at entry `{index}`"):
            ledger.disclose(index, "large")
    assert ledger.disclose(index, "small").value == "y"
    record = list(walk((folder / "log").read_bytes()))[index]
    with (folder / "log").open("r+b") as log:
        log.seek(record.start + 20)
        log.write(b"\0")
    with pytest.raises(LedgerCorrupt, match=f"not intact at entry `{index}`"):
        ledger.disclose(index, "small")


def test_another_process_reads_what_was_acknowledged_while_one_writes(tmp_path: Path, open_ledger: Open) -> None:
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    for n in range(5):
        ledger.append("config.change", {"n": n})
        assert [entry.raw for entry in read_entries(folder)] == [entry.raw for entry in ledger.entries()]
        assert verify(folder).size == ledger.size
    log = bytearray((folder / "log").read_bytes())
    log[40] ^= 1
    (folder / "log").write_bytes(log)
    with pytest.raises(LedgerCorrupt, match="at entry `0`"):
        list(read_entries(folder))


def test_the_folder_is_for_its_owner_only(closed: Path) -> None:
    assert closed.stat().st_mode & 0o777 == 0o700
    for path in [*closed.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_closed_ledger_has_no_unused_space_and_opens_again(closed: Path, open_ledger: Open) -> None:
    assert (closed / "log").read_bytes()[-1:] == b"}"
    copy = closed.with_name("copy")
    shutil.copytree(closed, copy)
    assert open_ledger(copy).size == verify(closed).size + 1
    assert (copy / "log").stat().st_size > (closed / "log").stat().st_size
