"""Raw JSON-RPC to our own anvil over one kept connection, straight to loopback: no proxy comes between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

from strongroom.errors import NodeRefused, NodeUnreachable

Request = tuple[str, list[Any]]


class Node:
    """One anvil on 127.0.0.1. Not for several threads at once."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, *params: Any) -> Any:
        """One request's result. Raises `NodeRefused` with revert bytes, or `NodeUnreachable`."""
        return self.ask_all([(method, list(params))])[0]

    def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        """Results in order. Anvil runs a batch *concurrently*: only what commutes belongs into one."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(requests)
        ]
        answers = {answer["id"]: answer for answer in self._post(body)}
        return [_result(method, answers[number]) for number, (method, _) in enumerate(requests)]

    def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        self._connection.close()

    def _post(self, body: list[dict[str, Any]]) -> Any:
        try:
            self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(self._connection.getresponse().read())
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise NodeUnreachable(self.url, type(error).__name__) from error


def _result(method: str, answer: dict[str, Any]) -> Any:
    if (error := answer.get("error")) is None:
        return answer["result"]
    data = error.get("data")
    raise NodeRefused(method, error["message"], bytes.fromhex(data[2:]) if isinstance(data, str) else b"")
