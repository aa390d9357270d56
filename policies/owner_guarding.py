"""The owners' guard as the policy has it: how long changes of who commands the Safe wait, and what must hold.

It is on unless the policy says otherwise. Its address follows from policy, Kernel and factory, so no document names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.quantities import format_seconds, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

MIN_DELAY_SECONDS, MIN_WINDOW_SECONDS, MAX_SECONDS = 3_600, 86_400, 30 * 86_400
"""What a guard takes as its delay and as its window; each is at most the last."""


@dataclass(frozen=True, slots=True)
class OwnerGuardTerms:
    """A change of modules, guard, handler, owners or threshold is announced, waits `delay_seconds`, during which any
    owner may veto it, and stays usable for `window_seconds` then. Taking the guard out waits twice the delay."""

    delay_seconds: int = 2 * 86_400
    window_seconds: int = 7 * 86_400


def owner_guard(row: Table) -> OwnerGuardTerms | None:
    """The table [owner_guard]: the defaults where it is absent, `None` where it says `install = false`."""
    if not row.keys():
        return OwnerGuardTerms()
    with row:
        if not row.flag("install", True):
            _no_terms(row)
            return None
        return OwnerGuardTerms(
            delay_seconds=parse_seconds(row.text("delay"), row.path("delay")),
            window_seconds=parse_seconds(row.text("window"), row.path("window")),
        )


def _no_terms(row: Table) -> None:
    for key in ("delay", "window"):
        if row.has(key):
            raise BadValue("false", row.path("install"), f"a guard that is not installed has no `{key}`; take that out")


def check_owner_guard(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction; what passes, the contract takes."""
    terms = document.owner_guard
    if terms is None:
        return
    for key, seconds, least in (
        ("delay", terms.delay_seconds, MIN_DELAY_SECONDS),
        ("window", terms.window_seconds, MIN_WINDOW_SECONDS),
    ):
        if not least <= seconds <= MAX_SECONDS:
            mend = f"at least {format_seconds(least)}, at most {format_seconds(MAX_SECONDS)}"
            raise BadValue(format_seconds(seconds), f"`{key}` in [owner_guard] of {name}", mend)
