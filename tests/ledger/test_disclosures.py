"""Disclosures are RFC 9901's: the document's own example verifies, and ours verify by its rules alone."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.ledger.disclosures import conceal, digest, disclosed, keep, pack, standing, unpack


def test_the_example_of_rfc_9901_verifies() -> None:
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert (disclosed(text).field, disclosed(text).value) == ("family_name", "Möbius")
    assert digest(text) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(-9, 9), max_size=5))
def test_a_reader_needs_nothing_of_ours_to_check_a_disclosure(fields: dict[str, Any]) -> None:
    for disclosure in conceal(fields, "tool.req"):
        salt, field, value = json.loads(urlsafe_b64decode(disclosure.text + "=="))
        assert len(urlsafe_b64decode(salt + "==")) == 16
        assert fields[field] == value
        assert urlsafe_b64decode(disclosure.digest + "=") == sha256(disclosure.text.encode()).digest()


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(-9, 9), min_size=1, max_size=6), st.data())
def test_keeping_some_overwrites_the_others_in_place(fields: dict[str, int], data: st.DataObject) -> None:
    disclosures = conceal(fields, "tool.req")
    kept = data.draw(st.sets(st.sampled_from(disclosures)))
    payload = pack(disclosures)
    remaining = keep(payload, {d.digest for d in kept})
    assert len(remaining) == len(payload)
    assert set(unpack(remaining)) == kept
    assert [bool(line) for line in standing(remaining)] == [d in kept for d in disclosures]
    assert not any(d.text.encode() in remaining for d in disclosures if d not in kept)


@pytest.mark.parametrize("text", ["", "e30", "WzEsMiwzXQ", "WyJhIl0", "Ww", "é"])
def test_what_is_no_disclosure_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is not base64url|its salt and field"):
        disclosed(text)
