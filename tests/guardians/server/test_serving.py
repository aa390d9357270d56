"""Starting, stopping, and what outlives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from guardians.server.serving import Server, open_service
from strongroom.errors import BadValue, NodeUnreachable
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.world import World

from .conftest import Desk, SetClock, sign

INES, JONAS, KEMI = GUARDIANS


@contextmanager
def _desk(world: World, path: Path, rpc: str | None = None) -> Iterator[Desk]:
    clock = SetClock()
    with (
        open_service(rpc or world.url, path, clock) as service,
        Server(service) as server,
        requests.Session() as http,
    ):
        yield Desk(server.url, world, clock, http)


def test_a_restart_forgets_nothing(world: World, tmp_path: Path) -> None:
    with _desk(world, tmp_path / "queue.db") as desk:
        digest = safe_tx_hash(desk.tx())
        desk.delegate()
        desk.propose(desk.tx(), AGENT)
        desk.confirm(digest, sign(KEMI, digest))
        before = desk.show(digest)
    with _desk(world, tmp_path / "queue.db") as desk:
        assert desk.show(digest) == before
        assert desk.propose(desk.tx(1), AGENT).status_code == 201


def test_it_is_gone_when_it_is_left(world: World, tmp_path: Path) -> None:
    with _desk(world, tmp_path / "queue.db") as desk:
        assert desk.url.startswith("http://127.0.0.1:")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{desk.url}/api/v1/about/", timeout=5)


def test_a_port_in_use_is_named(world: World) -> None:
    with socket.socket() as taken, open_service(world.url, ":memory:", SetClock()) as service:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadValue, match=f"`{port}`"):
            Server(service, port)


def test_without_a_node_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(NodeUnreachable), open_service(_nowhere(), tmp_path / "queue.db", SetClock()):
        pass


def test_a_node_that_falls_silent_makes_it_unavailable_and_not_wrong(tmp_path: Path) -> None:
    with World.start() as world, _desk(world, tmp_path / "queue.db") as desk:
        desk.propose(desk.tx())
        assert world.anvil
        world.anvil.stop()
        answer = desk.get(f"/v2/safes/{desk.safe}/multisig-transactions/")
        assert answer.status_code == 503
        assert answer.json()["exception"] == "Problem connecting to Ethereum network"
        assert desk.get("/v1/about/").status_code == 200


def _nowhere() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


PROCESS = """
import sys, time
from guardians.server.serving import open_service, serve
class Wall:
    def now(self): return int(time.time())
with open_service(sys.argv[1], sys.argv[2], Wall()) as service:
    serve(service, int(sys.argv[3]))
"""


def test_a_process_killed_outright_has_kept_all_it_answered_for(world: World, tmp_path: Path) -> None:
    url, path = _nowhere(), tmp_path / "queue.db"
    arguments = [sys.executable, "-W", "error", "-c", PROCESS, world.url, str(path), url.rpartition(":")[2]]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=_environment())
    try:
        with requests.Session() as http:
            desk = Desk(url, world, SetClock(), http)
            _await_up(desk)
            assert desk.propose(desk.tx(), KEMI).status_code == 201
    finally:
        process.kill()
        _, errors = process.communicate()
    assert errors == ""
    with _desk(world, path) as desk:
        assert desk.show(safe_tx_hash(desk.tx()))["proposer"] == KEMI.address


def _await_up(desk: Desk) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            desk.get("/v1/about/")
            return
        except requests.ConnectionError:
            time.sleep(0.02)
    raise AssertionError("the service did not start")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("agent", "langgraph", "langchain_core", "openai"):
            raise ImportError(name)
sys.meta_path.insert(0, Block())
import guardians.server.serving
assert not {"safe_eth", "web3", "eth_account", "pandas"} & set(sys.modules)
"""


def test_it_needs_neither_the_agent_nor_a_model_and_imports_nothing_heavy_at_start() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKED],
        capture_output=True,
        text=True,
        env=_environment(),
    )
    assert done.returncode == 0, done.stderr
