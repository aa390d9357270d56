"""Arguments of fixed size read word by word: what a decoder for all types takes a hundred times longer for.

One word of 32 bytes each (Solidity ABI specification, static types): every value has one encoding, so what is read here
is canonical by being read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from strongroom.addresses import to_address

WORD = 32
Reader = Callable[[bytes], Any]


def read_words(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    """The values of `types` in `data`, addresses in EIP-55; `None` where a type is an array or has no fixed size.
    Raises `ValueError` unless `data` is exactly their encoding."""
    readers = _readers(types)
    if readers is None:
        return None
    values = _read(readers, data)
    return values if _is_flat(types) else _shaped(types, iter(values))


def read_bytes(data: bytes) -> bytes:
    """The one value of arguments `(bytes)`. Raises `ValueError` unless `data` is exactly its encoding: offset, length,
    the bytes, and zeros up to a whole word."""
    length = int.from_bytes(data[WORD : 2 * WORD], "big")
    end = 2 * WORD + length
    if int.from_bytes(data[:WORD], "big") != WORD or len(data) != end + -length % WORD or any(data[end:]):
        raise ValueError("the bytes do not add up")
    return data[2 * WORD : end]


def _read(readers: Sequence[Reader], data: bytes) -> tuple[Any, ...]:
    if len(data) != WORD * len(readers):
        raise ValueError(f"{len(data)} bytes are not {len(readers)} words")
    return tuple([read(data[at : at + WORD]) for at, read in zip(range(0, len(data), WORD), readers, strict=True)])


@cache
def _is_flat(types: tuple[str, ...]) -> bool:
    return not any(kind.startswith("(") for kind in types)


@cache
def _readers(types: tuple[str, ...]) -> tuple[Reader, ...] | None:
    """One reader for each word."""
    readers: list[Reader] = []
    for kind in types:
        inner = _readers(members(kind)) if kind.startswith("(") and kind.endswith(")") else _of_one(kind)
        if inner is None:
            return None
        readers += inner
    return tuple(readers)


def _of_one(kind: str) -> tuple[Reader] | None:
    if kind == "address":
        return (_address,)
    if kind == "bool":
        return (lambda word: bool(_unsigned(word, 1)),)
    if kind.startswith("uint") and kind[4:].isdecimal():
        return (partial(_unsigned, bits=int(kind[4:])),)
    if kind == "bytes32":
        return (lambda word: word,)
    return None


def _address(word: bytes) -> str:
    if any(word[:12]):
        raise ValueError(f"0x{word.hex()} is no address")
    return to_address(word[12:])


def _unsigned(word: bytes, bits: int) -> int:
    value = int.from_bytes(word, "big")
    if value >> bits:
        raise ValueError(f"0x{word.hex()} has more than {bits} bits")
    return value


def _shaped(types: Sequence[str], values: Any) -> tuple[Any, ...]:
    """Flat values as the tuples they belong to."""
    return tuple(_shaped(members(kind), values) if kind.startswith("(") else next(values) for kind in types)


@cache
def members(kind: str) -> tuple[str, ...]:
    """`(address,(uint256,bool))` as its members, tuples whole; also the arguments after a function's name."""
    inner = kind[kind.index("(") + 1 : -1]
    types, depth, start = [], 0, 0
    for position, character in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            types.append(inner[start:position])
            start = position + 1
    return (*types, inner[start:]) if inner else ()
