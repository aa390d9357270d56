"""Deny lists as the policy asks for them: which, how old they may be, and which entries are disputed until when."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address
from strongroom.quantities import format_day, format_seconds, parse_day, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_LONGEST_TEXT = 200

_COMMENT = """\
# Deny lists, such as a sanctions authority's, kept in denied.toml beside this file: each of `sources` must be there and
# at most `max_age` old by its own date, or nothing is done at all. Whoever stands on one is neither paid nor traded
# with, and no call may so much as name their address. An entry that somebody appeals against is a dispute: guardians
# are asked instead until the day `until` (UTC), and from then on it is denied again. Only the treasurer looks at lists,
# not the Kernel."""
_NONE = """\
# No deny lists are asked for. With this table, and the lists in denied.toml beside this file, whoever stands on one is
# neither paid nor traded with:
#
# [sanctions]
# sources = ["ofac"]
# max_age = "7 days"
#
# [[sanctions.disputes]]
# address = "0x..."
# note = "another firm of that name; appeal filed on 2026-11-02"
# by = "ana"
# until = "2026-12-01"
"""


@dataclass(frozen=True, slots=True)
class Dispute:
    """An entry that `by` appeals against, with a note for guardians: they are asked while the block is before `until`
    (Unix seconds, the beginning of a day)."""

    address: Address
    note: str
    by: str
    until: int


@dataclass(frozen=True, slots=True)
class SanctionTerms:
    """The lists that must be there, by name, and the age that each may have."""

    sources: tuple[str, ...]
    max_age_seconds: int
    disputes: tuple[Dispute, ...] = ()

    def dispute(self, address: Address) -> Dispute | None:
        return next((each for each in self.disputes if each.address == address), None)


def sanctions(row: Table) -> SanctionTerms | None:
    """The table [sanctions]; `None` where it is absent. Raises `InputError`."""
    if not row.keys():
        return None
    with row:
        disputes = tuple(_dispute(each) for each in row.rows("disputes"))
        return SanctionTerms(row.texts("sources"), parse_seconds(row.text("max_age"), row.path("max_age")), disputes)


def _dispute(row: Table) -> Dispute:
    with row:
        address, until = row.address("address"), parse_day(row.text("until"), row.path("until"))
        return Dispute(address, _line(row, "note"), _line(row, "by"), until)


def _line(row: Table, key: str) -> str:
    text = row.text(key)
    if not 0 < len(text) <= _LONGEST_TEXT or not text.isprintable():
        mend = f"write one line of 1 to {_LONGEST_TEXT} characters"
        raise BadValue(text[:_LONGEST_TEXT].encode("unicode_escape").decode(), row.path(key), mend)
    return text


def check_sanctions(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    terms, where = document.sanctions, f"[sanctions] of {name}"
    if terms is None:
        return
    names = terms.sources
    if not names or len(set(names)) != len(names) or not all(each and each.isprintable() for each in names):
        raise BadValue(list(names), f"`sources` in {where}", 'name each list once: ["ofac"]')
    for address, count in Counter(each.address for each in terms.disputes).items():
        if count > 1:
            raise BadValue(address, f"`disputes` in {where}", "write one dispute for each address")
        if address in (NATIVE, document.account.safe):
            raise BadValue(address, f"`disputes` in {where}", "name who stands on the list")


def sanctions_off_chain(document: PolicyDocument) -> tuple[str, ...]:
    """What the Kernel does not know of it, in words; empty where the policy asks for no list."""
    terms = document.sanctions
    return (f"deny lists: {', '.join(terms.sources)}",) if terms else ()


def render_sanctions(document: PolicyDocument) -> Iterator[str]:
    """The table's lines in policy.toml, or how to write it."""
    terms = document.sanctions
    if terms is None:
        yield _NONE
        return
    yield from (_COMMENT, "[sanctions]", _pair("sources", list(terms.sources)))
    yield from (_pair("max_age", format_seconds(terms.max_age_seconds)), "")
    for each in terms.disputes:
        yield from ("[[sanctions.disputes]]", _pair("address", each.address), _pair("note", each.note))
        yield from (_pair("by", each.by), _pair("until", format_day(each.until)), "")


def _pair(key: str, value: object) -> str:
    # TOML's basic strings and lists are JSON's, but for characters that `load` lets into no text.
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
