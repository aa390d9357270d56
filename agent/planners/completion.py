"""From the bytes of a chat completion to what the model said, or why that cannot be used. Every byte may be hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent.planners.unusable import Unusable
from strongroom.untrusted import shown

LARGEST_CHARACTERS = 32_768
"""Of what the model says; all payments of a large payroll take a third."""


def content(received: bytes) -> str:
    """The one choice's text. Raises `Unusable` for refusals, tool calls, cut or filtered answers, and what is no chat
    completion."""
    answer = _object(strict_json(received, "the answer"), "the answer")
    choices = answer.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise Unusable("the answer does not hold exactly one choice")
    choice = _object(choices[0], "the choice")
    if (finish := choice.get("finish_reason")) != "stop":
        raise Unusable(f"the model did not finish: `{shown(str(finish))}`")
    return _said(_object(choice.get("message"), "the message"))


def strict_json(data: bytes, what: str) -> Any:
    """The value of untrusted JSON. Raises `Unusable` for anything but one value in UTF-8 without repeated keys, NaN,
    halves of surrogate pairs, or depths that no answer needs."""
    from pydantic_core import from_json

    try:
        # First the parser that bounds nesting: the Ethereum libraries raise Python's own limit beyond the stack.
        from_json(data, allow_inf_nan=False)
        return json.loads(data.decode(), object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise Unusable(f"{what} is not JSON: {shown(str(error))}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(f"{what} is not an object")
    return value


def _said(message: Mapping[str, Any]) -> str:
    if message.get("refusal"):
        raise Unusable("the model refuses")
    if message.get("tool_calls") or message.get("function_call"):
        raise Unusable("the model calls a tool; it has none")
    said = message.get("content")
    if not isinstance(said, str) or not said:
        raise Unusable("the model said nothing")
    if len(said) > LARGEST_CHARACTERS:
        raise Unusable(f"the model said more than {LARGEST_CHARACTERS} characters")
    return said
