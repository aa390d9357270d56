"""Contract ABI encoding (Solidity ABI specification) for the codecs beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from strongroom.addresses import keccak, to_address
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.words import members, read_words

T = TypeVar("T")


@cache
def selector(signature: str) -> bytes:
    """First four bytes of the Keccak-256 of a canonical signature such as `transfer(address,uint256)`."""
    return keccak(signature.encode())[:4]


def argument_types(signature: str) -> tuple[str, ...]:
    """Top-level argument types of a canonical signature; tuples stay whole."""
    return members(signature)


def encode_arguments(types: Sequence[str], values: Sequence[Any]) -> bytes:
    from eth_abi.abi import encode

    return encode(types, values)


def encode_call(signature: str, *values: Any) -> bytes:
    """Selector and arguments."""
    return selector(signature) + encode_arguments(argument_types(signature), values)


def decode_values(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Values of `types` from returned bytes; addresses come out checksummed. Raises `ValueError` on malformed bytes."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        values = decode(types, data)
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"not ({', '.join(types)}): 0x{data.hex()[:80]}") from error
    return tuple(_checksummed(kind, value) for kind, value in zip(types, values, strict=True))


def _checksummed(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_address(value)
    if kind == "address[]":
        return tuple(to_address(item) for item in value)
    return value


def decode_call(signature: str, data: bytes) -> tuple[Any, ...]:
    """Arguments of calldata made by `encode_call`. Raises `ValueError` unless the bytes are exactly that encoding,
    so that no trailing or non-canonical byte passes unseen."""
    types = argument_types(signature)
    if data[:4] != selector(signature):
        raise ValueError(f"not a call of {signature}")
    try:
        words = read_words(types, data[4:])
    except ValueError as error:
        raise ValueError(f"not a call of {signature}: {error}") from error
    if words is not None:
        return words
    values = decode_values(types, data[4:])
    if encode_arguments(types, values) != data[4:]:
        raise ValueError(f"non-canonical calldata for {signature}")
    return values


def view(
    target: Address, signature: str, returns: Sequence[str], make: Callable[..., T], values: Sequence[Any] = ()
) -> Read[T]:
    """A `Read` of a view function: `make` takes the decoded values."""
    return Read(target, encode_call(signature, *values), lambda data: make(*decode_values(returns, data)))
