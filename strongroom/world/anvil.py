"""The anvil process: on 127.0.0.1 only, ended by its own handle, and by the kernel when its parent dies."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, Timer
from typing import IO

from strongroom.errors import BadValue, ToolMissing
from strongroom.world.artifacts import anvil_binary
from strongroom.world.people import BALANCE_ETHER, MNEMONIC, PEOPLE

CHAIN_ID = 31337
BASE_FEE_WEI = 10**9

_Folder = TemporaryDirectory[str]
_PR_SET_PDEATHSIG = 1
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_START_SECONDS = 10.0


class Anvil:
    """A running anvil and its port. Attached (the default) it lives at most as long as the thread that started it, and
    the past states that it keeps on disk go with it: left to itself it leaves gigabytes in the user's home."""

    def __init__(
        self, process: subprocess.Popen[str], port: int, states: TemporaryDirectory[str] | None = None
    ) -> None:
        self.process, self.port, self._states = process, port, states
        self._drain = Thread(target=_discard, args=(process.stdout,), daemon=True) if process.stdout else None
        if self._drain:
            self._drain.start()

    @classmethod
    def start(cls, timestamp: int | None = None) -> Anvil:
        """Starts on a free port that the kernel picks. Raises `ToolMissing`."""
        states = TemporaryDirectory(prefix="strongroom-anvil-", ignore_cleanup_errors=True)
        process = subprocess.Popen(
            _command(0, states.name, timestamp),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - the child runs nothing but two prepared system calls
        )
        assert process.stdout is not None
        try:
            return cls(process, _announced_port(process, process.stdout), states)
        except ToolMissing:
            states.cleanup()
            raise

    @classmethod
    def start_detached(cls, port: int, states: Path, timestamp: int | None = None) -> Anvil:
        """Starts on `port`, to outlive this process; keep `process.pid`, and remove `states` once it has ended. Raises
        `BadValue` when the port is taken."""
        _require_free(port)
        process = subprocess.Popen(
            [*_command(port, str(states), timestamp), "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        _await_listening(process, port)
        return cls(process, port)

    def stop(self) -> None:
        """Ends the process; it holds nothing worth a farewell. Twice is no error."""
        self.process.kill()
        self.process.wait()
        if self._drain:
            self._drain.join()
        if self.process.stdout:
            self.process.stdout.close()
        if self._states:
            self._states.cleanup()


def _command(port: int, states: str, timestamp: int | None) -> list[str]:
    options = {
        "--host": "127.0.0.1",
        "--port": port,
        "--cache-path": states,
        "--chain-id": CHAIN_ID,
        "--mnemonic": MNEMONIC,
        "--accounts": len(PEOPLE),
        "--balance": BALANCE_ETHER,
        "--block-base-fee-per-gas": BASE_FEE_WEI,
        "--timestamp": timestamp if timestamp is not None else int(time.time()),
    }
    flags = ["--no-mining", "--auto-impersonate", "--no-request-size-limit"]
    return [str(anvil_binary()), *flags, *(str(each) for option in options.items() for each in option)]


def _die_with_parent() -> Callable[[], None] | None:
    """Run in the child between fork and exec: only calls prepared here, no import, no lock."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the request stood.
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def _announced_port(process: subprocess.Popen[str], output: IO[str]) -> int:
    last_lines: deque[str] = deque(maxlen=8)
    patience = Timer(_START_SECONDS, process.kill)
    patience.start()
    for line in output:
        if found := _LISTENING.search(line):
            patience.cancel()
            return int(found[1])
        last_lines.append(line.strip())
    patience.cancel()
    process.wait()
    output.close()
    raise ToolMissing("anvil", f"it ended with `{' '.join(last_lines).strip()}`; run `make setup` again")


def _discard(output: IO[str]) -> None:
    # Anvil writes a line a request and would block on a full pipe.
    for _ in output:
        pass


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BadValue(port, "the world's port", "another process listens there; choose a free one") from error


def _await_listening(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    process.kill()
    process.wait()
    raise ToolMissing("anvil", f"it did not listen on port `{port}`; run `make setup` again")
