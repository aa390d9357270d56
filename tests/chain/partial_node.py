"""A loopback door to a real node that does not offer some methods, and counts what was asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from requests import Session


class PartialNode:
    """Everything but `missing` is answered by the node at `url`."""

    def __init__(self, url: str, missing: Collection[str]) -> None:
        self.asked: Counter[str] = Counter()
        self.missing = missing
        self._behind, self._real = Session(), url
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def __enter__(self) -> PartialNode:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._behind.close()

    def answer(self, request: dict[str, Any]) -> Any:
        self.asked[request["method"]] += 1
        if request["method"] in self.missing:
            error = {"code": -32601, "message": "the method does not exist/is not available"}
            return {"jsonrpc": "2.0", "id": request["id"], "error": error}
        return self._behind.post(self._real, json=request).json()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, node: PartialNode) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.node = node


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet; two would each wait for an acknowledgement.
    wbufsize = -1

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        node: PartialNode = self.server.node  # type: ignore[attr-defined]
        answer = [node.answer(each) for each in asked] if isinstance(asked, list) else node.answer(asked)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
