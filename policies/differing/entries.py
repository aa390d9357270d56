"""Entries by name or address, such as payees, orders and pools: which are new, which are gone, and what changed in
those that stayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.differing.change import Change, Direction, Judge, Place, Row
from policies.terms import PolicyDocument
from strongroom.model import TokenId

Meaning = Callable[[Any, Place], tuple[Direction, str]]
"""What it means that an entry is new, or gone: the direction, and in words why."""


def means(direction: Direction, said: str) -> Meaning:
    """The same whatever the entry is."""
    return lambda _entry, _place: (direction, said)


def compare_entries(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    place: Place,
    meanings: tuple[Meaning, Meaning],
    stayed: Judge,
    token: Callable[[Any], TokenId | None] = lambda _: None,
) -> Iterator[Change]:
    """`meanings` are of a new entry and of one that is gone; `stayed` judges one that is in both and differs."""
    for id_ in {**old, **new}:
        one, other = old.get(id_), new.get(id_)
        at = place.below(id_, token(one if other is None else other))
        if one is None or other is None:
            yield at.change(*(meanings[0](other, at) if one is None else meanings[1](one, at)))
        elif one != other:
            yield from stayed(one, other, at)


def entries(
    field: str,
    table: str,
    meanings: tuple[Meaning, Meaning],
    stayed: Judge,
    token: Callable[[Any], TokenId | None] = lambda _: None,
    by: Callable[[Any], Mapping[str, Any]] = lambda value: value,
) -> Row:
    """The row of a field that holds entries; `by` makes a mapping of it."""

    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        before, after = by(getattr(old, field)), by(getattr(new, field))
        at = place.below(table) if table else place
        yield from compare_entries(before, after, at, meanings, stayed, token)
        if before == after:
            yield at.change(Direction.NEITHER, "in another order")

    return Row((field,), judge)


def by_key(field: str) -> Callable[[Any], Mapping[str, Any]]:
    """Makes a mapping of values, each under one of its fields."""
    return lambda values: {getattr(value, field): value for value in values}


def section(field: str, table: str, meanings: tuple[Meaning, Meaning] | None, stayed: Judge) -> Row:
    """The row of a table that stands there once, and may be left out where it has `meanings`."""

    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        one, other, at = getattr(old, field), getattr(new, field), place.below(table) if table else place
        if meanings and (one is None or other is None):
            yield at.change(*(meanings[0](other, at) if one is None else meanings[1](one, at)))
        else:
            yield from stayed(one, other, at)

    return Row((field,), judge)


def tiers_forget(document: PolicyDocument, bucket_class: str, tokens: tuple[TokenId, ...]) -> bool:
    """Whether a class counts by tiers what went to a place of its own: to a place that is no longer listed, it does
    not."""
    caps = (document.cap(bucket_class, token) for token in tokens)
    return any(cap is not None and cap.tiers for cap in caps)
