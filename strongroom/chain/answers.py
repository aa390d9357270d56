"""What a node answers, read with suspicion: its errors, its numbers and bytes, its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from strongroom.addresses import to_digest
from strongroom.errors import NodeRefused
from strongroom.model import Block

_SHOWN_CHARACTERS = 200


class Reverted(NodeRefused):
    """The node executed the call and it failed: a property of the call, not of the node."""


class NotOffered(NodeRefused):
    """The node does not know the method: another way may lead there."""

    def __init__(self, method: str) -> None:
        super().__init__(method, "it does not offer this method; use a node that does")


def refusal(method: str, error: Any) -> NodeRefused:
    """A JSON-RPC error object as `NodeRefused`, or as `Reverted` when execution itself failed. Nodes disagree on codes:
    geth, reth and anvil give 3 with data; Erigon and Nethermind -32000 or -32015 with words."""
    if not isinstance(error, dict):
        return NodeRefused(method, printable(str(error)))
    code, message, data = error.get("code"), str(error.get("message", "")), _revert_bytes(error.get("data"))
    if code in _UNKNOWN_METHOD or _is_unknown_method(message.lower()):
        return NotOffered(method)
    kind = Reverted if code == 3 or data or _is_execution_failure(message) else NodeRefused
    return kind(method, printable(message) or f"code {code}", data)


_UNKNOWN_METHOD = (-32601, -32004)
"""JSON-RPC 2.0 "method not found", EIP-1474 "method not supported"."""
_WITHOUT = ("not found", "not supported", "not available", "does not exist", "not whitelisted", "unknown")


def _is_unknown_method(message: str) -> bool:
    return "method" in message and any(words in message for words in _WITHOUT)


_EXECUTION_FAILURES = ("revert", "evm error", "invalid opcode", "out of gas", "vm execution error", "stack underflow")


def _is_execution_failure(message: str) -> bool:
    return any(words in message.lower() for words in _EXECUTION_FAILURES)


def _revert_bytes(data: Any) -> bytes:
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str):
        return b""
    # Nethermind and OpenEthereum put "Reverted 0x…" here.
    try:
        return bytes.fromhex(data.removeprefix("Reverted ").removeprefix("0x"))
    except ValueError:
        return b""


def printable(text: str) -> str:
    """Text from a node or a contract, untrusted: one line, cut short."""
    return "".join(c if c.isprintable() else " " for c in text)[:_SHOWN_CHARACTERS]


@contextmanager
def reading(method: str) -> Iterator[None]:
    """Whatever goes wrong while an answer is read becomes `NodeRefused`: a node that talks nonsense is not believed."""
    try:
        yield
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise NodeRefused(method, "its answer cannot be read; use another node") from error


def to_bytes(data: str) -> bytes:
    """Bytes of 0x hexadecimal. Raises `ValueError`."""
    return bytes.fromhex(data.removeprefix("0x"))


def to_block(header: Any) -> Block:
    """A block's header as a value."""
    return Block(int(header["number"], 16), to_digest(to_bytes(header["hash"])), int(header["timestamp"], 16))
