"""A node that misbehaves on purpose, on loopback: what it does is chosen by the path asked for."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ERRORS: dict[str, Any] = {
    "/refused": {"code": -32000, "message": "header not found"},
    "/unknown-method": {"code": -32601, "message": "the method does not exist/is not available"},
    "/rate-limited": {"code": -32005, "message": "daily request count exceeded"},
    "/reverted": {"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"},
    "/reverted-in-words": {"code": -32015, "message": "VM execution error.", "data": "Reverted 0xdeadbeef"},
    "/error-is-text": "something went wrong",
    "/error-is-empty": {},
    "/error-data-is-odd": {"code": -32000, "message": "odd", "data": {"data": ["0x"]}},
}
RESULTS: dict[str, Any] = {
    "/null": None,
    "/text": "not hexadecimal",
    "/number": 7,
    "/list": [None],
    "/object": {"hash": "0x12", "number": "x", "calls": 1, "blockHash": "0x", "parentHash": 5},
}
BODIES = {
    "/garbage": b"<html>welcome</html>",
    "/empty": b"",
    "/no-json-rpc": b'"hello"',
    "/neither": b'{"jsonrpc":"2.0","id":1}',
    "/bad-utf8": b'{"jsonrpc":"2.0","id":1,"result":"\xff"}',
}
STATUSES = {"/unauthorised": 401, "/not-found": 404, "/too-many": 429, "/broken": 500, "/bad-gateway": 502}
WIRE = ("/hang-up", "/cut-short", "/slow", "/around", "/falsely-zipped")

FAULTS = (*ERRORS, *RESULTS, *BODIES, *STATUSES, *WIRE)


class FaultyNode:
    """Counts requests by path. `results` maps methods to what `/scripted` answers, `shuffle` damages its batches."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.results: dict[str, Any] = {}
        self.shuffle: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda answers: answers
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """One JSON-RPC answer."""
        head = {"jsonrpc": "2.0", "id": request["id"]}
        if path in ERRORS:
            return head | {"error": ERRORS[path]}
        if path in RESULTS:
            return head | {"result": RESULTS[path]}
        made = self.results.get(request["method"], LookupError)
        if made is LookupError:
            return head | {"error": {"code": -32601, "message": "no"}}
        return head | (made(request["params"]) if callable(made) else {"result": made})

    def response(self, path: str, request: Any) -> tuple[int, bytes]:
        """Status and body for one HTTP request, a batch or a single one."""
        if path in STATUSES:
            return STATUSES[path], b"no"
        if path in BODIES:
            return 200, BODIES[path]
        if isinstance(request, list):
            return 200, json.dumps(self.shuffle([self.answer(path, each) for each in request])).encode()
        return 200, json.dumps(self.answer(path, request)).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.node = node


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet; two would each wait for an acknowledgement.
    wbufsize = -1

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        node: FaultyNode = self.server.node  # type: ignore[attr-defined]
        node.asked[self.path] += 1
        if self.path in WIRE:
            self.misbehave()
        else:
            self.reply(*node.response(self.path, request))

    def misbehave(self) -> None:
        self.close_connection = True
        if self.path == "/slow":
            time.sleep(0.3)
        elif self.path == "/cut-short":
            self.reply(200, b'{"jsonrpc"', ("Content-Length", "1000"))
        elif self.path == "/around":
            self.reply(307, b"", ("Location", "/around"))
        elif self.path == "/falsely-zipped":
            self.reply(200, b"plain", ("Content-Encoding", "gzip"))

    def reply(self, status: int, body: bytes, header: tuple[str, str] = ("X-Node", "faulty")) -> None:
        self.send_response(status)
        self.send_header(*header)
        if header[0] != "Content-Length":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
