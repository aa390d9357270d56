"""What the story is told with: headings, child processes that end with it, and checks that end it when they fail."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strongroom.errors import StrongroomError

_PATIENCE_SECONDS = 30.0
# The guardians' program starts with the agent made impossible to import.
_WITHOUT_AGENT = "import sys, runpy; sys.modules['agent'] = None; runpy.run_module('guardians', run_name='__main__')"


class StoryBroken(StrongroomError):
    def __init__(self, what: str) -> None:
        super().__init__(f"the story does not hold: {what}")


@dataclass
class Stage:
    """Children end when `stack` closes. `tell` prints for people; with `--json` it is silent."""

    tell: Callable[[str], None]
    folder: Path
    stack: ExitStack
    environment: Mapping[str, str]
    _chapter: int = field(default=0)

    def chapter(self, title: str) -> None:
        self._chapter += 1
        self.tell(f"\n{self._chapter}. {title}")

    def check(self, holds: bool, what: str) -> None:
        """Raises `StoryBroken` naming what did not hold."""
        if not holds:
            raise StoryBroken(what)

    def strongroom(self, *arguments: str) -> Any:
        """Runs one command to its end; its `--json` answer."""
        return self._answer([sys.executable, "-m", "agent.cli", *arguments, "--json"])

    def guardian(self, *arguments: str) -> Any:
        """Runs one guardian command in a process where the agent cannot be imported; its `--json` answer."""
        return self._answer([sys.executable, "-c", _WITHOUT_AGENT, *arguments, "--json"])

    def start_guardians(self, *arguments: str) -> subprocess.Popen[str]:
        """A long-lived guardian process; returns once it has said its first line."""
        return self._heard(*self._start([sys.executable, "-c", _WITHOUT_AGENT, *arguments]))

    def start_strongroom(self, *arguments: str) -> subprocess.Popen[str]:
        """A long-lived treasurer; returns once it has said its first line."""
        return self._heard(*self._start([sys.executable, "-m", "agent.cli", *arguments]))

    def begin_strongroom(self, *arguments: str) -> subprocess.Popen[str]:
        """A long-lived treasurer that may still be starting up."""
        return self._start([sys.executable, "-m", "agent.cli", *arguments])[0]

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Waits for something to hold and returns it. Raises `StoryBroken` when it takes too long."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.1)
        raise StoryBroken(f"{what} did not happen within {_PATIENCE_SECONDS:.0f} s")

    def _answer(self, command: Sequence[str]) -> Any:
        done = subprocess.run(command, capture_output=True, text=True, env=dict(self.environment), timeout=60)
        # A refusal exits 1 and still answers on stdout; an error answers in one line on stderr.
        if done.returncode and not done.stdout.strip():
            raise StoryBroken(done.stderr.strip())
        return json.loads(done.stdout.strip().splitlines()[-1])

    def _start(self, command: Sequence[str]) -> tuple[subprocess.Popen[str], Path]:
        log = (self.folder / f"child-{len(list(self.folder.iterdir()))}.log").open("w+")
        child = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=dict(self.environment))
        self.stack.callback(log.close)
        self.stack.callback(end, child)
        return child, Path(log.name)

    def _heard(self, child: subprocess.Popen[str], spoke: Path) -> subprocess.Popen[str]:
        self.until(f"process {child.pid}", lambda: spoke.read_text() or child.poll() is not None)
        if child.poll() is not None:
            raise StoryBroken(spoke.read_text().strip())
        return child


def end(child: subprocess.Popen[str]) -> None:
    """Asks the child to stop and waits for it; kills it when it does not."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
