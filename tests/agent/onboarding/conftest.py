"""The local world as init and doctor meet it: its chains.toml, a treasury, a service, the command line in-process."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import click
import pytest
from click.testing import CliRunner

from agent.example import documents, write
from agent.installing import plan_installation
from agent.onboarding.chains import Kind, KnownChain, KnownToken, SafeContracts, load_chains, render_chain
from agent.state_folder import StateFolder
from guardians.server.serving import Server, open_service
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.errors import StrongroomError
from strongroom.model import Address, Operation
from strongroom.settings import Mode
from strongroom.wallet.service import SafeService
from strongroom.wallet.signer import write_keystore
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.treasury import DAI, DECIMALS, ETH, USDC, WETH
from strongroom.world.world import World
from tests.agent.onboarding.patient import Treasury, signing

INES, JONAS, _ = GUARDIANS
PASSWORD = "a password for tests"
VOUCHED = (WETH, USDC, DAI)
"""The world's tokens that a chains.toml would name; the DAO's own is not among them."""


def known_world(world: World) -> KnownChain:
    contracts = world.contracts
    safe = SafeContracts(
        multisend=contracts.multisend,
        factory=contracts.safe_factory,
        singleton=contracts.safe_singleton,
        fallback_handler=contracts.fallback_handler,
        multisend_code_hashes=load_chains()[1].safe.multisend_code_hashes,
        singletons=frozenset({contracts.safe_singleton}),
        fallback_handlers=frozenset({contracts.fallback_handler}),
    )
    tokens = {id_: KnownToken(id_, contracts.tokens[id_], DECIMALS[id_], world.feeds[id_], None) for id_ in VOUCHED}
    factory = load_chains()[1].create2_factory
    return KnownChain(world.account.chain_id, "the local world", ETH, WETH, "", safe, tokens, Kind.L1, None, factory)


@pytest.fixture
def chains_text(world: World) -> str:
    """A chains.toml that describes the local world."""
    return render_chain(known_world(world))


@pytest.fixture
def chains_file(chains_text: str, tmp_path: Path) -> Path:
    path = tmp_path / "chains.toml"
    path.write_text(chains_text)
    return path


@dataclass(frozen=True)
class Answer:
    """What a command printed. `error` is its one line when it was refused."""

    text: str
    error: str
    exit_code: int

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def strongroom() -> Callable[..., Answer]:
    """`strongroom ARGUMENTS...` in this process, without the start-up check of the installation."""

    def run(*arguments: object) -> Answer:
        from agent.cli import strongroom as command

        result = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
        if isinstance(result.exception, StrongroomError):
            return Answer(result.output, str(result.exception), 1)
        if isinstance(result.exception, click.ClickException):
            return Answer(result.output, result.exception.format_message(), 1)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.output, "", result.exit_code)

    return run


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Refuses = Callable[[Any], bool]


class _Picky(BaseHTTPRequestHandler):
    """In front of the real node: everything passes but what `refuses` says, as on a node that does not offer it."""

    url: str
    refuses: Refuses

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        if isinstance(asked, dict) and type(self).refuses(asked):
            error = {"code": -32601, "message": "not offered here"}
            answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}).encode()
        else:
            with urlopen(Request(self.url, body, {"Content-Type": "application/json"})) as passed:
                answer = passed.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def node_without(world: World) -> Iterator[Callable[[Refuses], str]]:
    """The address of a node that is the world's, but for the requests that a predicate refuses."""
    with ExitStack() as stack:

        def start(refuses: Refuses) -> str:
            handler = type("Handler", (_Picky,), {"url": world.url, "refuses": staticmethod(refuses)})
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def init(world: World, tmp_path: Path, chains_file: Path, strongroom: Callable[..., Answer]) -> Callable[..., Answer]:
    def run(*more: object, safe: str = world.account.safe, folder: str = "new") -> Answer:
        place = ["--folder", tmp_path / folder, "--state", tmp_path / "state", "--chains", chains_file]
        return strongroom("init", "--safe", safe, "--rpc", world.url, *place, *more)

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[], dict[str, str]]:
    """The documents that `init` wrote, by name."""
    return lambda: {path.name: path.read_text() for path in sorted((tmp_path / "new").iterdir())}


@pytest.fixture(scope="module")
def service(module_world: World) -> Iterator[str]:
    """The real guardians' service. Delegates and proposals stay in it from test to test of a module."""
    with open_service(module_world.url, ":memory:", WallClock()) as opened, Server(opened) as server:
        yield server.url


@pytest.fixture
def known(chains_text: str, tmp_path: Path) -> Path:
    path = tmp_path / "config" / "chains.toml"
    path.parent.mkdir()
    path.write_text(chains_text)
    return path


@pytest.fixture
def treasury(
    world: World, chain: RpcChain, service: str, known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Treasury:
    state = StateFolder(tmp_path / "state")
    state.make()
    write_keystore(state.keystore, AGENT.key, PASSWORD, iterations=1)
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    folder = write(documents(world, service, state.path, Mode.PROPOSE), known.parent)
    queue = SafeService(service, world.account, chain)
    queue.register_delegate(AGENT.address, "treasurer", INES.address, signing(INES.key))
    queue.close()
    return Treasury(folder, state, service, world)


@pytest.fixture
def unwell(strongroom: Callable[..., Answer], treasury: Treasury) -> Callable[[], dict[str, str]]:
    """The checks that are not `ok`, with their grades; every one of them says what was found and how to mend it."""

    def look() -> dict[str, str]:
        data = strongroom("doctor", "--config", treasury.folder, "--json").data
        assert data["ok"] == all(check["grade"] != "fail" for check in data["checks"])
        bad = [check for check in data["checks"] if check["grade"] not in ("ok", "skipped")]
        assert all(check["what"] and check["mend"] for check in bad)
        return {check["name"]: check["grade"] for check in bad}

    return look


@pytest.fixture
def guarded(treasury: Treasury) -> Treasury:
    """The same treasury in guarded mode, its Kernel installed by the owners as `policy deploy` plans it."""
    world = treasury.world
    planned = plan_installation(treasury.folder)
    tx = planned["transaction"]
    data = bytes.fromhex(tx["data"].removeprefix("0x"))
    to, operation = Address(tx["to"]), Operation(tx["operation"])
    assert world.safe_exec(world.account, [INES, JONAS], to, data, operation=operation).success
    lines = (treasury.folder / "treasury.toml").read_text().replace('mode = "propose"', 'mode = "guarded"').splitlines()
    named = [f'{each} = "{planned[each]}"' for each in ("kernel", "watch")]
    at = lines.index("[account]") + 1
    lines[at:at] = named
    (treasury.folder / "treasury.toml").write_text("\n".join(lines))
    return treasury
