"""Leaky buckets: caps, what swaps may lose, how often the agent's key may act.

A bucket is tighter for every history only if it holds no more, gives back no faster, no longer window may see more of
it, and it looks back no shorter. Less `at_once` under the same cap is not: what was used then flows back faster, so
that more leaves in the long run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.outflow import OutflowLimit
from policies.terms import ActionLimit, Cap, LossLimit, PolicyDocument

_MONTH_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Bucket:
    """`held` at once, `most` in any window, the time in which all of `held` flows back, each in one unit."""

    most: int
    window_seconds: int
    held: int
    drain_seconds: int

    @property
    def memory_seconds(self) -> int:
        """How far back a use is looked at."""
        return max(self.window_seconds, self.drain_seconds)

    def back(self, seconds: int) -> int:
        """What flows back in so much time, rounded down; the drain's own rounding makes it a trifle less."""
        return (self.most - self.held) * seconds // self.window_seconds


def at_least_as_tight(one: Bucket, other: Bucket) -> bool:
    """Whether `one` refuses whatever `other` refuses, for every history."""
    slower = one.held * other.drain_seconds <= other.held * one.drain_seconds
    smaller = one.most <= other.most and one.held <= other.held
    longer = one.window_seconds >= other.window_seconds and one.memory_seconds >= other.memory_seconds
    return smaller and slower and longer


def direction(old: Bucket, new: Bucket) -> Direction:
    tighter, looser = at_least_as_tight(new, old), at_least_as_tight(old, new)
    if tighter and looser:
        return Direction.NEITHER
    return Direction.TIGHTER if tighter else Direction.LOOSER if looser else Direction.UNCLEAR


def _row(fields: tuple[str, ...], of: Callable[[Any], Bucket], show: shown.Show) -> Row:
    def judge(old: Any, new: Any, place: Place) -> Iterator[Change]:
        before, after = of(old), of(new)
        told = "; ".join(_told(before, after, place, show))
        yield place.change(direction(before, after), told)

    return Row(fields, judge)


def _told(old: Bucket, new: Bucket, place: Place, show: shown.Show) -> Iterator[str]:
    faces = zip(_faces(old, place.old, place, show), _faces(new, place.new, place, show), strict=True)
    yield from (f"{before[0]} {after[1]}, was {before[1]}" for before, after in faces if before != after)


def _faces(bucket: Bucket, document: PolicyDocument, place: Place, show: shown.Show) -> tuple[tuple[str, str], ...]:
    """What people see of a bucket: what it is called, and how much it is."""
    most, held, back = (show(n, document, place) for n in (bucket.most, bucket.held, bucket.back(_MONTH_SECONDS)))
    return (
        ("at most", f"{most} per {shown.window(bucket.window_seconds)}"),
        ("at once", held),
        ("flows back by", f"{back} per 30 days"),
    )


def _cap(cap: Cap) -> Bucket:
    return Bucket(cap.cap_units, cap.window_seconds, cap.at_once_units, cap.drain_seconds)


def _losses(limit: LossLimit) -> Bucket:
    return Bucket(limit.cap_e8, limit.window_seconds, limit.at_once_e8, limit.drain_seconds)


def _outflow(limit: OutflowLimit) -> Bucket:
    return Bucket(limit.cap_e8, limit.window_seconds, limit.at_once_e8, limit.drain_seconds)


def _actions(limit: ActionLimit) -> Bucket:
    return Bucket(limit.count, limit.window_seconds, limit.at_once, limit.drain_seconds)


def _calls(value: int, *_: object) -> str:
    return f"{value:,} call{'' if value == 1 else 's'}"


def _usd(value: int, *_: object) -> str:
    return shown.usd(value)


CAP = _row(("cap_units", "window_seconds", "at_once_units"), _cap, shown.units)
LOSSES = _row(("cap_e8", "window_seconds", "at_once_e8"), _losses, _usd)
OUTFLOW_BUCKET = _row(("cap_e8", "window_seconds", "at_once_e8"), _outflow, _usd)
ACTIONS = _row(("count", "window_seconds", "at_once"), _actions, _calls)
