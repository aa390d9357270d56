"""Mutants of a policy, made from what a policy.toml is written in and not from what it says: every amount, share, time,
count, switch and list is made larger and smaller, every entry and every key that may be left out is left out."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.document import load
from policies.terms import PolicyDocument
from strongroom.errors import InputError

_FACTORS = (1_000, 10)
_NUMBER = re.compile(r"\d[\d_]*(?:\.\d+)?")
_GONE = object()

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutant:
    """One change of one place, and the policy that it makes."""

    name: str
    document: PolicyDocument


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a policy.toml that still loads and means something else."""
    data, original = tomllib.loads(text), load(text)
    for path, value in _places(data, ()):
        for what, other in _others(value):
            try:
                document = load(written(_with(data, path, other)))
            except InputError:
                continue
            if document != original:
                yield Mutant(f"{_named(path)}: {what}", document)


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


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value could be instead, each with its name."""
    yield "left out", _GONE
    if isinstance(value, bool):
        yield str(not value), not value
    elif isinstance(value, int):
        yield from ((f"{value} becomes {other}", other) for other in _numbers(value))
    elif isinstance(value, str) and not value.startswith("0x"):
        yield from _texts(value)


def _texts(text: str) -> Iterator[tuple[str, str]]:
    """The text with one of its numbers larger or smaller, the others as they are."""
    for found in _NUMBER.finditer(text):
        number = found[0].replace("_", "")
        whole, _, fraction = number.partition(".")
        for scaled in _numbers(int(whole + fraction)):
            digits = str(scaled).rjust(len(fraction) + 1, "0")
            cut = len(digits) - len(fraction)
            other = digits[:cut] + ("." + digits[cut:] if fraction else "")
            changed = text[: found.start()] + other + text[found.end() :]
            yield f"`{text}` becomes `{changed}`", changed


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
