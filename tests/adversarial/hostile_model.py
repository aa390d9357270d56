"""A language model that is out to harm, behind a real OpenAI-compatible server on loopback: the path picks what it
does."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.adversarial.hostile_answers import Hostile, altered

WIRE: dict[str, str] = {
    "hangs up": "RemoteProtocolError",
    "cut short": "RemoteProtocolError",
    "half a stream": "RemoteProtocolError",
    "no http": "RemoteProtocolError",
    "endless": "larger than",
    "silent": "within 1 s",
    "drips": "within 1 s",
    "drips headers": "within 1 s",
}
"""How it misbehaves below HTTP's surface, and the reason that must be recorded."""


class HostileModel:
    """Answers at `url(name)` as `answers[name]` says, or misbehaves as named in `WIRE`. Keeps what it was sent."""

    def __init__(self, answers: dict[str, Hostile]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()
        self.bodies: defaultdict[str, list[bytes]] = defaultdict(list)
        self.headers: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self.closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{name.replace(' ', '-').replace(',', '')}/v1"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: HostileModel) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model
        self.names = {name.replace(" ", "-").replace(",", ""): name for name in (*model.answers, *WIRE)}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave while it drips are what it wants."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        name = server.names.get(self.path.split("/")[1], self.path)
        model = server.model
        model.asked[name] += 1
        model.bodies[name].append(self.rfile.read(int(self.headers["Content-Length"])))
        model.headers[name].append({key.lower(): value for key, value in self.headers.items()})
        if name in WIRE:
            self.close_connection = True
            getattr(self, name.replace(" ", "_"))()
        else:
            self.answer(model.answers[name])

    def answer(self, hostile: Hostile) -> None:
        self.send_response(hostile.status)
        for header in hostile.headers:
            self.send_header(*header)
        if hostile.status != 204:
            self.send_header("Content-Length", str(len(hostile.body)))
        self.end_headers()
        self.wfile.write(hostile.body)

    def begin(self, *header: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header(*header)
        self.end_headers()

    def hangs_up(self) -> None:
        self.connection.close()

    def cut_short(self) -> None:
        self.begin("Content-Length", "1000")
        self.wfile.write(altered()[:100])

    def half_a_stream(self) -> None:
        self.begin("Transfer-Encoding", "chunked")
        self.wfile.write(b'10\r\n{"choices": [{"m\r\n')

    def no_http(self) -> None:
        self.wfile.write(b"hello\r\n\r\n")

    def endless(self) -> None:
        self.begin("Transfer-Encoding", "chunked")
        while not self.stopped(0):
            self.wfile.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")

    def silent(self) -> None:
        self.stopped(30)

    def drips(self) -> None:
        self.begin("Transfer-Encoding", "chunked")
        while not self.stopped(0.05):
            self.wfile.write(b"1\r\n \r\n")

    def drips_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.stopped(0.05):
            self.wfile.write(b"X-A: b\r\n")

    def stopped(self, seconds: float) -> bool:
        server = self.server
        assert isinstance(server, _Server)
        return server.model.closing.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:
        pass
