"""Time and pace: business hours, freezes, newcomers, how often a payee is paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Place, Row
from policies.differing.compare import compare
from policies.differing.entries import entries, means, section
from policies.differing.scalars import LOOSER, NEITHER, OTHERWISE, TIGHTER, UNCLEAR, members, more_is, other
from policies.freezes import Freeze
from policies.hours import Hours
from policies.moments import write_moment
from policies.newcomers import Newcomers
from policies.pacing import Pace
from policies.terms import Payee
from strongroom.quantities import format_day, format_seconds

_KNOWN = ("begins_at", "ends_at", "reason", "classes", "tokens")


def _since(old: Payee, new: Payee, place: Place) -> Iterator[Change]:
    """Without [newcomers] it says nothing; where only one policy has that table, the table is what differs."""
    both = place.old.newcomers is not None and place.new.newcomers is not None
    later = TIGHTER if (new.since or 0) > (old.since or 0) else LOOSER
    said = shown.was(shown.day, old.since, new.since, place)
    yield place.below("since").change(later if both else NEITHER, said)


def _often(old: Pace, new: Pace, place: Place) -> Iterator[Change]:
    tighter, looser = _as_slow(new, old), _as_slow(old, new)
    way = NEITHER if tighter and looser else TIGHTER if tighter else LOOSER if looser else UNCLEAR
    yield place.below("often").change(way, f"{_rate(new)}, was {_rate(old)}")


def _as_slow(one: Pace, other: Pace) -> bool:
    """Whether `one` refuses whatever `other` refuses, for every history."""
    if not other.count:
        return True
    return 0 < one.count <= other.count and one.window_seconds >= other.window_seconds


def _rate(pace: Pace) -> str:
    return f"{pace.count:,} per {shown.window(pace.window_seconds)}" if pace.count else "none"


def covers(one: Freeze, other: Freeze) -> bool:
    """Whether `one` stops whatever `other` stops."""
    longer = one.begins_at <= other.begins_at and one.ends_at >= other.ends_at
    return longer and _wider(one.classes, other.classes) and _wider(one.tokens, other.tokens)


def _wider(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """No names mean all there are."""
    return not some or (bool(others) and set(others) <= set(some))


def _freezes(old: Any, new: Any, place: Place) -> Iterator[Change]:
    before, after, at = old.freezes, new.freezes, place.below("freezes")
    known = {field.name for field in fields(Freeze)} == set(_KNOWN)
    for each in (freeze for freeze in after if freeze not in before):
        covered = known and any(covers(one, each) for one in before)
        yield at.change(NEITHER if covered else TIGHTER if known else UNCLEAR, f"new: {_told(each)}")
    for each in (freeze for freeze in before if freeze not in after):
        covered = known and any(covers(one, each) for one in after)
        yield at.change(NEITHER if covered else LOOSER, f"gone: {_told(each)}")
    if set(before) == set(after):
        yield at.change(NEITHER, "in another order")


def _told(freeze: Freeze) -> str:
    only = "".join(f", only {shown.listed(named)}" for named in (freeze.classes, freeze.tokens) if named)
    return f"from {write_moment(freeze.begins_at)} until {write_moment(freeze.ends_at)}{only}: {freeze.reason}"


def _at_most(old: Newcomers, new: Newcomers, place: Place) -> Iterator[Change]:
    """A token that is not named is paid without a limit to nobody who is new: it is as good as zero."""
    for token in {**old.max_units, **new.max_units}:
        before, after = old.max_units.get(token, 0), new.max_units.get(token, 0)
        at = place.below("at_most").below(token, token)
        if before != after:
            yield at.change(LOOSER if after > before else TIGHTER, shown.was(shown.units, before, after, at))
    if old.max_units == new.max_units:
        yield place.below("at_most").change(NEITHER, "in another order")


def _listed_later(old: int, new: int, place: Place) -> Iterator[Change]:
    yield place.change(TIGHTER if new > old else LOOSER, f"{format_day(new)}, was {format_day(old)}")


def _clock(minutes: int, *_: object) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


PAYEE = (Row(("since",), _since), section("pace", "", None, compare))
HOURS = section(
    "hours",
    "hours",
    (
        means(TIGHTER, "new: outside business hours value does not move unasked"),
        means(LOOSER, "gone: value moves at any hour"),
    ),
    compare,
)
FREEZES = Row(("freezes",), _freezes)
FREEZE = Row(_KNOWN, _freezes)
"""A freeze stands in its list alone: for the list of all fields that are known."""
NEWCOMERS = section(
    "newcomers",
    "newcomers",
    (
        means(TIGHTER, "new: who was listed lately gets little"),
        means(LOOSER, "gone: who was listed lately gets as much as others"),
    ),
    compare,
)
_VENUES = entries(
    "venues",
    "venues",
    (
        means(TIGHTER, "new here: it gets little till then"),
        means(LOOSER, "gone from here: it gets as much as others"),
    ),
    _listed_later,
)
ROWS: Mapping[type[Any], tuple[Row, ...]] = {
    Pace: (
        more_is(TIGHTER, "apart_seconds", "apart", shown.seconds),
        Row(("count", "window_seconds"), _often),
    ),
    Hours: (
        members("days", "days", LOOSER, TIGHTER),
        more_is(TIGHTER, "open_minutes", "open", _clock),
        more_is(LOOSER, "close_minutes", "close", _clock),
        other("timezone", "timezone"),
        OTHERWISE,
        members("holidays", "holidays", TIGHTER, LOOSER),
        more_is(TIGHTER, "orders_too", "orders_too", shown.flag),
    ),
    Freeze: (FREEZE,),
    Newcomers: (
        more_is(TIGHTER, "cooling_off_seconds", "cooling_off", lambda value, *_: format_seconds(value)),
        Row(("max_units",), _at_most),
        OTHERWISE,
        _VENUES,
    ),
}
