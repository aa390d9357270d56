"""A language model whose mind is a function: an OpenAI-compatible endpoint on loopback, in a thread of the story."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LONGEST = 1_000_000


@dataclass(slots=True)
class ScriptedModel:
    """Answers with the bytes that `mind` makes of the treasurer's words; `heard` keeps those words, newest last."""

    url: str
    mind: Callable[[str], bytes]
    heard: list[str] = field(default_factory=list)

    def reply(self, request: bytes) -> bytes:
        """The answer to one chat completion's request."""
        question = str(json.loads(request)["messages"][-1]["content"])
        self.heard.append(question)
        return self.mind(question)


@contextmanager
def scripted_model(mind: Callable[[str], bytes]) -> Iterator[ScriptedModel]:
    """A model that can be reached until the block ends; its `mind` may be changed meanwhile."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        model = ScriptedModel(f"http://127.0.0.1:{server.server_port}/v1", mind)
        server.RequestHandlerClass = _handler(model)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    model: ScriptedModel

    def do_POST(self) -> None:
        length = min(int(self.headers["Content-Length"]), _LONGEST)
        body = self.model.reply(self.rfile.read(length))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The story tells what was asked."""


def _handler(model: ScriptedModel) -> type[_Handler]:
    return type("_Bound", (_Handler,), {"model": model})
