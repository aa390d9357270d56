"""One exchange as bytes: what leaves is told first, what comes back is bounded, and nobody else reads it.

The client library is kept from the answer's bytes: it would parse them without a bound on nesting.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

from strongroom.errors import ModelUnanswered
from strongroom.inference.secret import Secret

LARGEST_BYTES = 256 * 1024
"""Of an answer; a plan needs a hundredth."""


class Wire(httpx2.BaseTransport):
    """Carries one request, again while its connection fails, until `deadline` (monotonic seconds). `received` is the
    answer once there is one."""

    def __init__(self, sending: Callable[[bytes], None], deadline: float, key: Secret) -> None:
        self.received: bytes | None = None
        self._sending, self._deadline, self._key = sending, deadline, key
        # Proxies of the environment are not asked for either.
        self._sockets = httpx2.HTTPTransport(trust_env=False)
        self._told = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `ModelUnanswered` for an answer that is not one, and the library's errors where there is none."""
        content = request.read()
        if not self._told:
            self._told = True
            self._sending(content)
        bare = httpx2.Request(request.method, request.url, content=content)
        bare.headers = self._headers(request.url, content)
        with self._in_time(bare):
            self.received = _answer(self._sockets.handle_request(bare))
        return httpx2.Response(200, json={}, request=request)

    def close(self) -> None:
        self._sockets.close()

    def _headers(self, url: httpx2.URL, content: bytes) -> httpx2.Headers:
        """All of them our own. The client library's tell the machine's make, and whatever its environment variables
        say: one of them replaces the key."""
        headers = {
            "host": url.netloc.decode(),
            "content-type": "application/json",
            "content-length": str(len(content)),
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "strongroom",
        }
        key = {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}
        return httpx2.Headers(headers | key)

    @contextmanager
    def _in_time(self, request: httpx2.Request) -> Iterator[None]:
        """The library's own time-outs begin anew with each byte: whoever drips would be waited for without end. So the
        socket itself is shut when time is up."""
        left = max(self._deadline - time.monotonic(), 0.001)
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)
        sockets: list[socket.socket] = []

        def remember(event: str, info: dict[str, Any]) -> None:
            if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                sockets.append(info["return_value"].get_extra_info("socket"))
                if time.monotonic() >= self._deadline:
                    _shut(sockets)

        request.extensions["trace"] = remember
        watch = threading.Timer(left, _shut, [sockets])
        watch.start()
        try:
            yield
        finally:
            watch.cancel()
            watch.join()


def _answer(response: httpx2.Response) -> bytes:
    try:
        body = _body(response)
    finally:
        response.close()
    if response.status_code != 200:
        raise ModelUnanswered(f"HTTP {response.status_code}", body)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ModelUnanswered("its answer is compressed, unasked", body)
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ModelUnanswered("its answer is not declared as JSON", body)
    return body


def _body(response: httpx2.Response) -> bytes:
    assert isinstance(response.stream, httpx2.SyncByteStream)
    body = bytearray()
    for chunk in response.stream:
        body += chunk
        if len(body) > LARGEST_BYTES:
            raise ModelUnanswered(f"its answer is larger than {LARGEST_BYTES} bytes", bytes(body[:LARGEST_BYTES]))
    return bytes(body)


def _shut(sockets: list[socket.socket]) -> None:
    for each in sockets:
        with suppress(OSError):  # closed already, or handed on to TLS
            each.shutdown(socket.SHUT_RDWR)
