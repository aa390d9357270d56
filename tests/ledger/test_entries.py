"""Entry bytes: canonical as RFC 8785's own library makes them, and read back strictly."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.ledger.canonical import canonical, parse
from strongroom.ledger.entries import NO_BINDING, TYPES, Link, decode, encode, erasable
from strongroom.model import Account, Address

LINK = Link(Account(1, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")), "run", 4, "0" * 64, None, 1_790_000_000)
KEYS = st.text(st.characters(codec="ascii"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
)


@settings(max_examples=60)
@given(VALUES)
def test_our_bytes_are_the_librarys_bytes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert parse(canonical(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1.5}', "the float `1.5`"),
        (b'{"a":1e3}', "the float `1e3`"),
        (b'{"a":NaN}', "the float `NaN`"),
        (b'{"b":1,"a":2}', "not canonical"),
        (b'{"a":1,"a":1}', "not canonical"),
        (b'{"a": 1}', "not canonical"),
        (b'{"a":"\\u0041"}', "not canonical"),
        (b'{"a":9007199254740993}', "safe integer"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":1', "delimiter"),
        (b'"\xff"', "utf-8"),
    ],
)
def test_bytes_that_are_not_canonical_are_refused(text: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


@settings(max_examples=50)
@given(st.sampled_from(sorted(TYPES)), st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4))
def test_an_entry_decodes_to_what_was_encoded(type: str, body: dict[str, Any]) -> None:
    raw = encode(type, NO_BINDING, LINK, body, ("x", "y"))
    entry = decode(4, raw, strict=True)
    assert (entry.type, entry.body, entry.link, entry.concealed) == (type, body, LINK, ("x", "y"))
    assert entry.binding == "0x" + NO_BINDING


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (b"1 verdict", b"2 verdict", "its head is not"),
        (b"1 verdict", b"1  verdict", "its head is not"),
        (b"1 verdict", b"1 Verdict", "its head is not"),
        (b"1 verdict", b"1 verdicts", "its type `verdicts` is unknown"),
        (b'"seq":4', b'"seq":"4"', "not of its kind"),
        (b'"cause":null', b'"cause":"4"', "not of its kind"),
        (b'"run":', b'"ran":', "not those of an entry"),
        (b'"body":{}', b'"body":[]', "not those of an entry"),
        (b'"body":{}', b'"body":{"_sd":["x"]}', "not declared"),
        (b'{"account"', b'{"_sd_alg":"sha-256","account"', "not declared"),
    ],
)
def test_an_entry_of_another_shape_is_refused(before: bytes, after: bytes, why: str) -> None:
    raw = encode("verdict", NO_BINDING, LINK, {})
    assert before in raw
    with pytest.raises(ValueError, match=why):
        decode(0, raw.replace(before, after, 1), strict=True)


def test_only_what_neither_moved_money_nor_decided_it_is_erasable() -> None:
    kept = {name for name in TYPES if not erasable(name)}
    money = {"tx.intent", "tx.sent", "tx.mined", "tx.reverted", "tx.dropped"}
    assert kept == money | {"verdict", "human.req", "human.res"}
