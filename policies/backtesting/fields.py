"""Single fields of foreign files. Each raises `ValueError` with what is wrong, in words for the row's report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from strongroom.addresses import to_address
from strongroom.model import Address
from strongroom.untrusted import shown

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_MOST = 2**256 - 1
_MOST_DIGITS = 78


def address(row: Mapping[str, Any], key: str) -> Address:
    value = row.get(key)
    found = _address(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"`{key}` is no address: `{shown(str(value))}`")
    return found


# A history names the same few over and over.
@lru_cache(maxsize=4_096)
def _address(text: str) -> Address | None:
    return to_address(text.lower()) if _ADDRESS.fullmatch(text) else None


def calldata(row: Mapping[str, Any], key: str) -> bytes:
    """Hexadecimal digits; absent or null is empty."""
    value = row.get(key)
    if value is None:
        return b""
    digits = value.removeprefix("0x") if isinstance(value, str) else " "
    try:
        if digits and not digits.isalnum():
            raise ValueError("spaces, which `fromhex` would pass over")
        return bytes.fromhex(digits)
    except ValueError as error:
        raise ValueError(f"`{key}` is not hexadecimal: `{shown(str(value))}`") from error


def number(row: Mapping[str, Any], key: str) -> int:
    """A whole number below 2^256, as a number or as a text of digits."""
    value = row.get(key)
    if isinstance(value, str) and value.isdigit() and value.isascii() and len(value) <= _MOST_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError(f"`{key}` is no whole number that a chain could hold: `{shown(str(value))}`")
    return value


def moment(value: Any, key: str) -> int:
    """An ISO 8601 date with its time, UTC where it names no zone, as Unix seconds, rounded down."""
    try:
        found = datetime.fromisoformat(value)
        seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`{key}` is no date: `{shown(str(value))}`") from error
    if seconds < 0:
        raise ValueError(f"`{key}` is before 1970: `{shown(str(value))}`")
    return seconds
