"""Tiers of a cap: one list is at least as tight as another if each tier of the other has one here that asks as many
guardians or more, from the same amount or less, over the same time or longer, waits as long, and can be signed by
nobody whom the other would not do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.terms import PolicyDocument, Tier
from policies.tiers import after, who_signs

_KNOWN = ("approvals", "above_units", "window_seconds", "named", "delay_seconds")
Signed = tuple[Tier, frozenset[str]]
"""A tier, and the addresses of those whom it names."""


def covers(tiers: Iterable[Signed], others: Iterable[Signed]) -> bool:
    """Whether `tiers` ask wherever `others` do, and as many guardians."""
    known = list(tiers)
    return all(any(_asks_with(tier, other) for tier in known) for other in others)


def _asks_with(one: Signed, another: Signed) -> bool:
    tier, other = one[0], another[0]
    sooner = tier.above_units <= other.above_units and tier.window_seconds >= other.window_seconds
    return (
        sooner and tier.approvals >= other.approvals and tier.delay_seconds >= other.delay_seconds and _by(one, another)
    )


def _by(one: Signed, another: Signed) -> bool:
    """Whether whoever can sign `one` has enough among them whom `another` names."""
    if not another[1]:
        return True
    return one[0].approvals - len(one[1] - another[1]) >= another[0].approvals if one[1] else False


def _signed(tiers: tuple[Tier, ...], document: PolicyDocument) -> list[Signed]:
    names = document.guardians.names
    return [(tier, frozenset(names.get(name, name) for name in tier.named)) for tier in tiers]


def _direction(old: Iterable[Signed], new: Iterable[Signed]) -> Direction:
    if {field.name for field in fields(Tier)} != set(_KNOWN):
        return Direction.UNCLEAR
    tighter, looser = covers(new, old), covers(old, new)
    if tighter and looser:
        return Direction.NEITHER
    return Direction.TIGHTER if tighter else Direction.LOOSER if looser else Direction.UNCLEAR


def _judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
    lists = (_listed(new.tiers, place.new, place), _listed(old.tiers, place.old, place))
    way = _direction(_signed(old.tiers, place.old), _signed(new.tiers, place.new))
    yield place.below("ask").change(way, f"{lists[0]}; was {lists[1]}")


def _listed(tiers: tuple[Tier, ...], document: PolicyDocument, place: Place) -> str:
    return " and ".join(_told(tier, document, place) for tier in tiers) or "no tiers"


def _told(tier: Tier, document: PolicyDocument, place: Place) -> str:
    above = shown.units(tier.above_units, document, place)
    return f"{who_signs(tier)} above {above} per {shown.window(tier.window_seconds)}{after(tier)}"


TIERS = Row(("tiers",), _judge)
TIER = Row(_KNOWN, _judge)
"""A tier stands in its list alone: for the list of all fields that are known."""
