"""`strongroom world`: a local chain that stays up between commands, and the documents of the example DAO on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agent.cli import say
from agent.cli.reach import json_option
from strongroom.errors import BadValue, SetupError

if TYPE_CHECKING:
    from strongroom.model import TokenId
    from strongroom.world.world import World

F = TypeVar("F", bound=Callable[..., Any])
_PORT, _SERVICE = 8545, "http://127.0.0.1:8000"
_FOLDER = Path("~/.strongroom/world")
_STATES = "past-states"
"""In the folder: what anvil keeps of past blocks."""
_PATIENCE_SECONDS = 10.0
_PRICE_DECIMALS = 8


def _named(folder: Path) -> str:
    """The option that names the folder, where it must be named."""
    return "" if folder == _FOLDER.expanduser().resolve() else f" --folder {folder}"


class NoWorld(SetupError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"no world of `{folder}` is up; start it with `strongroom world up{_named(folder)}`")


class WillNotEnd(SetupError):
    def __init__(self, pid: int) -> None:
        super().__init__(f"process `{pid}` has not ended within {_PATIENCE_SECONDS:.0f} s; look at it with `ps`")


@dataclass(frozen=True, slots=True)
class Started:
    """What `up` notes down. `command` is the process's whole command line as the system tells it; the moment of its
    start is part of it, so that no later process, even with the same number, is taken for ours."""

    pid: int
    port: int
    command: str

    def lives(self) -> bool:
        return bool(self.command) and _command_of(self.pid) == self.command


@click.group()
def world() -> None:
    """A local chain with real contracts and the example DAO's treasury on it. Its money is worth nothing."""


def _folder_option(command: F) -> F:
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=_FOLDER,
        show_default=True,
        help="Where the world's documents, keys and state lie.",
        callback=lambda _context, _option, folder: folder.expanduser().resolve(),
    )(command)


@world.command()
@_folder_option
@click.option("--port", type=click.IntRange(1, 65535), default=_PORT, show_default=True, help="On 127.0.0.1.")
@click.option("--service", metavar="URL", default=_SERVICE, show_default=True, help="Where the queue will be served.")
@json_option
def up(folder: Path, port: int, service: str, as_json: bool) -> None:
    """Start the chain, to stay up until `down`, and write the four documents, in shadow mode, with everybody's keys.

    A world that is up is left as it is. A new one begins with a state folder of its own; of the documents only
    treasury.toml is written anew.

    \b
    Examples:
      strongroom world up
      strongroom world up --port 9545 --folder ./world --json
    """
    found = _living(folder)
    started = found or _start(folder, port, service)
    with _attached(folder) as running:
        data = {"new": found is None, **_picture(started, folder, running)}
    say("\n".join(_up_lines(data)), data, as_json)


