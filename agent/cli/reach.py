"""How a command reaches the treasurer: through the process that holds the state folder, or by taking it briefly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from agent.state_folder import StateFolder, is_held
from strongroom.errors import BadValue, SetupError, StrongroomError

if TYPE_CHECKING:
    from agent.desk import Desk
    from agent.records import Records
    from strongroom.ports import Notices

F = TypeVar("F", bound=Callable[..., Any])
_PATIENCE_SECONDS = 120.0


class Answered(StrongroomError):
    """The running treasurer's own one line."""


class NotAnswering(SetupError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"the running treasurer at `{url}` does not answer ({why}); look at its terminal, or restart it"
        )


def require_url(rpc: str) -> None:
    """Raises `BadValue`: what is no address of a node is not looked for in any document."""
    place = urlsplit(rpc)
    if place.scheme not in ("http", "https") or not place.netloc:
        raise BadValue(rpc, "--rpc", "write http://… or https://…")


def config_option(command: F) -> F:
    """`--config DIR`: the folder with the four documents."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path("config"),
        show_default=True,
        help="Folder with the four documents.",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="One line of JSON for machines.")(command)


@contextmanager
def reach(config: Path, notices: Notices | None = None) -> Iterator[Desk]:
    """The desk of this treasury, wherever it is. A running treasurer is asked at once, and tells its own people: only
    who must do the work itself loads what the work takes, and tells `notices`."""
    running = running_desk(config)
    if running is not None:
        yield running
        return
    from agent.app import open_documents, open_treasurer
    from agent.desk import OwnDesk

    with open_treasurer(open_documents(config), notices) as treasurer:
        yield OwnDesk(treasurer)


def running_desk(config: Path) -> FarDesk | None:
    """The desk of the treasurer that runs, if one does."""
    socket = _socket(state_folder(config))
    return FarDesk(socket) if socket else None


def records(config: Path) -> Records:
    """What the state folder tells of units, whoever holds it."""
    from agent.records import Records

    return Records(state_folder(config))


def state_folder(config: Path) -> StateFolder:
    """The one that treasury.toml in `config` names."""
    from strongroom.documents import read
    from strongroom.settings import load_treasury

    return StateFolder(load_treasury(read(config / "treasury.toml"), config).state_dir)


def _socket(folder: StateFolder) -> dict[str, str] | None:
    """Where the process that holds the state folder listens; `None` when nobody holds it, or its socket is not up."""
    if not is_held(folder):
        return None
    try:
        return dict(json.loads(folder.socket.read_text()))
    except (OSError, ValueError):
        return None


class FarDesk:
    """`Desk` of the process that holds the state folder."""

    def __init__(self, socket: dict[str, str]) -> None:
        self._socket = socket

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        return dict(self._ask("POST", "/cycle", {"job": job_id, "month": month}))

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        return dict(self._ask("POST", "/chat", {"operator": operator, "text": text}))

    def anchor(self) -> dict[str, Any]:
        return dict(self._ask("POST", "/anchor", {}))

    def record(self, forecast: dict[str, Any]) -> dict[str, Any]:
        return dict(self._ask("POST", "/record", forecast))

    def status(self) -> dict[str, Any]:
        return dict(self._ask("GET", "/status"))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        import httpx

        headers = {"authorization": f"Bearer {self._socket['token']}"}
        try:
            url = self._socket["url"] + path
            answer = httpx.request(method, url, headers=headers, json=body, timeout=_PATIENCE_SECONDS)
            data = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotAnswering(self._socket["url"], str(error)) from error
        if answer.is_error:
            raise Answered(data["error"])
        return data
