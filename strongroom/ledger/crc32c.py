"""CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells a torn frame from a whole one. Not a defence; the tree is."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from sys import byteorder

_POLYNOMIAL = 0x82F63B78


def _bytewise() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_BY_BYTE = _bytewise()
# Two bytes a step: half the interpreter's work for half a megabyte of table.
_BY_PAIR = [_BY_BYTE[(one ^ high) & 0xFF] ^ (one >> 8) for high in range(256) for one in _BY_BYTE]


def by_table(data: bytes, value: int = 0) -> int:
    """The checksum of `data`, continuing from the checksum `value` of what came before; in [0, 2**32)."""
    even = len(data) & ~1
    pairs = array("H", data[:even])
    if byteorder == "big":
        pairs.byteswap()
    value ^= 0xFFFFFFFF
    table = _BY_PAIR
    for pair in pairs:
        value = table[(value ^ pair) & 0xFFFF] ^ (value >> 16)
    for byte in data[even:]:
        value = _BY_BYTE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _fastest() -> Callable[[bytes, int], int]:
    if find_spec("crc32c") is None:
        return by_table
    in_hardware: Callable[[bytes, int], int] = import_module("crc32c").crc32c
    return in_hardware


crc32c = _fastest()
"""The `crc32c` wheel's function where it is installed, else the table; the same numbers either way."""
