"""USD amounts in words: what policy.toml says of them, exactly, and what people read, to the cent and rounded against
whoever asks."""

from __future__ import annotations

from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.quantities import format_seconds, format_units, parse_amount, parse_seconds, quantity

_E8_IN_CENT = 10**6
_USD, _E8_DECIMALS = TokenId("USD"), 8


def usd_down(value_e8: int) -> str:
    """`1,234.56 USD`, rounded down: for what there is, or may still be used."""
    return f"{format_units(value_e8 // _E8_IN_CENT, 2)} USD"


def usd_up(value_e8: int) -> str:
    """`1,234.57 USD`, rounded up: for what is lost or spent."""
    return f"{format_units(-(-value_e8 // _E8_IN_CENT), 2)} USD"


def parse_usd_e8(text: str, where: str) -> int:
    """`40_000 USD`, scaled by 1e8. Raises `BadValue` on another unit."""
    return parse_amount(text, {_USD: _E8_DECIMALS}, where).units


def parse_usd_per_time(text: str, where: str) -> tuple[int, int]:
    """`100_000 USD per 30 days` as USD scaled by 1e8 and seconds. Raises `BadValue`."""
    amount, _, time = (part.strip() for part in text.partition(" per "))
    if not time:
        raise BadValue(text, where, "write for example `100_000 USD per 30 days`")
    return parse_usd_e8(amount, where), parse_seconds(time if time[0].isdigit() else f"1 {time}", where)


def written_usd(value_e8: int) -> str:
    """The inverse of `parse_usd_e8`."""
    return f"{quantity(value_e8, _E8_DECIMALS)} USD"


def written_usd_per_time(value_e8: int, seconds: int) -> str:
    """The inverse of `parse_usd_per_time`."""
    return f"{written_usd(value_e8)} per {format_seconds(seconds).removeprefix('1 ')}"
