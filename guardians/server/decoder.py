"""Calldata in words, for the functions a treasury meets: ERC-20, WETH, the Safe's own, and batches of them.

What is decoded here is shown to people and judged by nobody: a selector says which function, not which contract.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from strongroom.model import Account, Address
from strongroom.protocols.abi import decode_call, selector
from strongroom.protocols.multisend import MULTI_SEND, decode_multisend

_FUNCTIONS = """
transfer(address to,uint256 value)
transferFrom(address from,address to,uint256 value)
approve(address spender,uint256 value)
deposit()
withdraw(uint256 wad)
addOwnerWithThreshold(address owner,uint256 _threshold)
removeOwner(address prevOwner,address owner,uint256 _threshold)
swapOwner(address prevOwner,address oldOwner,address newOwner)
changeThreshold(uint256 _threshold)
enableModule(address module)
disableModule(address prevModule,address module)
setGuard(address guard)
setFallbackHandler(address handler)
approveHash(bytes32 hashToApprove)
execTransaction(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,\
address gasToken,address refundReceiver,bytes signatures)
multiSend(bytes transactions)
"""
_NESTING = 4
"""Batches inside batches are followed this far down."""


@cache
def _known() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    return dict(_entry(line) for line in _FUNCTIONS.split("\n") if line)


def _entry(line: str) -> tuple[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    name, _, inner = line.rstrip(")").partition("(")
    parameters = tuple((kind, label) for kind, label in (each.split(" ") for each in inner.split(",") if each))
    signature = f"{name}({','.join(kind for kind, _ in parameters)})"
    return selector(signature), (signature, parameters)


def decode(account: Account, data: bytes, depth: int = 0) -> dict[str, Any] | None:
    """Method and parameters as JSON, or `None` unless the bytes are exactly one call of a known function."""
    if depth > _NESTING or data[:4] not in _known():
        return None
    signature, parameters = _known()[data[:4]]
    try:
        values = decode_call(signature, data)
    except ValueError:
        return None
    shown: list[dict[str, Any]] = [
        {"name": label, "type": kind, "value": _text(value)}
        for (kind, label), value in zip(parameters, values, strict=True)
    ]
    if signature == MULTI_SEND:
        shown[0]["valueDecoded"] = _batch(account, data, depth)
    return {"method": signature.partition("(")[0], "parameters": shown}


def _batch(account: Account, data: bytes, depth: int) -> list[dict[str, Any]] | None:
    try:
        calls = decode_multisend(account, data)
    except ValueError:
        return None
    return [
        {
            "operation": 0,
            "to": call.to,
            "value": str(call.value_wei),
            "data": "0x" + call.data.hex() if call.data else None,
            "dataDecoded": decode(account, call.data, depth + 1),
        }
        for call in calls
    ]


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def decode_for(account: Account, to: str, operation: int, data: bytes, batchers: frozenset[Address]) -> Any:
    """As `decode`; a delegatecall is put in words only where the code it runs is a known MultiSend."""
    if operation == 0 or to in batchers:
        return decode(account, data)
    return None
