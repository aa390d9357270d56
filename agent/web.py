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
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.desk import Desk
from agent.state_folder import StateFolder
from strongroom.errors import StrongroomError

HOST = "127.0.0.1"
_STOP_SECONDS = 5


def create_app(desk: Desk, token: str) -> Starlette:
    """`POST /cycle/{job}`, `GET /plans`, `GET /units/{id}`; an error of ours is 422 with its one line."""

    def answer(act: Callable[[Request], Any]) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            if not secrets.compare_digest(request.headers.get("authorization", ""), f"Bearer {token}"):
                return JSONResponse({"error": "the token of the state folder is needed"}, 401)
            try:
                return JSONResponse(act(request))
            except StrongroomError as error:
                return JSONResponse({"error": str(error)}, 422)

        return respond

    return Starlette(
        routes=[
            Route("/cycle/{job}", answer(lambda r: desk.cycle(r.path_params["job"])), methods=["POST"]),
            Route("/plans", answer(lambda _: desk.plans())),
            Route("/units/{id}", answer(lambda r: desk.show(r.path_params["id"]))),
        ]
    )


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
