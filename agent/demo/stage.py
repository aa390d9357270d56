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

_PATIENCE_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
# The guardians' program starts with the agent made impossible to import.
_WITHOUT_AGENT = "import sys, runpy; sys.modules['agent'] = None; runpy.run_module('guardians', run_name='__main__')"


class StoryBroken(StrongroomError):
    def __init__(self, what: str) -> None:
        super().__init__(f"the story does not hold: {what}")


@dataclass(frozen=True, slots=True)
class Child:
    """A long-lived process, and the file that takes all it says."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def lines(self, text: str) -> list[str]:
        """What it has said so far, of lines that hold `text`."""
        return [line for line in self.log.read_text().splitlines() if text in line]


@dataclass
class Stage:
    """Children end when `stack` closes. `tell` prints for people; with `--json` it is silent."""

    tell: Callable[[str], None]
    folder: Path
    stack: ExitStack
    environment: Mapping[str, str]
    _chapter: int = field(default=0)
    _dismissed: list[Child] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        self._chapter += 1
        self.tell(f"\n{self._chapter}. {title}")

    def check(self, holds: bool, what: str) -> None:
        """Raises `StoryBroken` naming what did not hold."""
        if not holds:
            raise StoryBroken(what)

    def strongroom(self, *arguments: str) -> Any:
        """Runs one command to its end; its `--json` answer."""
        return self.ask_strongroom(*arguments)()

    def ask_strongroom(self, *arguments: str) -> Callable[[], Any]:
        """Begins one command; what is returned waits for its end and its `--json` answer."""
        return self._ask([sys.executable, "-m", "agent.cli", *arguments, "--json"])

    def guardian(self, *arguments: str) -> Any:
        """Runs one guardian command in a process where the agent cannot be imported; its `--json` answer."""
        return self._ask([sys.executable, "-c", _WITHOUT_AGENT, *arguments, "--json"])()

    def start_guardians(self, *arguments: str) -> Child:
        """A long-lived guardian process that is starting up; `hear` its first line before it is asked anything."""
        return self._start([sys.executable, "-c", _WITHOUT_AGENT, *arguments])

    def start_treasurer(self, config: Path) -> Child:
        """`strongroom run`, starting up; `hear` its first line before it is asked anything. The one before it has left:
        the state folder has one holder."""
        self.await_dismissed()
        return self._start([sys.executable, "-m", "agent.cli", "run", "--config", str(config)])

    def dismiss(self, child: Child) -> None:
        """Asks the child to stop, and goes on."""
        child.process.send_signal(signal.SIGTERM)
        self._dismissed.append(child)

    def await_dismissed(self) -> None:
        """Waits until whoever was asked to stop has gone. Raises `StoryBroken` when one did not end well."""
        while self._dismissed:
            child = self._dismissed.pop()
            code = child.process.wait(_PATIENCE_SECONDS)
            self.check(code == 0, f"process {child.pid} ends well, not with {code}: {child.log.read_text().strip()}")

    def hear(self, child: Child, text: str) -> str:
        """Waits for the first line with `text` and returns it. Raises `StoryBroken` with what the child said instead
        when it ends before."""
        self.until(f"`{text}` from process {child.pid}", lambda: child.lines(text) or child.process.poll() is not None)
        said = child.lines(text)
        self.check(bool(said), child.log.read_text().strip())
        return said[0]

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Waits for something to hold and returns it. Raises `StoryBroken` when it takes too long."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.1)
        raise StoryBroken(f"{what} did not happen within {_PATIENCE_SECONDS:.0f} s")

    def _ask(self, command: Sequence[str]) -> Callable[[], Any]:
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=dict(self.environment))
        self.stack.callback(end, child)

        def answer() -> Any:
            out, err = child.communicate(timeout=_ANSWER_SECONDS)
            # A refusal exits 1 and still answers on stdout; an error answers in one line on stderr.
            if child.returncode and not out.strip():
                raise StoryBroken(err.strip())
            return json.loads(out.strip().splitlines()[-1])

        return answer

    def _start(self, command: Sequence[str]) -> Child:
        log = self.stack.enter_context((self.folder / f"child-{len(list(self.folder.iterdir()))}.log").open("w+"))
        process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=dict(self.environment))
        self.stack.callback(end, process)
        return Child(process, Path(log.name))


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
