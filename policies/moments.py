"""Moments as a policy writes them: a day, which begins at midnight UTC, or a time of that day."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from strongroom.errors import BadValue
from strongroom.quantities import parse_day

_MOMENT = re.compile(r"(\S+) (\d\d):(\d\d)(?::(\d\d))? UTC", re.ASCII)
_DAY_SECONDS = 86_400
_MEND = "write `2026-11-22` or `2026-11-22 14:00 UTC`"


def parse_moment(text: str, where: str) -> int:
    """`2026-11-22`, `2026-11-22 14:00 UTC` or `2026-11-22 14:00:30 UTC` as a Unix second. Raises `BadValue` on anything
    else, on hours from 24 on, and before 1970."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return _day(text, text, where)
    hours, minutes, seconds = (int(part or 0) for part in found.group(2, 3, 4))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise BadValue(text, where, _MEND)
    return _day(found[1], text, where) + hours * 3_600 + minutes * 60 + seconds


def _day(day: str, text: str, where: str) -> int:
    try:
        return parse_day(day, where)
    except BadValue as error:
        raise BadValue(text, where, _MEND) from error


def write_moment(second: int) -> str:
    """A Unix second as `parse_moment` reads it, exactly, and no longer than it must be."""
    moment = datetime.fromtimestamp(second, UTC)
    if second % _DAY_SECONDS == 0:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M UTC}" if second % 60 == 0 else f"{moment:%Y-%m-%d %H:%M:%S UTC}"
