"""Mutants of a policy, made from what a policy.toml is written in and not from what it says: every amount, share, time,
count and switch is made larger and smaller, every address a stranger's, every word another that stands at such a key,
and every entry and every key left out."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.document import load
from policies.terms import PolicyDocument
from strongroom.addresses import to_address
from strongroom.errors import InputError
from strongroom.model import Verdict

_FACTORS = (1_000, 10)
_NUMBER = re.compile(r"\d[\d_]*(?:\.\d+)?")
_GONE = object()
_STRANGER = to_address(b"\x5b" * 20)
_OBJECTIONS = {Verdict.ASK.value, Verdict.DENY.value}

Path = tuple[str | int, ...]
Words = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Mutant:
    """One change of one place, and the policy that it makes; `None` where the loader refuses it."""

    name: str
    document: PolicyDocument | None


def mutants(text: str, part: slice = slice(None)) -> Iterator[Mutant]:
    """Every mutant of a policy.toml, or a part of them; those that mean the same are none."""
    data, original = tomllib.loads(text), load(text)
    for name, other in list(_changed(data))[part]:
        document = _loaded(written(other))
        if document != original:
            yield Mutant(name, document)


def _loaded(text: str) -> PolicyDocument | None:
    try:
        return load(text)
    except InputError:
        return None


def _changed(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The document with one place changed, by the name of that change."""
    words = _words(data)
    for path, value in _places(data, ()):
        for what, other in _others(value, words.get(_key(path), frozenset())):
            yield f"{_named(path)}: {what}", _with(data, path, other)


def _places(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every table, list and value below, outermost first."""
    if path:
        yield path, value
    items: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, Mapping):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for key, item in items:
        yield from _places(item, (*path, key))


def _key(path: Path) -> str:
    """The last name in a path: that of the list for what stands in a list."""
    return next(str(part) for part in reversed(path) if isinstance(part, str))


def _words(data: Mapping[str, Any]) -> Words:
    """The words that stand at keys of the same name, anywhere in the document."""
    found: dict[str, set[str]] = {}
    for path, value in _places(data, ()):
        if isinstance(value, str) and not _NUMBER.search(value):
            found.setdefault(_key(path), set()).add(value)
    return {key: frozenset(words | (_OBJECTIONS if words & _OBJECTIONS else set())) for key, words in found.items()}


def _others(value: Any, words: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """What a value could be instead, each with its name."""
    yield "left out", _GONE
    if isinstance(value, bool):
        yield str(not value), not value
    elif isinstance(value, int):
        yield from ((f"{value} becomes {other}", other) for other in _numbers(value))
    elif isinstance(value, str):
        yield from ((f"`{value}` becomes `{other}`", other) for other in _texts(value, words))


def _texts(text: str, words: frozenset[str]) -> Iterator[str]:
    if text.startswith("0x"):
        yield _STRANGER
    elif text in words:
        yield from sorted(words - {text})
    else:
        yield from _renumbered(text)


def _renumbered(text: str) -> Iterator[str]:
    """The text with one of its numbers larger or smaller, the others as they are."""
    for found in _NUMBER.finditer(text):
        number = found[0].replace("_", "")
        whole, _, fraction = number.partition(".")
        for scaled in _numbers(int(whole + fraction)):
            # As wide as it was: a day is `2026-01-02`.
            digits = str(scaled).rjust(len(whole + fraction), "0")
            cut = len(digits) - len(fraction)
            other = digits[:cut] + ("." + digits[cut:] if fraction else "")
            yield text[: found.start()] + other + text[found.end() :]


def _numbers(value: int) -> Iterator[int]:
    """Larger, smaller, and the nearest on both sides. What the policy refuses to be is no mutant."""
    for factor in _FACTORS:
        yield value * factor
        yield value // factor
    yield from (value + 1, max(value - 1, 0))


def _with(data: Any, path: Path, other: Any) -> Any:
    """The same with another value at one place."""
    key, rest = path[0], path[1:]
    if rest:
        other = _with(data[key], rest, other)
    if isinstance(data, list):
        assert isinstance(key, int)
        return [*data[:key], *([] if other is _GONE else [other]), *data[key + 1 :]]
    return {name: item for name, item in {**data, key: other}.items() if item is not _GONE}


def _named(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def written(data: Mapping[str, Any]) -> str:
    """A document as TOML: every table inline."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in data.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
