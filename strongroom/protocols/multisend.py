"""MultiSendCallOnly: several calls as one Safe transaction (source: safe-smart-account `MultiSendCallOnly.sol`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strongroom.addresses import to_address
from strongroom.model import Account, Call
from strongroom.protocols.abi import decode_call, encode_call

MULTI_SEND = "multiSend(bytes)"
_HEAD = 1 + 20 + 32 + 32


def encode_multisend(calls: Iterable[Call]) -> bytes:
    """Calldata of `multiSend`; every inner operation is a plain call."""
    return encode_call(MULTI_SEND, b"".join(_packed(call) for call in calls))


def _packed(call: Call) -> bytes:
    to = bytes.fromhex(call.to[2:])
    return b"\0" + to + call.value_wei.to_bytes(32, "big") + len(call.data).to_bytes(32, "big") + call.data


def decode_multisend(account: Account, data: bytes) -> tuple[Call, ...]:
    """The inner calls in order. Raises `ValueError` on an inner delegatecall or on bytes that do not add up."""
    (packed,) = decode_call(MULTI_SEND, data)
    return tuple(_unpacked(account, packed))


def _unpacked(account: Account, packed: bytes) -> Iterator[Call]:
    position = 0
    while position < len(packed):
        head = packed[position : position + _HEAD]
        if len(head) < _HEAD or head[0] != 0:
            raise ValueError("the batch holds an inner delegatecall or is cut short")
        end = position + _HEAD + int.from_bytes(head[53:85], "big")
        if end > len(packed):
            raise ValueError("the batch is cut short")
        value = int.from_bytes(head[21:53], "big")
        yield Call(account, to_address(head[1:21]), value, packed[position + _HEAD : end])
        position = end
