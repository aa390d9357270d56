"""Markup that text cannot break out of: every string is text unless it was made here.

A page without scripts is still read by people: besides `<`, `&` and quotes, characters that nobody sees or that turn
the direction of writing are shown as their code points, so that no name can pass for another.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape

LONGEST = 600
"""Characters of one untrusted text that are shown."""
_VOID = frozenset({"meta"})
"""Elements that end by themselves; inside a drawing none does."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Markup(str):
    """Markup made by `tag`, `join` or `trusted`; any other string is text and is escaped on its way in."""

    __slots__ = ()


Child = str | Markup | Iterable["Child"] | None


def tag(name: str, /, *children: Child, **attributes: str | int | None) -> Markup:
    """An element. An attribute's trailing `_` is dropped and `_` is written `-`; one that is `None` is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = join(*children)
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{inner}</{name}>")


def join(*children: Child) -> Markup:
    """Children one after another, each text escaped."""
    return Markup("".join(_child(child) for child in children))


def trusted(markup: str) -> Markup:
    """What this package wrote itself: the style sheet and the document's first line."""
    return Markup(markup)


def visible(text: str) -> str:
    """`text` with every unseen character but the plain space shown as `\\u202e`, at most `LONGEST` characters of it."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"
    return "".join(_code_point(each) if unicodedata.category(each) in _UNSEEN else each for each in cut)


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return _text(child) if isinstance(child, str) else "".join(_child(each) for each in child)


def _text(text: str) -> str:
    return escape(visible(text), quote=True)


def _code_point(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
