"""Amounts, percentages and durations as people write them, read and written exactly: no float in between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

from strongroom.errors import BadValue
from strongroom.model import Amount, TokenId

# Commas only between thousands: `1,5` is one and a half to half the world.
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.(\d[\d_]*))?", re.ASCII)
_MOST_DIGITS = 78
"""Those of 2^256 - 1, the largest number on chain."""
_EPOCH = date(1970, 1, 1).toordinal()
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def parse_units(text: str, decimals: int, where: str) -> int:
    """A decimal number such as `25_000.50` (or `25,000.50`) in units of 10^-decimals, exactly. Raises `BadValue` on a
    sign, an exponent, or more digits than the unit holds."""
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        raise BadValue(text, where, "write a plain number, for example `25_000.50`")
    fraction = (found[2] or "").replace("_", "").rstrip("0")
    if len(fraction) > decimals:
        raise BadValue(text, where, f"at most {decimals} digits may follow the point")
    whole = _whole(found[1], text, where)
    scale: int = 10**decimals
    return whole * scale + int(fraction.ljust(decimals, "0") or "0")


def _whole(digits: str, text: str, where: str) -> int:
    """Digits in groups as a whole number. Python itself reads none of thousands of digits, and no token needs one."""
    plain = digits.replace("_", "").replace(",", "")
    if len(plain) > _MOST_DIGITS:
        raise BadValue(f"{text[:20]}…", where, f"a number has at most {_MOST_DIGITS} digits before the point")
    return int(plain)


def parse_amount(text: str, decimals: Mapping[TokenId, int], where: str) -> Amount:
    """`25_000 USDC` as units of a listed token. Raises `BadValue` on an unknown token."""
    number, _, name = text.strip().partition(" ")
    token = TokenId(name.strip())
    if token not in decimals:
        known = ", ".join(f"`{t}`" for t in decimals)
        mend = f"write a number and a listed token: {known}; for example `25_000 {next(iter(decimals), 'USDC')}`"
        raise BadValue(text, where, mend)
    return Amount(token, parse_units(number, decimals[token], where))


def parse_bps(text: str, where: str) -> int:
    """`1.5 %` as basis points, 0 to 10,000. Raises `BadValue` beyond that or on a finer part."""
    number, sign, rest = text.strip().partition("%")
    if not sign or rest.strip():
        raise BadValue(text, where, "write a percentage, for example `1.5 %`")
    bps = parse_units(number.strip(), 2, where)
    if bps > 10_000:
        raise BadValue(text, where, "a percentage is at most `100 %`")
    return bps


def parse_seconds(text: str, where: str) -> int:
    """`7 days`, `1 hour`, `90 seconds` as whole seconds, at least one."""
    if re.search(r"\b(month|year)s?$", text.strip()):
        raise BadValue(
            text, where, "write a duration in days, for example `30 days`: months and years differ in length"
        )
    found = re.fullmatch(r"(\d[\d_]*) *([a-z]+?)s?", text.strip(), re.ASCII)
    count = _whole(found[1], text, where) if found and found[2] in _SECONDS else 0
    if not found or count == 0:
        raise BadValue(
            text,
            where,
            "write a duration in whole numbers, for example `7 days`, `12 hours` or `90 seconds`",
        )
    return count * _SECONDS[found[2]]


def parse_day(text: str, where: str) -> int:
    """`2026-11-01` as the Unix second with which that day begins, UTC. Raises `BadValue` before 1970."""
    mend = "write a day, for example `2026-11-01`"
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip(), re.ASCII):
        raise BadValue(text, where, mend)
    try:
        days = date.fromisoformat(text.strip()).toordinal() - _EPOCH
    except ValueError as error:
        raise BadValue(text, where, mend) from error
    if days < 0:
        raise BadValue(text, where, mend)
    return days * _SECONDS["day"]


def format_day(second: int) -> str:
    """The day, UTC, of a Unix second: `2026-11-01`."""
    return _day(second // _SECONDS["day"])


@lru_cache(maxsize=1_024)
def _day(number: int) -> str:
    return f"{datetime.fromtimestamp(number * _SECONDS['day'], UTC):%Y-%m-%d}"


def format_moment(second: int) -> str:
    """A Unix second to the minute: `2026-11-01 at 09:00 UTC`."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d at %H:%M} UTC"


# Limits are written again and again, and what is measured against several of them.
@lru_cache(maxsize=1_024)
def format_units(units: int, decimals: int) -> str:
    """Units as `31,500.00`: thousands set apart, at least two digits after the point, none dropped."""
    whole, rest = divmod(abs(units), 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0").ljust(2, "0") if decimals else "00"
    return f"{'-' if units < 0 else ''}{whole:,}.{fraction}"


def format_bps(bps: int) -> str:
    """Basis points as `1.5 %`."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


@lru_cache(maxsize=256)
def format_seconds(seconds: int) -> str:
    """Seconds in the largest unit that divides them: `7 days`, `90 seconds`."""
    for name, size in reversed(_SECONDS.items()):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"


def quantity(units: int, decimals: int) -> str:
    """Units as a document writes them: `31_500.5`, exact, without trailing zeros."""
    whole, rest = divmod(units, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0") if rest else ""
    return f"{whole:_}" + (f".{fraction}" if fraction else "")
