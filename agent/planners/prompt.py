"""What a model is told: a prompt file, and data that cannot leave its delimiters or pass for instructions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """A file of `agent/prompts`; `digest` is the SHA-256 of its bytes."""

    name: str
    text: str
    digest: str


def load_prompt(name: str) -> Prompt:
    """The prompt that ships under this name."""
    raw = files("agent").joinpath("prompts", name).read_bytes()
    return Prompt(name, raw.decode(), sha256(raw).hexdigest())


def as_data(tag: str, value: Any) -> str:
    """`value` as JSON between `<tag>` and `</tag>`, in printable ASCII on one line. Angle brackets and ampersands are
    escaped, so no text in it ends the data, opens another, or imitates a delimiter."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True)
    for character in "<>&\x7f":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"<{tag}>{text}</{tag}>"


def external(text: str, source: str) -> dict[str, str]:
    """A stranger's text, cut to 200 characters, with where it comes from."""
    return {"label": "external", "source": source, "text": text[:_LONGEST]}
