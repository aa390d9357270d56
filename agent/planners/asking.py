"""One question to a model and its one answer, both in the ledger whatever becomes of them.

`model.req` holds the prompt file's hash and, concealed, the exact bytes sent, durable before they leave. `model.res`
holds the exact bytes received and whether they were used; where no answer came, a `gap` holds the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.planners.prompt import Prompt
from agent.planners.unusable import Unusable
from strongroom.errors import ModelUnanswered
from strongroom.ports import Ledger, Model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unused:
    """No answer that can be used, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a prompt, data for it, and the schema of an answer."""

    prompt: Prompt
    data: str
    schema: Mapping[str, Any]


class Interview:
    """Asks a model on the record."""

    def __init__(self, model: Model, ledger: Ledger) -> None:
        self._model, self._ledger = model, ledger

    def ask(self, question: Question, read: Callable[[bytes], T], cause: int | None) -> T | Unused:
        """What `read` makes of the answer's bytes; it raises `Unusable` for what cannot be used. `cause` is the entry
        that led to the question. Raises `LedgerError` alone: nothing is asked unrecorded."""
        asked: list[int] = []

        def sending(sent: bytes) -> None:
            asked.append(self._record_request(question, sent, cause))

        messages = [("system", question.prompt.text), ("user", question.data)]
        try:
            received = self._model.ask(messages, question.schema, sending)
        except ModelUnanswered as error:
            # A request that could not even be made stands there empty, with its gap.
            return self._unanswered(error, asked[0] if asked else self._record_request(question, b"", cause))
        return self._answered(received, read, asked[0])

    def _record_request(self, question: Question, sent: bytes, cause: int | None) -> int:
        body = {
            "model": self._model.name,
            "prompt": question.prompt.name,
            "prompt_sha256": question.prompt.digest,
        }
        return self._ledger.append("model.req", body, cause=cause, confidential={"sent": sent}).index

    def _unanswered(self, error: ModelUnanswered, asked: int) -> Unused:
        received = {"received": error.received} if error.received else None
        self._ledger.append("gap", {"why": error.why}, cause=asked, confidential=received)
        return Unused(error.why)

    def _answered(self, received: bytes, read: Callable[[bytes], T], asked: int) -> T | Unused:
        answer = _read(received, read)
        why = answer.why if isinstance(answer, Unused) else ""
        body = {"used": not why, "why": why}
        self._ledger.append("model.res", body, cause=asked, confidential={"received": received})
        return answer


def _read(received: bytes, read: Callable[[bytes], T]) -> T | Unused:
    try:
        return read(received)
    except Unusable as error:
        return Unused(str(error))
    except Exception as error:  # noqa: BLE001 - bytes that trip the reader are no answer either
        return Unused(f"the answer cannot be read: {type(error).__name__}")
