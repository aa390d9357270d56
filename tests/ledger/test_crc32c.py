"""The frame checksum against RFC 3720's vectors and the definition, bit by bit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strongroom.ledger.crc32c import by_table, crc32c


def bit_by_bit(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_the_vectors_of_rfc_3720_hold() -> None:
    assert by_table(bytes(32)) == 0x8A9136AA
    assert by_table(b"\xff" * 32) == 0x62A8AB43
    assert by_table(bytes(range(32))) == 0x46DD794E
    assert by_table(b"123456789") == 0xE3069283


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_the_table_the_definition_and_the_fastest_agree_also_in_two_steps(first: bytes, second: bytes) -> None:
    expected = bit_by_bit(first + second)
    assert by_table(second, by_table(first)) == crc32c(second, crc32c(first, 0)) == expected
