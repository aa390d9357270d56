"""The two faces of each cap, what may move at once and what in any window, as `policy check` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agent.cli.units import aligned
from strongroom.quantities import format_seconds

if TYPE_CHECKING:
    from policies.terms import Cap, PolicyDocument


def cap_lines(document: PolicyDocument) -> Iterator[str]:
    """A line for each cap as it is written; nothing for a policy without any."""
    rows = [_row(cap, document) for cap in document.all_caps()]
    if rows:
        yield "  without guardians, at once and at most in any window:"
        yield from aligned(rows, right=(2, 3))


def cap_data(document: PolicyDocument) -> list[dict[str, Any]]:
    """The same for machines, in units as decimal strings."""
    return [
        {
            "class": cap.bucket_class,
            "token": cap.token,
            "at_once_units": str(cap.at_once_units),
            "cap_units": str(cap.cap_units),
            "window_seconds": cap.window_seconds,
        }
        for cap in document.all_caps()
    ]


def _row(cap: Cap, document: PolicyDocument) -> tuple[str, ...]:
    from policies.orders import amount

    faces = (amount(cap.token, units, document) for units in (cap.at_once_units, cap.cap_units))
    return f"    {cap.bucket_class}", cap.token, *faces, f"per {format_seconds(cap.window_seconds)}"
