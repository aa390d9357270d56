"""Business hours as the policy has them: on which days, and from when to when, value moves without a question.

Hours are those on the clocks of one place, so they follow its summer time. A moment has exactly one local time, also
where clocks jump, so nothing is ambiguous: an hour that comes twice is open, or shut, twice; one left out never comes.

Which local time a moment has says the zone database of the system, or of the package `tzdata`: data like the names of
the months, no state of the world. `zoneinfo` reads a zone when a policy with [hours] is loaded and keeps it; one that
it does not know is refused there, and should it be gone at the judging, the rule fails and so denies. Fixed offsets
would need none of this, and would shut an hour early for half of the year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Verdict
from strongroom.quantities import parse_day

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = re.compile(r"(\d\d):(\d\d)", re.ASCII)
_LAST_MINUTE = 24 * 60

COMMENT = """\
# Business hours: outside them guardians are asked (`otherwise = "ask"`), or nothing moves (`"deny"`). Times are those
# on the clocks of `timezone`, from `open` until just before `close`, which may be `24:00`. Standing orders are paid at
# any time, for salaries fall on Sundays too, unless `orders_too = true`. What is lent comes home at any time. The
# Kernel knows no hours: they do not bind a stolen key."""
ABSENT = """\
# Value moves at any hour. With this table guardians are asked outside business hours; `holidays` are days as well:
#
# [hours]
# days = ["Mon", "Tue", "Wed", "Thu", "Fri"]
# open = "09:00"
# close = "18:00"
# timezone = "Europe/Berlin"
# holidays = ["2026-12-25"]
# otherwise = "ask"
"""


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on `days` but for `holidays`, `open_minutes` after local midnight (inclusive) to `close_minutes`
    (exclusive). Beyond them the verdict is `otherwise`, for standing orders only where they are bound too."""

    days: tuple[str, ...]
    open_minutes: int
    close_minutes: int
    timezone: str
    otherwise: Verdict
    holidays: tuple[str, ...] = ()
    orders_too: bool = False

    def local(self, second: int) -> datetime:
        """The local time at a Unix second."""
        return datetime.fromtimestamp(second, ZoneInfo(self.timezone))

    def are_open(self, second: int) -> bool:
        """Whether a Unix second lies within business hours."""
        local = self.local(second)
        return self._is_business_day(local.date()) and self.open_minutes <= _minute(local) < self.close_minutes

    def next_opening(self, second: int) -> str:
        """When they open next after a Unix second at which they are shut, such as `Mon 2026-11-23 at 09:00`; empty
        where holidays leave no day."""
        local = self.local(second)
        first = local.date() + timedelta(days=_minute(local) >= self.open_minutes)
        # Each holiday takes one business day away, and every week has one at least.
        days = (first + timedelta(days=n) for n in range(7 * (len(self.holidays) + 1)))
        day = next((day for day in days if self._is_business_day(day)), None)
        return f"{WEEK[day.weekday()]} {day} at {_clock(self.open_minutes)}" if day else ""

    def _is_business_day(self, day: date) -> bool:
        return WEEK[day.weekday()] in self.days and day.isoformat() not in self.holidays

    def told(self) -> str:
        """`Mon, Tue from 09:00 to 18:00`"""
        return f"{', '.join(self.days)} from {_clock(self.open_minutes)} to {_clock(self.close_minutes)}"

    def told_now(self, second: int) -> str:
        """`Sun 2026-11-22 at 15:00:00 in Europe/Berlin`"""
        local = self.local(second)
        return f"{WEEK[local.weekday()]} {local.date()} at {local.time()} in {self.timezone}"


def hours(row: Table) -> Hours | None:
    """The table [hours], `None` where it is absent. Raises `BadValue` at the first contradiction."""
    if not row.keys():
        return None
    with row:
        opens, closes = _minutes(row, "open"), _minutes(row, "close")
        if closes <= opens:
            raise BadValue(row.text("close"), row.path("close"), "it lies after `open`, on the same day")
        return Hours(
            days=_days(row),
            open_minutes=opens,
            close_minutes=closes,
            timezone=_timezone(row),
            otherwise=Verdict(row.choice("otherwise", (Verdict.ASK, Verdict.DENY))),
            holidays=_holidays(row),
            orders_too=row.flag("orders_too", False),
        )


def _days(row: Table) -> tuple[str, ...]:
    named = row.texts("days")
    if not named or len(set(named)) != len(named) or not set(named) <= set(WEEK):
        mend = "name each day once, of " + ", ".join(f"`{day}`" for day in WEEK)
        raise BadValue(", ".join(named) or "[]", row.path("days"), mend)
    return tuple(day for day in WEEK if day in named)


def _minutes(row: Table, key: str) -> int:
    text = row.text(key)
    found = _CLOCK.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else _LAST_MINUTE + 1
    if minutes > _LAST_MINUTE:
        raise BadValue(text, row.path(key), "write a time such as `09:00`, at most `24:00`")
    return minutes


def _timezone(row: Table) -> str:
    zone = row.text("timezone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadValue(zone, row.path("timezone"), "write a zone such as `Europe/Berlin` or `UTC`") from error
    return zone


def _holidays(row: Table) -> tuple[str, ...]:
    named = [text.strip() for text in row.texts("holidays", ())]
    for text in named:
        parse_day(text, row.path("holidays"))
        if named.count(text) > 1:
            raise BadValue(text, row.path("holidays"), "name each day once")
    return tuple(sorted(named))


def hours_lines(terms: Hours | None, section: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The table as policy.toml has it, or how it would look."""
    if terms is None:
        yield ABSENT
        return
    clocks = {"open": _clock(terms.open_minutes), "close": _clock(terms.close_minutes)}
    beyond = {"holidays": list(terms.holidays) or None, "otherwise": terms.otherwise.value}
    orders = terms.orders_too or None
    yield from section(
        COMMENT, "[hours]", days=list(terms.days), **clocks, timezone=terms.timezone, **beyond, orders_too=orders
    )


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
