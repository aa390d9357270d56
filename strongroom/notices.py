"""Where people are told what waits for them: a stream, or a list in memory."""

from __future__ import annotations

from typing import TextIO


class StreamNotices:
    """`Notices` as lines of a stream, flushed one by one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class MemoryNotices:
    """`Notices` kept in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)
