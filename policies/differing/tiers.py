"""Tiers of a cap: one list is at least as tight as another if each tier of the other has one here that asks as many
guardians or more, from the same amount or less, over the same time or longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.terms import PolicyDocument, Tier

_KNOWN = ("approvals", "above_units", "window_seconds")


def covers(tiers: Iterable[Tier], others: Iterable[Tier]) -> bool:
    """Whether `tiers` ask wherever `others` do, and as many guardians."""
    known = list(tiers)
    return all(any(_asks_with(tier, other) for tier in known) for other in others)


def _asks_with(tier: Tier, other: Tier) -> bool:
    sooner = tier.above_units <= other.above_units and tier.window_seconds >= other.window_seconds
    return sooner and tier.approvals >= other.approvals


def _direction(old: tuple[Tier, ...], new: tuple[Tier, ...]) -> Direction:
    if {field.name for field in fields(Tier)} != set(_KNOWN):
        return Direction.UNCLEAR
    tighter, looser = covers(new, old), covers(old, new)
    if tighter and looser:
        return Direction.NEITHER
    return Direction.TIGHTER if tighter else Direction.LOOSER if looser else Direction.UNCLEAR


def _judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
    lists = (_listed(new.tiers, place.new, place), _listed(old.tiers, place.old, place))
    yield place.below("ask").change(_direction(old.tiers, new.tiers), f"{lists[0]}; was {lists[1]}")


def _listed(tiers: tuple[Tier, ...], document: PolicyDocument, place: Place) -> str:
    return " and ".join(_told(tier, document, place) for tier in tiers) or "no tiers"


def _told(tier: Tier, document: PolicyDocument, place: Place) -> str:
    guardians = f"{tier.approvals} guardian{'' if tier.approvals == 1 else 's'}"
    above = shown.units(tier.above_units, document, place)
    return f"{guardians} above {above} per {shown.window(tier.window_seconds)}"


TIERS = Row(("tiers",), _judge)
TIER = Row(_KNOWN, _judge)
"""A tier stands in its list alone: for the list of all fields that are known."""
