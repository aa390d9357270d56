"""Two values of one dataclass, field by field, each judged by its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from policies.differing.change import Change, Direction, Place, Row


def compare(old: Any, new: Any, place: Place) -> Iterator[Change]:
    """The changes between two values of one dataclass. A field without a row is never passed over: it is unclear."""
    for row in place.rows.get(type(old), ()):
        if any(getattr(old, name) != getattr(new, name) for name in row.fields):
            yield from row.judge(old, new, place)
    for name in unknown_fields(type(old), place.rows):
        if getattr(old, name) != getattr(new, name):
            yield place.below(name).change(
                Direction.UNCLEAR, "differs, and this comparison does not know what it means"
            )


def unknown_fields(kind: type[Any], rows: Mapping[type[Any], tuple[Row, ...]]) -> tuple[str, ...]:
    """The fields of a dataclass that no row judges."""
    judged = {name for row in rows.get(kind, ()) for name in row.fields}
    return tuple(each.name for each in fields(kind) if each.name not in judged)
