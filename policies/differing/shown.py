"""Values of a policy as people read them; each takes the value, its document and the place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from policies.differing.change import Place
from policies.orders import amount
from policies.terms import PolicyDocument
from strongroom.quantities import format_bps, format_day, format_seconds, format_units

Show = Callable[[Any, PolicyDocument, Place], str]
_E8, _GWEI = 8, 9


def plain(value: object, _document: PolicyDocument, _place: Place) -> str:
    if value is None:
        return "none"
    return f"`{value}`" if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else listed(value)


def name(value: str, _document: PolicyDocument, _place: Place) -> str:
    return f"`{value}`" if value else "none"


def flag(value: bool, _document: PolicyDocument, _place: Place) -> str:
    return "true" if value else "false"


def listed(values: Any) -> str:
    """`a`, `b`; `none` for an empty list."""
    named: Iterable[object] = values
    return ", ".join(f"`{each}`" for each in named) or "none"


def units(value: int, document: PolicyDocument, place: Place) -> str:
    assert place.token is not None
    return amount(place.token, value, document)


def seconds(value: int, _document: PolicyDocument, _place: Place) -> str:
    return format_seconds(value) if value else "none"


def window(seconds: int) -> str:
    """`30 days`, and `day` for one."""
    return format_seconds(seconds).removeprefix("1 ")


def bps(value: int, _document: PolicyDocument, _place: Place) -> str:
    return format_bps(value)


def day(value: int | None, _document: PolicyDocument, _place: Place) -> str:
    return format_day(value) if value else "none"


def day_after(value: int, document: PolicyDocument, place: Place) -> str:
    """`until` names the first day without a payment, the policy holds the last second with one."""
    return day(value and value + 1, document, place)


def gwei(value: int, _document: PolicyDocument, _place: Place) -> str:
    return f"{format_units(value, _GWEI)} gwei"


def usd(value_e8: int) -> str:
    return f"{format_units(value_e8, _E8)} USD"


def was(show: Show, old: Any, new: Any, place: Place) -> str:
    """`12,000.00 USDC, was 10,000.00 USDC`: each by its own document."""
    return f"{show(new, place.new, place)}, was {show(old, place.old, place)}"
