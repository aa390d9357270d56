"""Newcomers of the address book: a payee, or a venue, gets little until it has been listed for a while. So a first,
small payment shows that the address is right, and whoever was slipped into a changed policy cannot empty the
treasury."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue, NotNamed
from strongroom.model import TokenId, Verdict
from strongroom.quantities import format_day, format_seconds, parse_amount, parse_day, parse_seconds, quantity

if TYPE_CHECKING:
    from policies.terms import Payee, PolicyDocument

COMMENT = """\
# Newcomers: for `cooling_off` from the day `since` on (UTC) on which it was listed, a payee gets at most `at_most`, of
# each token and all in all: enough for test payments. Above that, and of tokens not named, guardians are asked
# (`otherwise = "ask"`) or nothing is paid (`"deny"`); standing orders too, for an address may be as wrong for a salary.
# Each payee then says its `since`. [newcomers.venues] names new venues, each with its day: what is sold or lent there
# meanwhile counts alike. The Kernel knows no newcomers; a `delay` binds it."""
ABSENT = """\
# New payees are paid like old ones. With this table, and with each payee's day `since`, they get little at first:
#
# [newcomers]
# cooling_off = "7 days"
# at_most = ["500 USDC"]
# otherwise = "ask"
"""


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Until `cooling_off_seconds` after its day of listing a payee gets `max_units` of a token, and nothing of tokens
    not named; so does each of `venues`, by their Unix seconds of listing. Beyond that the verdict is `otherwise`."""

    cooling_off_seconds: int
    max_units: Mapping[TokenId, int]
    otherwise: Verdict
    venues: Mapping[str, int] = field(default_factory=dict)

    def cool_until(self, payee: Payee) -> int:
        """The first Unix second at which the payee is no newcomer. Raises `ValueError` where nobody knows since when it
        is listed."""
        if payee.since is None:
            raise ValueError(f"payee `{payee.id}` has no `since`")
        return payee.since + self.cooling_off_seconds

    def venue_cools_until(self, venue: str) -> int:
        """The first Unix second at which the venue is no newcomer; zero for one that never was."""
        return self.venues[venue] + self.cooling_off_seconds if venue in self.venues else 0


def newcomers(row: Table, decimals: Mapping[TokenId, int]) -> Newcomers | None:
    """The table [newcomers], `None` where it is absent."""
    if not row.keys():
        return None
    with row:
        amounts = [parse_amount(text, decimals, row.path("at_most")) for text in row.texts("at_most")]
        at_most = {amount.token: amount.units for amount in amounts}
        if not all(at_most.values()) or len(at_most) != len(amounts):
            mend = 'write one amount per token: ["500 USDC"]; an empty list asks for all'
            raise BadValue(row.texts("at_most"), row.path("at_most"), mend)
        seconds = parse_seconds(row.text("cooling_off"), row.path("cooling_off"))
        otherwise = Verdict(row.choice("otherwise", (Verdict.ASK, Verdict.DENY)))
        return Newcomers(seconds, at_most, otherwise, _venues(row.table("venues")))


def _venues(row: Table) -> dict[str, int]:
    return {id_: parse_day(row.text(id_), row.path(id_)) for id_ in row.keys()}  # noqa: SIM118 - a Table is no mapping


def since(row: Table) -> int | None:
    """The key `since` of a payee: the Unix second with which that day begins, UTC."""
    return parse_day(row.text("since"), row.path("since")) if row.has("since") else None


def check_newcomers(document: PolicyDocument, name: str) -> None:
    """Raises `NotNamed` for the first payee without `since`, `BadValue` for a coin whose payments nobody can add up."""
    terms = document.newcomers
    if terms is None:
        return
    for payee in document.payees.values():
        if payee.since is None:
            mend = '[newcomers] asks since when it is listed: write for example `since = "2026-11-20"`'
            raise NotNamed("since", f"payee `{payee.id}` in {name}", mend)
    places = (*document.venues, *document.markets)
    for venue in terms.venues:
        if venue not in places:
            known = ", ".join(f"`{id_}`" for id_ in places)
            raise BadValue(
                venue, f"[newcomers.venues] of {name}", f"name a venue for swaps or loans: {known or 'none'}"
            )
    for token in terms.max_units:
        if document.is_native(token):
            mend = "it leaves no trace to add payments up by; take it out, and guardians are asked for it"
            raise BadValue(token, f"`at_most` in [newcomers] of {name}", mend)


def newcomer_lines(document: PolicyDocument, section: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The table as policy.toml has it, or how it would look."""
    terms = document.newcomers
    if terms is None:
        yield ABSENT
        return
    tokens = {token: document.tokens[token].token.decimals for token in terms.max_units}
    at_most = [f"{quantity(units, tokens[token])} {token}" for token, units in terms.max_units.items()]
    cooling_off = format_seconds(terms.cooling_off_seconds)
    yield from section(
        COMMENT, "[newcomers]", cooling_off=cooling_off, at_most=at_most, otherwise=terms.otherwise.value
    )
    if terms.venues:
        yield from section("", "[newcomers.venues]", **{id_: format_day(at) for id_, at in terms.venues.items()})


def since_key(payee: Payee) -> str | None:
    """The payee's key as policy.toml has it."""
    return None if payee.since is None else format_day(payee.since)
