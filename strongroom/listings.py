"""Deny lists, such as a sanctions authority's: as a file beside policy.toml that people renew, and in memory.

denied.toml holds one table for each list, with its date as the publisher gives it:

    [lists.ofac]
    source = "https://sanctionslistservice.ofac.treas.gov"
    date = "2026-11-20"
    entries = [
        { address = "0x8589427373D6D84E98730D7795D8f6f8731FDA16", note = "SDN 33151" },
    ]

Publishers write addresses in one case or with checksums; a checksum that is there must fit.
"""

from __future__ import annotations

import re
from pathlib import Path

from strongroom.addresses import parse_address, to_address
from strongroom.documents import Table, parse
from strongroom.errors import BadAddress, BadValue, InputError
from strongroom.model import Address, Listing
from strongroom.quantities import parse_day

DENIED = "denied.toml"
_ONE_CASE = re.compile(r"0x([0-9a-f]{40}|[0-9A-F]{40})")
_LONGEST_TEXT = 200


class ListsUnreadable(InputError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"`{path}` cannot be read as text; write the deny lists there anew, or let its owner read it")


class FileListings:
    """`Listings` in a file, read anew each time: whoever renews it restarts nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Listing, ...]:
        """No lists where there is no such file. Raises `InputError` naming list, key and mend."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise ListsUnreadable(self._path) from error
        return load_listings(text, self._path.name)


class MemoryListings:
    """`Listings` that are known beforehand."""

    def __init__(self, *listings: Listing) -> None:
        self._listings = listings

    def read(self) -> tuple[Listing, ...]:
        return self._listings


def load_listings(text: str, name: str = DENIED) -> tuple[Listing, ...]:
    """The lists in `text`, in its order. Raises `InputError` naming list, key and mend."""
    with parse(text, name) as top:
        return tuple(_listing(id_, row) for id_, row in top.tables("lists").items())


def _listing(name: str, row: Table) -> Listing:
    with row:
        entries = dict(_entry(each) for each in row.rows("entries"))
        if not row.has("entries"):
            # A list cut off after its head would deny nobody.
            raise BadValue("nothing", row.path("entries"), "write its entries; `entries = []` where it holds nobody")
        return Listing(name, _line(row, "source"), parse_day(row.text("date"), row.path("date")), entries)


def _entry(row: Table) -> tuple[Address, str]:
    with row:
        return _address(row), _line(row, "note") if row.has("note") else ""


def _address(row: Table) -> Address:
    text = row.text("address")
    if _ONE_CASE.fullmatch(text):
        return to_address(text)
    try:
        return parse_address(text)
    except BadAddress as error:
        raise BadAddress(error.value, error.is_address, row.path("address")) from error


def _line(row: Table, key: str) -> str:
    text = row.text(key)
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        mend = f"write one line of at most {_LONGEST_TEXT} characters"
        raise BadValue(text[:_LONGEST_TEXT].encode("unicode_escape").decode(), row.path(key), mend)
    return text
