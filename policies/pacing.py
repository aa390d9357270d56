"""The pace at which a payee is paid: how far apart, and how often within a window that rolls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.quantities import format_seconds, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument


@dataclass(frozen=True, slots=True)
class Pace:
    """At least `apart_seconds` between two payments, and at most `count` within any `window_seconds`: two payments
    exactly a window apart never share one. Zero: no such limit."""

    apart_seconds: int = 0
    count: int = 0
    window_seconds: int = 0

    @property
    def reach_seconds(self) -> int:
        """How far back payments matter; zero where there is no limit."""
        return max(self.apart_seconds, self.window_seconds)


def pace(row: Table) -> Pace:
    """The keys `apart` and `often` of a payee. Raises `BadValue` where they cannot be read."""
    apart = parse_seconds(row.text("apart"), row.path("apart")) if row.has("apart") else 0
    if not row.has("often"):
        return Pace(apart)
    count, _, time = row.text("often").partition(" per ")
    if not (count.isascii() and count.isdecimal() and int(count)) or not time:
        raise BadValue(row.text("often"), row.path("often"), "write for example `3 per 30 days`")
    window = time if time.strip()[:1].isdigit() else f"1 {time.strip()}"
    return Pace(apart, int(count), parse_seconds(window, row.path("often")))


def check_pacing(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for a pace that could not be kept: payments in the chain's own coin leave no trace to count."""
    for payee in document.payees.values():
        coin = next((token for token in payee.max_units if document.is_native(token)), None)
        if payee.pace.reach_seconds and coin:
            mend = "it leaves no trace to count payments by; pay it in other tokens, or take `apart` and `often` out"
            raise BadValue(coin, f"`at_most` of payee `{payee.id}` in {name}", mend)


def pace_keys(terms: Pace) -> dict[str, str | None]:
    """The keys as policy.toml has them."""
    often = f"{terms.count} per {format_seconds(terms.window_seconds)}" if terms.count else None
    return {"apart": format_seconds(terms.apart_seconds) if terms.apart_seconds else None, "often": often}
