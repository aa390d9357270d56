"""The local world between commands: it stays up, moves in time, goes down, and touches nobody else's things."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_documents
from agent.cli.world import Started
from agent.demo.stage import free_port
from strongroom.settings import Mode
from tests.agent.conftest import Run


@contextmanager
def _world_up(folder: Path) -> Iterator[dict[str, Any]]:
    """`world up` in a process of its own, which ends; the chain stays until the context does."""
    service = f"http://127.0.0.1:{free_port()}"
    command = ["world", "up", "--folder", str(folder), "--port", str(free_port()), "--service", service, "--json"]
    done = subprocess.run([sys.executable, "-m", "agent.cli", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    try:
        yield json.loads(done.stdout)
    finally:
        started = Started(**json.loads((folder / "world.json").read_text()))
        if started.lives():
            os.kill(started.pid, 9)


def test_a_world_stays_up_between_commands_moves_in_time_and_goes_down(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "world"
    with _world_up(folder) as up:
        documents = open_documents(folder)
        assert (documents.treasury.rpc, documents.treasury.mode) == (up["url"], Mode.SHADOW)
        again = json.loads(run("world", "up", "--folder", folder, "--json")[1])
        assert again | {"new": True} == up
        moved = json.loads(run("world", "advance", "7 days", "--folder", folder, "--json")[1])
        assert moved["time"] - up["time"] == 7 * 86_400
        _falls(run, folder)
        moved = json.loads(run("world", "advance", "1 hour", "--folder", folder, "--json")[1])
        told = json.loads(run("world", "status", "--folder", folder, "--json")[1])
        assert (told["up"], told["block"], told["safe"]) == (True, moved["block"], up["safe"])
        assert run("world", "down", "--folder", folder, "--json")[1] == f'{{"ended":{up["pid"]}}}\n'
    assert run("world", "down", "--folder", folder) == (0, "the world is down already\n", "")
    assert run("world", "status", "--folder", folder, "--json")[1] == '{"up":false}\n'
    assert not Started(**json.loads((folder / "world.json").read_text())).lives()


def _falls(run: Run, folder: Path) -> None:
    fell = json.loads(run("world", "fall", "WETH", "35%", "--folder", folder, "--json")[1])
    assert (fell["bps"], fell["before_e8"]) == (3_500, [3_000_00000000, 3_000_60000000])
    assert fell["after_e8"] == [1_950_00000000, 1_950_39000000]
    code, out, _ = run("world", "fall", "USDC", "4.5 %", "--folder", folder)
    assert code == 0 and out.startswith("USDC fell from 1.00 to 0.955 USD, in its feeds and in every pool\nblock ")
    code, out, err = run("world", "fall", "WETH", "95%", "--folder", folder)
    assert (code, out, err.count("\n")) == (1, "", 1) and "let it fall less" in err
    code, out, err = run("world", "fall", "GOLD", "35%", "--folder", folder)
    wanted = (
        "strongroom: `GOLD` cannot be used for TOKEN; name one that has a price: `ETH`, `WETH`, `USDC`, `DAI`, `HALL`\n"
    )
    assert (code, out, err) == (1, "", wanted)


@pytest.mark.parametrize("percent", ["0%", "100 %", "35", "-5%", "120%", "half", "0.001 %", ""])
def test_no_share_but_one_between_nothing_and_all_can_be_lost(percent: str, run: Run, tmp_path: Path) -> None:
    code, out, err = run("world", "fall", "--folder", tmp_path, "--", "WETH", percent)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "` cannot be used for PERCENT; " in err


def test_without_a_world_nothing_falls(run: Run, tmp_path: Path) -> None:
    code, out, err = run("world", "fall", "WETH", "35%", "--folder", tmp_path)
    assert (code, out) == (1, "")
    assert f"no world of `{tmp_path}` is up; start it with `strongroom world up --folder {tmp_path}`" in err


def test_a_new_world_keeps_what_was_written_and_starts_with_fresh_state(tmp_path: Path) -> None:
    """The old chain is gone: its ledger would tell of payments that the new one never saw."""
    folder = tmp_path / "world"
    (folder / "state-of-old").mkdir(parents=True)
    (folder / "world.json").write_text(json.dumps({"pid": os.getpid(), "port": 1, "command": "anvil --timestamp 1"}))
    (folder / "treasury.toml").write_text("state_dir = 'state-of-old'\n")
    (folder / "schedule.toml").write_text("# mine\n")
    with _world_up(folder):
        documents = open_documents(folder)
    assert documents.jobs == ()
    assert documents.treasury.state_dir.is_relative_to(folder) and documents.treasury.state_dir.is_dir()
    assert documents.treasury.state_dir != folder / "state-of-old" and (folder / "state-of-old").is_dir()


def test_down_never_ends_a_process_that_is_not_ours(run: Run, tmp_path: Path) -> None:
    """The world's number was given to somebody else since."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as foreign:
        noted = {"pid": foreign.pid, "port": free_port(), "command": "anvil --host 127.0.0.1 --timestamp 1"}
        (tmp_path / "world.json").write_text(json.dumps(noted))
        try:
            assert run("world", "down", "--folder", tmp_path) == (0, "the world is down already\n", "")
            assert foreign.poll() is None
        finally:
            foreign.kill()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_up_overwrites_nobody_s_documents(run: Run, tmp_path: Path, taken_port: int) -> None:
    (tmp_path / "treasury.toml").write_text("name = 'ours'\n")
    code, out, err = run("world", "up", "--folder", tmp_path, "--port", taken_port)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "it holds the documents of another treasury; name a new folder" in err
    assert (tmp_path / "treasury.toml").read_text() == "name = 'ours'\n"


def test_up_on_a_taken_port_says_so_and_writes_nothing(run: Run, tmp_path: Path, taken_port: int) -> None:
    code, _, err = run("world", "up", "--folder", tmp_path / "world", "--port", taken_port)
    assert code == 1
    assert f"`{taken_port}` cannot be used for the world's port; another process listens there" in err
    assert not (tmp_path / "world").exists()


def test_init_reads_the_worlds_safe_and_keeps_its_chains_beside_the_documents(run: Run, tmp_path: Path) -> None:
    """The line that `world up` prints, as a user types it; `doctor` and `policy deploy` then need no option."""
    folder, config = tmp_path / "world", tmp_path / "config"
    with _world_up(folder) as up:
        named = ["--safe", up["safe"], "--rpc", up["url"], "--chains", folder / "chains.toml"]
        told = run("world", "up", "--folder", folder)[1]
        assert f"strongroom init {' '.join(map(str, named))}" in told
        assert f"`strongroom world down --folder {folder}`" in told
        code, out, err = run("init", *named, "--folder", config, "--state", tmp_path / "state", "--days", "1")
        assert code == 0, (out, err)
    assert (config / "chains.toml").read_text() == (folder / "chains.toml").read_text()
    assert open_documents(config).treasury.account.safe == up["safe"]
