"""MultiSendCallOnly: several calls as one Safe transaction (source: safe-smart-account `MultiSendCallOnly.sol`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strongroom.addresses import keccak, to_address, to_digest
from strongroom.model import Account, Call
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.words import read_bytes

MULTI_SEND = "multiSend(bytes)"
_HEAD = 1 + 20 + 32 + 32
_CODE_HASHES = (
    "0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939",
    "0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663",
)
"""Of the official releases 1.4.1 and 1.5.0, equal on every chain."""


def is_call_only(code: bytes) -> bool:
    """Whether a contract with this code only makes the calls of a batch: what a Safe delegates to acts as the Safe."""
    return to_digest(keccak(code)) in _CODE_HASHES


def encode_multisend(calls: Iterable[Call]) -> bytes:
    """Calldata of `multiSend`; every inner operation is a plain call."""
    return encode_call(MULTI_SEND, b"".join(_packed(call) for call in calls))


def _packed(call: Call) -> bytes:
    to = bytes.fromhex(call.to[2:])
    return b"\0" + to + call.value_wei.to_bytes(32, "big") + len(call.data).to_bytes(32, "big") + call.data


def decode_multisend(account: Account, data: bytes) -> tuple[Call, ...]:
    """The inner calls in order. Raises `ValueError` on an inner delegatecall or on bytes that do not add up."""
    if data[:4] != selector(MULTI_SEND):
        raise ValueError(f"not a call of {MULTI_SEND}")
    return tuple(_unpacked(account, read_bytes(data[4:])))


def _unpacked(account: Account, packed: bytes) -> Iterator[Call]:
    position, whole, number = 0, len(packed), int.from_bytes
    while position < whole:
        data = position + _HEAD
        if data > whole or packed[position] != 0:
            raise ValueError("the batch holds an inner delegatecall or is cut short")
        end = data + number(packed[position + 53 : data], "big")
        if end > whole:
            raise ValueError("the batch is cut short")
        value = number(packed[position + 21 : position + 53], "big")
        yield Call(account, to_address(packed[position + 1 : position + 21]), value, packed[data:end])
        position = end
