"""EIP-55 addresses and Keccak-256, where text from people, documents and nodes becomes an `Address`."""

from __future__ import annotations

from functools import lru_cache

from strongroom.errors import BadAddress
from strongroom.model import Address, Digest


def parse_address(text: str) -> Address:
    """`text` as an EIP-55 address. Raises `BadAddress` on a wrong length, digit or checksum; an address in one case
    only is refused too, since nothing then guards against a mistyped digit."""
    from eth_utils.address import is_address, is_checksum_address

    if is_checksum_address(text):
        return Address(text)
    raise BadAddress(text, is_address(text.lower()))


@lru_cache(maxsize=65_536)
def to_address(raw: bytes | str) -> Address:
    """Machine output (20 bytes, or hexadecimal in any case) as an EIP-55 address."""
    from eth_utils.address import to_checksum_address

    return Address(to_checksum_address(raw))


def keccak(data: bytes) -> bytes:
    """32-byte Keccak-256."""
    from eth_utils.crypto import keccak as hashed

    return hashed(data)


def to_digest(raw: bytes) -> Digest:
    """32 bytes as a `Digest`."""
    if len(raw) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(raw)}")
    return Digest("0x" + raw.hex())


def from_digest(digest: Digest) -> bytes:
    """The 32 bytes of a `Digest`."""
    return bytes.fromhex(digest[2:])
