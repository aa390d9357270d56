"""Plain JSON of unknown shape, read without trust, and its amounts and times in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from strongroom.quantities import format_units

_MOST_DECIMALS = 77
"""No token unit of 256 bits has more digits."""
_COMPARED = re.compile(r"(\d[\d,]{0,80})(?:\.(\d{1,80}))?(?: (.{1,60}))?", re.ASCII)


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The objects in `value` if it is a list, else none."""
    return tuple(each for each in value if isinstance(each, Mapping)) if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int | None:
    """An integer, or a decimal string of one as plain JSON has it beyond 2^53 - 1."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,80}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) else None


def amount(token: Any, units: Any, tokens: Mapping[str, Any]) -> str:
    """`11,000.00 USDC` by the decimals that the facts of that time give the token; the bare count without them."""
    count, name = number(units), text(token) or "an unnamed token"
    decimals = number(mapping(tokens.get(name)).get("decimals"))
    if count is None:
        return f"an unreadable amount of {name}"
    if decimals is None or not 0 <= decimals <= _MOST_DECIMALS:
        return f"{count:,} units of {name}"
    return f"{format_units(count, decimals)} {name}"


def counted(number: int, noun: str) -> str:
    """`1 guardian`, `2 guardians`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def usd(value_e8: int) -> str:
    """USD scaled by 1e8 as `1,234 USD`, rounded down to whole dollars."""
    return f"{value_e8 // 10**8:,} USD"


def when(seconds: int) -> str:
    """Unix seconds as `22 Nov 2026, 16:24 UTC`."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%-d %b %Y, %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"


def machine_time(seconds: int) -> str | None:
    """Unix seconds as ISO 8601, for `datetime` attributes; `None` beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a measured quantity is from its limit, both in one unit. `share` of the limit is in basis points, rounded
    down; `None` for a limit of zero."""

    gap: str
    above: bool
    equal: bool
    share: int | None


def margin(measured: str, limit: str) -> Margin | None:
    """The distance between two quantities as findings write them (`9,500.00 USDC`); `None` where they are no quantities
    of one unit."""
    left, right = _COMPARED.fullmatch(measured), _COMPARED.fullmatch(limit)
    if not left or not right or left[3] != right[3]:
        return None
    digits = max(len(each[2] or "") for each in (left, right))
    have, most = (int(each[1].replace(",", "") + (each[2] or "").ljust(digits, "0")) for each in (left, right))
    far = abs(most - have)
    gap = (format_units(far, digits) if digits else f"{far:,}") + (f" {left[3]}" if left[3] else "")
    return Margin(gap, have > most, have == most, have * 10_000 // most if most else None)
