"""Calldata read word by word against the decoder for all types: they take the same bytes, and give the same values."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.protocols.words import members, read_bytes, read_words

KINDS = ("address", "bool", "uint8", "uint24", "uint160", "uint256", "bytes32", "(address,uint24,(bool,uint256))")
BITS = {"bool": 1, "uint8": 8, "uint24": 24, "uint160": 160, "uint256": 256}


def values(kind: str) -> st.SearchStrategy[Any]:
    if kind.startswith("("):
        return st.tuples(*map(values, members(kind)))
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(to_address)
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    number = st.integers(0, 2 ** BITS[kind] - 1)
    return number.map(bool) if kind == "bool" else number


@st.composite
def encoded(draw: st.DrawFn) -> tuple[tuple[str, ...], bytes]:
    types = tuple(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)))
    return types, encode(types, [draw(values(kind)) for kind in types])


def by_all_types(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    """What the general decoder reads, if the bytes are exactly its encoding of that."""
    try:
        found = decode(types, data)
    except (DecodingError, OverflowError):
        return None
    return tuple(map(checksummed, found)) if encode(types, found) == data else None


def checksummed(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(checksummed, value))
    return to_address(value) if isinstance(value, str) else value


def by_words(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    try:
        return read_words(types, data)
    except ValueError:
        return None


@given(encoded())
def test_it_reads_what_was_encoded(case: tuple[tuple[str, ...], bytes]) -> None:
    found = by_words(*case)
    assert found is not None
    assert found == by_all_types(*case)


@given(encoded(), st.data())
def test_spoiled_bytes_are_taken_by_both_or_neither(case: tuple[tuple[str, ...], bytes], draw: st.DataObject) -> None:
    types, data = case
    at = draw.draw(st.integers(0, len(data) - 1))
    spoiled = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    assert by_words(types, spoiled) == by_all_types(types, spoiled)


@given(encoded(), st.integers(1, 40))
def test_bytes_too_many_or_too_few_are_no_encoding(case: tuple[tuple[str, ...], bytes], count: int) -> None:
    types, data = case
    assert by_words(types, data + bytes(count)) is None
    assert by_words(types, data[:-count]) is None


@pytest.mark.parametrize("kind", ["bytes", "string", "uint256[]", "address[2]", "(uint256,bytes)", "int256", "bytes4"])
def test_other_types_are_left_to_the_decoder_for_all(kind: str) -> None:
    assert read_words(("address", kind), b"") is None


@given(st.binary(max_size=100), st.data())
def test_one_value_of_bytes_is_read_as_by_the_decoder_for_all(value: bytes, draw: st.DataObject) -> None:
    data = encode(["bytes"], [value])
    assert read_bytes(data) == value
    at = draw.draw(st.integers(0, len(data) - 1))
    spoiled = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    for other in (spoiled, data + bytes(32), data[:-1]):
        expected = by_all_types(("bytes",), other)
        try:
            assert (read_bytes(other),) == expected
        except ValueError:
            assert expected is None
