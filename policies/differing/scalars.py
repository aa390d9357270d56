"""Single keys: which way a larger value goes, or that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.differing.change import Change, Direction, Place, Row
from policies.differing.shown import Show, plain, was

LOOSER, TIGHTER, UNCLEAR, NEITHER = Direction.LOOSER, Direction.TIGHTER, Direction.UNCLEAR, Direction.NEITHER


def more_is(direction: Direction, field: str, key: str, show: Show = plain) -> Row:
    """A number of which more is looser, or tighter."""

    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        one, other = getattr(old, field), getattr(new, field)
        yield place.below(key).change(direction if other > one else direction.opposite, was(show, one, other, place))

    return Row((field,), judge)


def _otherwise(old: Any, new: Any, place: Place) -> Iterator[Change]:
    tighter = new.otherwise.rank > old.otherwise.rank
    said = was(plain, old.otherwise, new.otherwise, place)
    yield place.below("otherwise").change(TIGHTER if tighter else LOOSER, said)


OTHERWISE = Row(("otherwise",), _otherwise)
"""The verdict on what breaks a rule."""


def always(direction: Direction, field: str, key: str, why: str = "", show: Show = plain) -> Row:
    """A key whose every change has one direction; `why` is said after it."""

    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        said = was(show, getattr(old, field), getattr(new, field), place)
        yield place.below(key).change(direction, f"{said}; {why}" if why else said)

    return Row((field,), judge)


def other(field: str, key: str) -> Row:
    """An address or a name: what the other one allows cannot be told."""
    return always(UNCLEAR, field, key, "what another one lets happen cannot be told")


def members(field: str, key: str, gained: Direction, lost: Direction, why_lost: str = "") -> Row:
    """A list without an order that matters: what is in it more, and what less."""

    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        before, after, at = getattr(old, field), getattr(new, field), place.below(key)
        yield from (at.change(gained, f"`{each}` is new") for each in after if each not in before)
        gone = [each for each in before if each not in after]
        yield from (at.change(lost, f"`{each}` is gone{why_lost}") for each in gone)
        if sorted(before) == sorted(after):
            yield at.change(NEITHER, "in another order")

    return Row((field,), judge)
