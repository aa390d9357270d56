"""A language model in memory, for tests and rehearsed talks: its answers are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strongroom.errors import ModelUnanswered


class MemoryModel:
    """`Model` that gives `answers` in order, raising those that are errors, and then none. `heard` is what it was
    asked."""

    def __init__(self, *answers: bytes | ModelUnanswered, name: str = "memory") -> None:
        self.name, self.heard = name, list[tuple[tuple[str, str], ...]]()
        self._answers = list(answers)

    def ask(
        self, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any], sending: Callable[[bytes], None]
    ) -> bytes:
        sending(json.dumps({"messages": messages, "schema": schema}).encode())
        self.heard.append(tuple(messages))
        answer = self._answers.pop(0) if self._answers else ModelUnanswered("it has nothing to say")
        if isinstance(answer, ModelUnanswered):
            raise answer
        return answer


def completion(content: str | None, finish: str = "stop", **message: Any) -> bytes:
    """A chat completion as an honest server words it."""
    said = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "finish_reason": finish, "message": said}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
