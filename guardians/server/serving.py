"""Running the service: in the foreground for operators, in a thread for demo and tests. It binds loopback only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn

from guardians.server.app import create_app
from guardians.server.executions import NodeExecutions
from guardians.server.service import Service
from guardians.server.store import Store
from strongroom.chain.rpc import RpcChain
from strongroom.chain.transport import Transport
from strongroom.errors import BadValue
from strongroom.model import Address
from strongroom.ports import Clock

HOST = "127.0.0.1"
_STOP_SECONDS = 5
_NODE_SECONDS = 10.0


@contextmanager
def open_service(
    rpc: str, path: Path | str, clock: Clock, first_block: int = 0, batchers: frozenset[Address] = frozenset()
) -> Iterator[Service]:
    """The service over the node at `rpc`, with its SQLite file at `path` (or `:memory:`). Raises `NodeError`."""
    with closing(RpcChain(rpc)) as chain, closing(Transport(rpc, _NODE_SECONDS)) as node, closing(Store(path)) as store:
        yield Service(chain, NodeExecutions(node, chain.chain_id()), store, clock, first_block, batchers)


def serve(service: Service, port: int = 0) -> None:
    """Answer requests until the process is interrupted. Raises `BadValue` when the port is taken."""
    listener = _listen(port)
    try:
        _uvicorn(service).run(sockets=[listener])
    finally:
        listener.close()


class Server:
    """The service in a thread of this process; as a context manager it starts at entry and is gone at exit."""

    def __init__(self, service: Service, port: int = 0) -> None:
        self._listener = _listen(port)
        self._server = _uvicorn(service)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    @property
    def url(self) -> str:
        """Without `/api`: as safe-eth-py wants it; api-kit takes this and `/api`."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        # The socket listens already: a request sent before the thread is up waits in its backlog.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS * 2)
        self._listener.close()


def _uvicorn(service: Service) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise BadValue(port, "the service's port", "another process listens there; choose a free one") from error
    return listener
