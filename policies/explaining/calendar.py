"""What time takes away and gives back. Waiting only ever helps, but for what ends (an order, a deny list's age, an
appeal) and for what comes and goes (business hours, freezes)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from heapq import merge
from zoneinfo import ZoneInfo

from policies.hours import Hours
from policies.terms import PolicyDocument
from strongroom.model import Facts

_DAY_SECONDS = 86_400
_LONGEST_SECONDS = 366 * _DAY_SECONDS
"""Nobody plans by a wait that is longer."""


def last_seconds(facts: Facts, document: PolicyDocument) -> tuple[int, ...]:
    """The last second (Unix) of each stretch after now, in order, in which waiting only helps but for hours and
    freezes: until an order is over, a deny list is too old, or an appeal has had its time. At the last of them, a year
    away at most, all else has flowed back, rolled on, cooled off and thawed."""
    now = facts.block.timestamp
    horizon = now + min(_longest_wait(facts, document), _LONGEST_SECONDS) + 1
    return (*sorted({each for each in _last_before_less(facts, document) if now < each < horizon}), horizon)


def _last_before_less(facts: Facts, document: PolicyDocument) -> Iterator[int]:
    yield from (order.not_after for order in document.orders.values() if order.not_after)
    if terms := document.sanctions:
        yield from (listing.dated_at + terms.max_age_seconds for listing in facts.listings)
        yield from (dispute.until - 1 for dispute in terms.disputes)


def _longest_wait(facts: Facts, document: PolicyDocument) -> int:
    """Seconds in which every window has rolled past all that is known, every bucket is empty, every order has begun and
    is due, no price of now swings, nobody is new any more, and hours have come again after the last freeze."""
    now = facts.block.timestamp
    buckets = facts.kernel.buckets.values() if facts.kernel else ()
    swings = document.volatility.over_seconds if document.volatility else 0
    waits = [document.history_seconds(), swings, *(bucket.drain for bucket in buckets)]
    return max([*waits, *(second - now for second in _beginnings(document))]) + _between_openings(document.hours)


def _beginnings(document: PolicyDocument) -> Iterator[int]:
    """Seconds from which on something is allowed that was not."""
    yield from (order.not_before for order in document.orders.values())
    yield from (freeze.ends_at for freeze in document.freezes)
    if terms := document.newcomers:
        yield from (terms.cool_until(payee) for payee in document.payees.values() if payee.since is not None)
        yield from map(terms.venue_cools_until, terms.venues)


def _between_openings(hours: Hours | None) -> int:
    """At most so long business hours stay shut: each holiday takes one business day, and every week has one."""
    return 7 * _DAY_SECONDS * (len(hours.holidays) + 1) if hours else 0


def last_of_each(document: PolicyDocument, first: int, last: int) -> Iterator[int]:
    """The last second of each part of `first` to `last` (both inclusive) in which neither hours nor freezes change."""
    moments = {moment for freeze in document.freezes for moment in (freeze.begins_at, freeze.ends_at)}
    changes = sorted(moment for moment in moments if first < moment <= last)
    turns = hours_turns(document.hours, first, last) if document.hours else iter(())
    # Lazily: a year has many openings, and mostly the first will do.
    yield from (moment - 1 for moment in merge(changes, turns))
    yield last


def hours_turns(hours: Hours, first: int, last: int) -> Iterator[int]:
    """Each second after `first`, up to `last`, at which business hours are not what they were a second before."""
    for begin in range(first + 1, last + 1, _DAY_SECONDS):
        end = min(begin + _DAY_SECONDS, last + 1)
        for second in sorted({each for each in _candidates(hours, begin, end) if begin <= each < end}):
            if hours.are_open(second) != hours.are_open(second - 1):
                yield second


def _candidates(hours: Hours, begin: int, end: int) -> Iterator[int]:
    """Between two of them local time runs on evenly and passes neither `open` nor `close`: both on each day, each time
    that it comes, and where clocks jump."""
    days = {hours.local(second).date() + timedelta(days=ahead) for second in (begin, end) for ahead in (-1, 0)}
    for day in days:
        yield from _seconds(hours, day, (hours.open_minutes, hours.close_minutes))
    yield from _jump(hours, begin - 1, end)


def _seconds(hours: Hours, day: date, minutes: Iterable[int]) -> Iterator[int]:
    zone, midnight = ZoneInfo(hours.timezone), datetime.combine(day, time())
    for each in minutes:
        local = (midnight + timedelta(minutes=each)).replace(tzinfo=zone)
        yield from (int(local.replace(fold=fold).timestamp()) for fold in (0, 1))


def _jump(hours: Hours, before: int, after: int) -> Iterator[int]:
    """The first second after clocks were changed; they are at most once within a day."""
    if _offset(hours, before) == _offset(hours, after):
        return
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(hours, middle) == _offset(hours, after) else (middle, after)
    yield after


def _offset(hours: Hours, second: int) -> timedelta | None:
    return hours.local(second).utcoffset()