@world.command()
@_folder_option
@json_option
def down(folder: Path, as_json: bool) -> None:
    """End the chain, and only it. Documents and state folders stay where they are.

    \b
    Example:
      strongroom world down
    """
    started = _living(folder)
    if started is None:
        say("the world is down already", {"ended": None}, as_json)
        return
    os.kill(started.pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while started.lives():
        if time.monotonic() > deadline:
            raise WillNotEnd(started.pid)
        time.sleep(0.02)
    shutil.rmtree(folder / _STATES, ignore_errors=True)
    say(f"the world is down; process {started.pid} has ended", {"ended": started.pid}, as_json)


@world.command()
@_folder_option
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Whether the chain is up, its newest block, and who and what is where.

    \b
    Example:
      strongroom world status --json
    """
    started = _living(folder)
    if started is None:
        say(f"the world is down; `strongroom world up{_named(folder)}` starts a new one", {"up": False}, as_json)
        return
    with _attached(folder) as running:
        data = _picture(started, folder, running)
    say("\n".join(_status_lines(data)), data, as_json)


@world.command()
@click.argument("duration")
@_folder_option
@json_option
def advance(duration: str, folder: Path, as_json: bool) -> None:
    """Let DURATION pass on the chain. Price feeds answer again at the new time, so they stay fresh.

    \b
    Examples:
      strongroom world advance "7 days"
      strongroom world advance "90 seconds" --json
    """
    from strongroom.quantities import parse_seconds

    seconds = parse_seconds(duration, "DURATION")
    with _attached(folder) as running:
        running.advance(seconds)
        data = _moment(running)
    say(_moment_line(data), data, as_json)


# A negative PERCENT is no option.
@world.command(context_settings={"ignore_unknown_options": True})
@click.argument("token")
@click.argument("percent")
@_folder_option
@json_option
def fall(token: str, percent: str, folder: Path, as_json: bool) -> None:
    """Let TOKEN lose PERCENT of its price, within two hours of the chain's time.

    Its feeds answer lower every quarter of an hour, and a trader with money of its own sells until every pool agrees.
    ETH and WETH fall together. `--json` has prices in USD scaled by 1e8, one of each source.

    \b
    Examples:
      strongroom world fall WETH 35%
      strongroom world fall USDC "4.5 %" --json
    """
    bps = _fall_bps(percent)
    with _attached(folder) as running:
        id_ = _priced(token, running)
        before = running.prices_e8()[id_]
        running.fall(id_, bps)
        data = {"token": id_, "bps": bps, "before_e8": before, "after_e8": running.prices_e8()[id_], **_moment(running)}
    say("\n".join(_fall_lines(data)), data, as_json)


def _fall_bps(percent: str) -> int:
    from strongroom.quantities import parse_bps

    between = BadValue(percent, "PERCENT", "name more than `0 %` and less than `100 %`")
    if percent.startswith("-"):
        raise between
    bps = parse_bps(percent, "PERCENT")
    if not 0 < bps < 10_000:
        raise between
    return bps


def _priced(token: str, running: World) -> TokenId:
    for id_ in running.contracts.feeds:
        if id_ == token:
            return id_
    known = ", ".join(f"`{id_}`" for id_ in running.contracts.feeds)
    raise BadValue(token, "TOKEN", f"name one that has a price: {known}")


def _fall_lines(data: dict[str, Any]) -> list[str]:
    from strongroom.quantities import format_units

    before, after = (format_units(data[each][0], _PRICE_DECIMALS) for each in ("before_e8", "after_e8"))
    return [f"{data['token']} fell from {before} to {after} USD, in its feeds and in every pool", _moment_line(data)]


def _start(folder: Path, port: int, service: str) -> Started:
    from strongroom.world.world import World

    _require_ours(folder)
    # Of a world that ended in another way, with the machine for one.
    shutil.rmtree(folder / _STATES, ignore_errors=True)
    with World.start_detached(port, folder / _STATES) as running:
        assert running.anvil is not None
        pid = running.anvil.process.pid
        started = Started(pid, port, _command_of(pid))
        _write(folder, running, service, f"state-{datetime.now(UTC):%Y%m%dT%H%M%S}-{pid}")
        (folder / "world.json").write_text(json.dumps(asdict(started)) + "\n")
        # From here on it stays: until now, leaving the context would have ended it.
        running.anvil = None
    return started


def _write(folder: Path, running: World, service: str, state_name: str) -> None:
    from agent import example
    from agent.demo.scene import write_key
    from agent.state_folder import StateFolder
    from strongroom.settings import Mode
    from strongroom.world.people import AGENT, GUARDIANS

    # A new chain knows nothing of what an earlier one's ledger tells: it gets a state folder of its own.
    state = StateFolder(folder / state_name)
    state.make()
    texts = example.documents(running, service, state.path, Mode.SHADOW)
    (folder / "chains.toml").write_text(example.chain(running))
    kept = {name for name in texts if name != "treasury.toml" and (folder / name).exists()}
    example.write({name: text for name, text in texts.items() if name not in kept}, folder)
    write_key(state.keystore, AGENT)
    for guardian in GUARDIANS:
        if not (keystore := folder / "keys" / f"{guardian.name}.json").exists():
            write_key(keystore, guardian)


def _require_ours(folder: Path) -> None:
    if (folder / "treasury.toml").exists() and not (folder / "world.json").exists():
        raise BadValue(folder, "--folder", "it holds the documents of another treasury; name a new folder")


def _living(folder: Path) -> Started | None:
    """The folder's world while it is up."""
    started = _noted(folder)
    return started if started and started.lives() else None


def _noted(folder: Path) -> Started | None:
    try:
        return Started(**json.loads((folder / "world.json").read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise BadValue(folder / "world.json", "the note of a world", "remove it once no anvil runs") from error


def _command_of(pid: int) -> str:
    """The process's command line; empty when it has ended."""
    path = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return path.read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
        except OSError:
            return ""
    asked = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S607
    return asked.stdout.strip()


@contextmanager
def _attached(folder: Path) -> Iterator[World]:
    from strongroom.world.world import World

    started = _living(folder)
    if started is None:
        raise NoWorld(folder)
    with World.attach(started.port) as running:
        yield running


def _moment(running: World) -> dict[str, Any]:
    head = running.ask("eth_getBlockByNumber", "latest", False)
    return {"block": int(head["number"], 16), "time": int(head["timestamp"], 16)}


def _picture(started: Started, folder: Path, running: World) -> dict[str, Any]:
    from strongroom.world.people import PEOPLE

    return {
        "up": True,
        "url": running.url,
        "pid": started.pid,
        "folder": str(folder),
        **_moment(running),
        "safe": running.account.safe,
        "tokens": dict(running.contracts.tokens),
        "people": {person.name: person.address for person in PEOPLE},
    }


def _moment_line(data: dict[str, Any]) -> str:
    return f"block {data['block']}, {datetime.fromtimestamp(data['time'], UTC):%Y-%m-%d %H:%M:%S} UTC"


def _status_lines(data: dict[str, Any]) -> list[str]:
    named = {"Safe": data["safe"], **data["tokens"], **data["people"]}
    width = max(map(len, named))
    addresses = [f"  {name:{width}}  {address}" for name, address in named.items()]
    return [f"the world is up at {data['url']}, process {data['pid']}", _moment_line(data), *addresses]


def _up_lines(data: dict[str, Any]) -> list[str]:
    from agent.demo.scene import PASSWORD

    folder = data["folder"]
    return [
        f"the world is up{'' if data['new'] else ' already'} at {data['url']}, process {data['pid']}",
        f"Safe {data['safe']}; documents and keys in {folder}",
        "",
        "next, in a second terminal, the guardians' queue:",
        f"  strongroom guardian serve --config {folder}",
        "and here:",
        f"  strongroom status --config {folder}",
        f"  strongroom cycle payroll --config {folder}",
        "or begin as with a Safe of your own:",
        f"  strongroom init --safe {data['safe']} --rpc {data['url']} --chains {folder}/chains.toml",
        f"every key's password is `{PASSWORD}`; `strongroom world down{_named(Path(folder))}` ends the world",
    ]
