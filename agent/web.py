"""The running treasurer's loopback socket: the desk over HTTP, for whoever can read the token in the state folder."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from agent.desk import Desk
from agent.state_folder import StateFolder
from strongroom.errors import StrongroomError

HOST = "127.0.0.1"
_STOP_SECONDS = 5


def create_app(desk: Desk, token: str) -> Starlette:
    """`POST /cycle`, `/chat`, `/anchor`, `/record` and `GET /status`; an error of ours is 422 with its one line."""
    endpoints: list[tuple[str, str, Callable[[Request, Any], Any]]] = [
        ("POST", "/cycle", lambda _, body: desk.cycle(body["job"], body["month"])),
        ("POST", "/chat", lambda _, body: desk.chat(body["operator"], body["text"])),
        ("POST", "/anchor", lambda *_: desk.anchor()),
        ("POST", "/record", lambda _, body: desk.record(body)),
        ("GET", "/status", lambda *_: desk.status()),
    ]
    return Starlette(routes=[Route(path, _Answer(act, token), methods=[method]) for method, path, act in endpoints])


class _Answer:
    """One endpoint, for whoever has the token. The desk blocks, so it answers in a thread."""

    def __init__(self, act: Callable[[Request, Any], Any], token: str) -> None:
        self._act, self._token = act, f"Bearer {token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get("authorization", ""), self._token):
            return JSONResponse({"error": "the token of the state folder is needed"}, 401)
        try:
            body = await request.json() if request.method == "POST" else None
            return JSONResponse(await run_in_threadpool(self._act, request, body))
        except StrongroomError as error:
            return JSONResponse({"error": str(error)}, 422)
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"the request cannot be read: {error}"}, 400)


class Door:
    """The socket, served in a thread while the context is open; its address and token lie in the state folder."""

    def __init__(self, desk: Desk, folder: StateFolder) -> None:
        self._folder, self._token = folder, secrets.token_hex(32)
        self._listener = socket.create_server((HOST, 0))
        config = uvicorn.Config(
            create_app(desk, self._token),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        port = self._listener.getsockname()[1]
        handle = os.open(self._folder.socket, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"url": f"http://{HOST}:{port}", "token": self._token, "pid": os.getpid()}, file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(FileNotFoundError):
            self._folder.socket.unlink()
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS * 2)
        self._listener.close()
