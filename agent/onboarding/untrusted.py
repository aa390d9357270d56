"""Text that anybody can put on a chain, made safe to print and to write into a comment."""

from __future__ import annotations

_LONGEST = 32


def shown(text: str) -> str:
    """At most 32 characters of `text`, in printable ASCII without quotes or backslashes; the rest as `<U+0421>`.

    A letter of another alphabet that looks like ours is spelled out too: a token that calls itself `USDC` with a
    Cyrillic letter is seen to do so.
    """
    cut = text[:_LONGEST]
    return "".join(c if _plain(c) else f"<U+{ord(c):04X}>" for c in cut) + ("..." if len(text) > _LONGEST else "")


def _plain(character: str) -> bool:
    return " " <= character <= "~" and character not in "\"\\`'[]"
