"""What the service answers when it refuses: status and body, in the public service's own shapes."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """Ends a request with `status` and a JSON `body`; `None` is an empty body."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status}: {body}")


class NotFound(Refusal):
    def __init__(self, what: str) -> None:
        super().__init__(404, {"detail": f"No {what} matches the given query."})


class NotChecksummed(Refusal):
    def __init__(self, address: str) -> None:
        super().__init__(422, {"code": 1, "message": "Checksum address validation failed", "arguments": [address]})


class InvalidField(Refusal):
    def __init__(self, status: int, field: str, why: str) -> None:
        super().__init__(status, {field: [why]})


class Invalid(InvalidField):
    """The body is well formed, and is refused as a whole."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, "nonFieldErrors", why)
