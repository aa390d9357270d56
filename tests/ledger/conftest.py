"""Ledgers on disk for the tests, and the same few writes that most of them begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Account, Address, Digest

ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
ACTION = Digest("0x" + "ab" * 32)


@dataclass
class Stopped:
    time: int = 1_790_000_000

    def now(self) -> int:
        return self.time


IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where the system has one.

    A killed process loses no more there than on a disk, and no test cuts the power: a disk would only cost time.
    """
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(folder)


Open = Callable[[Path], FileLedger]


@pytest.fixture
def open_ledger() -> Iterator[Open]:
    """Opens ledgers and leaves them as a killed process would at the end, unless the test closed them."""
    opened: list[FileLedger] = []

    def open_at(folder: Path) -> FileLedger:
        opened.append(FileLedger.open(folder, ACCOUNT, Stopped(), {"policy": "0x00"}))
        return opened[-1]

    yield open_at
    for ledger in opened:
        ledger.abandon()


def _story(ledger: FileLedger) -> None:
    """Every kind of frame: plain and confidential entries, blobs, an erasure, an action until mined, a gap."""
    request = ledger.append("model.req", {"model": "m"}, confidential={"prompt": "x" * 5000, "actor": "operator:ana"})
    ledger.append("model.res", {"plan": 1}, cause=request.index, confidential={"answer": b"{}"})
    intent = ledger.append("tx.intent", {"unit": "payroll"}, binding=ACTION, cause=2, confidential={"payee": "alice"})
    ledger.append("tx.sent", {"nonce": 1}, binding=ACTION, cause=intent.index)
    ledger.append("tx.mined", {"block": 7}, binding=ACTION, cause=intent.index)
    ledger.erase(request.index, "actor", "asked by ana")
    tool = ledger.append("tool.req", {"tool": "quote"})
    ledger.append("gap", {"reason": "timed out"}, cause=tool.index)
    ledger.append("human.req", {"guardians": 2})


@pytest.fixture
def story() -> Callable[[FileLedger], None]:
    return _story


@pytest.fixture
def closed(tmp_path: Path, open_ledger: Open) -> Path:
    """A folder with the story, a signed checkpoint in the middle of a second run, and a clean end."""
    folder = tmp_path / "ledger"
    ledger = open_ledger(folder)
    _story(ledger)
    ledger.close()
    ledger = open_ledger(folder)
    ledger.append("verdict", {"verdict": "allow"})
    ledger.checkpoint()
    ledger.append("config.change", {"mode": "propose"})
    ledger.close()
    return folder
