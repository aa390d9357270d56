"""How long the treasury's stables must last: the table [runway], and what must hold.

`spend` is written down and not taken from standing orders: their `every` is the least time between two payments (three
weeks for a monthly salary), and grants are no orders, so that sum would be wrong both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.holdings import otherwise
from policies.usd import parse_usd_per_time, written_usd_per_time
from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Verdict
from strongroom.quantities import format_seconds, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_COMMENT = """\
# The runway: after each unit the `stables` of [holdings], held and lent, at their lower price, last at least so long at
# this `spend`. A unit that shortens it below that is for guardians (`otherwise = "deny"`: for nobody). Payments shorten
# it, salaries too. The mandate's runway is what the treasurer plans for, in months of payroll; this one is judged."""


@dataclass(frozen=True, slots=True)
class RunwayTerms:
    """The stables last `least_seconds` at `spend_e8` (USD scaled by 1e8) per `per_seconds`, or a unit that shortens the
    runway gets `otherwise`."""

    least_seconds: int
    spend_e8: int
    per_seconds: int
    otherwise: Verdict = Verdict.ASK


def runway(row: Table) -> RunwayTerms | None:
    """The table [runway], `None` where it is absent."""
    if not row.keys():
        return None
    with row:
        spend_e8, per_seconds = parse_usd_per_time(row.text("spend"), row.path("spend"))
        least = parse_seconds(row.text("least"), row.path("least"))
        return RunwayTerms(least, spend_e8, per_seconds, otherwise(row))


def check_runway(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    terms, where = document.runway, f"[runway] of {name}"
    if terms is None:
        return
    if not terms.spend_e8:
        raise BadValue("0 USD", f"`spend` in {where}", "write what the DAO spends, or take the table out")
    if document.holdings is None or not document.holdings.stables:
        mend = 'what is spent comes out of stables; write `stables = ["USDC"]` in [holdings]'
        raise BadValue(format_seconds(terms.least_seconds), f"`least` in {where}", mend)


def runway_lines(terms: RunwayTerms | None) -> Iterator[str]:
    """The table as policy.toml has it; nothing where there is none."""
    if terms is None:
        return
    yield _COMMENT
    yield "[runway]"
    yield f'least = "{format_seconds(terms.least_seconds)}"'
    yield f'spend = "{written_usd_per_time(terms.spend_e8, terms.per_seconds)}"'
    yield f'otherwise = "{terms.otherwise}"'
    yield ""
