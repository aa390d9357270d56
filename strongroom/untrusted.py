"""Text that anybody can put on a chain or into a queue, made safe to print and to write into a comment."""

from __future__ import annotations

import json

_LONGEST_NAME, _LONGEST_TEXT = 32, 200


def shown(text: str) -> str:
    """At most 32 characters of a name, in printable ASCII without quotes or backslashes; the rest as `<U+0421>`.

    A letter of another alphabet that looks like ours is spelled out too: a token that calls itself `USDC` with a
    Cyrillic letter is seen to do so.
    """
    cut = text[:_LONGEST_NAME]
    return "".join(c if _plain(c) else f"<U+{ord(c):04X}>" for c in cut) + ("..." if len(text) > _LONGEST_NAME else "")


def escaped(text: str) -> str:
    """Text as one line of printable ASCII in quotes, at most 200 characters of it: it cannot move the cursor, forge a
    line, or turn the direction of writing."""
    return json.dumps(text[:_LONGEST_TEXT]).replace("\x7f", "\\u007f") + ("…" if len(text) > _LONGEST_TEXT else "")


def _plain(character: str) -> bool:
    return " " <= character <= "~" and character not in "\"\\`'[]"
