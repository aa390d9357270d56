"""Deny lists as files: what is read, what is refused, and that a missing file is no list at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.errors import InputError
from strongroom.listings import FileListings, MemoryListings, load_listings
from strongroom.model import Address, Listing

FIRST = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
SECOND = Address("0x8589427373D6D84E98730D7795D8f6f8731FDA16")
LIST = f"""
[lists.ofac]
source = "https://example.org/sdn"
date = "2026-11-20"
entries = [
    {{ address = "{FIRST}", note = "SDN 33151" }},
    {{ address = "{SECOND.lower()}" }},
]
"""
EXPECTED = Listing("ofac", "https://example.org/sdn", 1_795_132_800, {FIRST: "SDN 33151", SECOND: ""})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "denied.toml"


def test_a_file_and_a_memory_of_the_same_lists_are_the_same(file: Path) -> None:
    file.write_text(LIST)
    assert FileListings(file).read() == MemoryListings(EXPECTED).read() == (EXPECTED,)


def test_no_file_is_no_list(file: Path) -> None:
    assert FileListings(file).read() == MemoryListings().read() == ()


def test_a_renewed_file_is_read_anew(file: Path) -> None:
    file.write_text(LIST)
    listings = FileListings(file)
    assert listings.read()[0].dated_at == EXPECTED.dated_at
    file.write_text(LIST.replace("2026-11-20", "2026-11-21"))
    assert listings.read()[0].dated_at == EXPECTED.dated_at + 86_400


def test_a_file_that_is_no_text_is_refused_by_name(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"denied\.toml` cannot be read as text"):
        FileListings(file).read()


def test_a_list_may_hold_nobody() -> None:
    (listing,) = load_listings('[lists.ofac]\nsource = "s"\ndate = "2026-11-20"\nentries = []')
    assert listing.entries == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (FIRST, FIRST.replace("C7", "c7", 1), "its checksum does not fit"),
        (FIRST, FIRST[:-1], "`address` in \\[\\[lists.ofac.entries\\]\\] 1"),
        ("2026-11-20", "20 November", "`date` in \\[lists.ofac\\] of denied.toml"),
        ('date = "2026-11-20"\n', "", "`date`.*required"),
        ('source = "https://example.org/sdn"\n', "", "`source`.*required"),
        ("SDN 33151", "SDN\\u202e", "one line of at most 200"),
        ("SDN 33151", "S" * 201, "one line of at most 200"),
        ("entries", "entrys", "unknown key|`entries`"),
        (LIST[LIST.index("entries") :], "", "`entries = \\[\\]` where it holds nobody"),
        ("[lists.ofac]", "[list.ofac]", "unknown key `list`"),
        ("]\n", "", "is not TOML"),
    ],
)
def test_a_list_that_is_not_whole_is_refused_with_its_key(old: str, new: str, said: str) -> None:
    """A list that is read in part would let somebody through."""
    with pytest.raises(InputError, match=said):
        load_listings(LIST.replace(old, new))
