"""One difference between two policies: where it stands, what it says, and whether it lets more happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from policies.terms import PolicyDocument
from strongroom.model import TokenId


class Direction(StrEnum):
    """`UNCLEAR` is looser for some plans and tighter for others, or nobody can tell: it counts as looser."""

    LOOSER = "looser"
    UNCLEAR = "unclear"
    TIGHTER = "tighter"
    NEITHER = "neither"

    @property
    def counts_as_looser(self) -> bool:
        return self in (Direction.LOOSER, Direction.UNCLEAR)

    @property
    def opposite(self) -> Direction:
        """What the way back is."""
        swapped = {Direction.LOOSER: Direction.TIGHTER, Direction.TIGHTER: Direction.LOOSER}
        return swapped.get(self, self)


@dataclass(frozen=True, slots=True)
class Change:
    """`path` is the key as policy.toml has it, such as `caps.team.USDC.at_once`; `said` is for people."""

    direction: Direction
    path: str
    said: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the two documents something is compared, the token that its amounts are of, and what is known of each
    dataclass there."""

    old: PolicyDocument
    new: PolicyDocument
    path: str = ""
    token: TokenId | None = None
    rows: Mapping[type[Any], tuple[Row, ...]] = field(default_factory=dict)

    def below(self, key: str, token: TokenId | None = None) -> Place:
        return replace(self, path=f"{self.path}.{key}" if self.path else key, token=token or self.token)

    def change(self, direction: Direction, said: str) -> Change:
        return Change(direction, self.path, said)


Judge = Callable[[Any, Any, Place], Iterator[Change]]
"""What the difference between two values of one kind, the old and the new, means."""


@dataclass(frozen=True, slots=True)
class Row:
    """Fields of a dataclass that are judged together. The judge gets both whole values, once any of them differs."""

    fields: tuple[str, ...]
    judge: Judge
