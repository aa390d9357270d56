"""The process behind the world: where it listens, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import BadValue, ToolMissing
from strongroom.world.anvil import Anvil
from strongroom.world.world import World

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")


def child(code: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def is_running(pid: int) -> bool:
    """Whether the process lives; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


@linux_only
def test_a_killed_parent_takes_its_world_along() -> None:
    start = "from strongroom.world.anvil import Anvil; print(Anvil.start().process.pid, flush=True)"
    code = f"{start}; import time; time.sleep(60)"
    with child(code) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
        assert ends_within(pid, 5)


@linux_only
def test_a_detached_world_outlives_its_parent_and_ends_by_pid(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = f"World.start_detached({port}, Path('{tmp_path}'))"
    imports = "from pathlib import Path; from strongroom.world.world import World"
    code = f"{imports}; print({start}.anvil.process.pid, flush=True)"
    with child(code, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
    try:
        assert is_running(pid)
        with World.attach(port) as attached:
            attached.advance(60)
    finally:
        os.kill(pid, signal.SIGKILL)
    assert ends_within(pid, 5)


def test_stop_ends_the_process_and_frees_the_port() -> None:
    anvil = Anvil.start()
    anvil.stop()
    assert anvil.process.poll() is not None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", anvil.port))
    anvil.stop()


def test_past_states_on_disk_go_with_the_chain() -> None:
    """More blocks than anvil keeps in memory."""
    with World.start() as running:
        assert running.anvil is not None and running.anvil._states is not None
        states = Path(running.anvil._states.name)
        running.ask("anvil_mine", hex(600))
        assert any(path.is_file() for path in states.rglob("*"))
    assert not states.exists()


def test_only_loopback_is_listened_on(module_world: World) -> None:
    assert module_world.anvil is not None
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", module_world.anvil.port), timeout=1)


def test_a_taken_port_is_named(module_world: World, tmp_path: Path) -> None:
    assert module_world.anvil is not None
    with pytest.raises(BadValue, match=f"`{module_world.anvil.port}` cannot be used for the world's port"):
        Anvil.start_detached(module_world.anvil.port, tmp_path)


def test_an_anvil_that_will_not_start_tells_its_reason() -> None:
    with pytest.raises(ToolMissing, match=r"it ended with `.*timestamp"):
        Anvil.start(timestamp=2**70)


def test_a_chatty_client_never_blocks_on_the_log(module_world: World) -> None:
    """Anvil logs each request to a pipe: far more than a pipe holds must pass."""
    for _ in range(3):
        module_world._node.ask_all([("eth_chainId", [])] * 3_000)


def test_without_node_modules_the_mending_command_is_named(tmp_path: Path) -> None:
    source = Path(strongroom.__file__).parent
    shutil.copytree(source, tmp_path / "strongroom", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from strongroom.world.anvil import Anvil; Anvil.start()"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "`node_modules` is not installed; run `make setup` in the checkout" in ended.stderr
