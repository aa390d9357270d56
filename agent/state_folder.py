"""The state folder: where everything lies that must survive a restart, and the lock that gives it one owner."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from strongroom.errors import StateHeld


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths under `state_dir`. The folder is made with mode 0700 and lies outside the checkout."""

    path: Path

    @property
    def keystore(self) -> Path:
        return self.path / "keystore" / "agent.json"

    @property
    def anchor_keystore(self) -> Path:
        return self.path / "keystore" / "anchor.json"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints.db"

    @property
    def units(self) -> Path:
        return self.path / "units.db"

    @property
    def outbox(self) -> Path:
        return self.path / "outbox.db"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs.db"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def socket(self) -> Path:
        """Where a running process writes its loopback address and token."""
        return self.path / "socket.json"

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)


class Held:
    """The lock on a state folder, from construction to `release`. The kernel drops it with the process."""

    def __init__(self, folder: StateFolder) -> None:
        folder.make()
        self._file: IO[str] = folder.lock.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise StateHeld(str(folder.path), holder(folder) or 0) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()


def is_held(folder: StateFolder) -> bool:
    """Whether a living process has the lock now."""
    try:
        with folder.lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def holder(folder: StateFolder) -> int | None:
    """The pid that wrote itself into the lock last, whether it still lives or not."""
    try:
        return int(folder.lock.read_text())
    except (OSError, ValueError):
        return None
