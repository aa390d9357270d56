"""The differences between two policies."""

from __future__ import annotations

from policies.differing.change import Change, Direction, Place
from policies.differing.compare import compare
from policies.differing.fields import ROWS
from policies.terms import PolicyDocument


def differences(old: PolicyDocument, new: PolicyDocument) -> tuple[Change, ...]:
    """Every change between the two, what loosens first. Empty only for equal policies.

    While none of them `counts_as_looser`, nothing happens that was refused before, nor with fewer guardians: the same
    unit in the same world gets no milder verdict."""
    found = compare(old, new, Place(old, new, rows=ROWS))
    return tuple(sorted(found, key=lambda change: tuple(Direction).index(change.direction)))


def loosens(changes: tuple[Change, ...]) -> bool:
    """Whether anything in there is looser, or nobody can tell."""
    return any(change.direction.counts_as_looser for change in changes)
