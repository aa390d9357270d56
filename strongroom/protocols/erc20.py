"""ERC-20 (EIP-20)."""

from __future__ import annotations

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, decode_values, encode_call, view

TRANSFER = "transfer(address,uint256)"
TRANSFER_FROM = "transferFrom(address,address,uint256)"
APPROVE = "approve(address,uint256)"


def encode_transfer(recipient: Address, units: int) -> bytes:
    return encode_call(TRANSFER, recipient, units)


def decode_transfer(data: bytes) -> tuple[Address, int]:
    """Recipient and units. Raises `ValueError` on anything else."""
    recipient, units = decode_call(TRANSFER, data)
    return recipient, units


def encode_approve(spender: Address, units: int) -> bytes:
    return encode_call(APPROVE, spender, units)


def decode_approve(data: bytes) -> tuple[Address, int]:
    """Spender and units. Raises `ValueError` on anything else."""
    spender, units = decode_call(APPROVE, data)
    return spender, units


def read_balance(token: Address, holder: Address) -> Read[int]:
    """Units held."""
    return view(token, "balanceOf(address)", ["uint256"], int, [holder])


def read_allowance(token: Address, owner: Address, spender: Address) -> Read[int]:
    """Units `spender` may still take."""
    return view(token, "allowance(address,address)", ["uint256"], int, [owner, spender])


def read_decimals(token: Address) -> Read[int]:
    return view(token, "decimals()", ["uint8"], int)


def read_symbol(token: Address) -> Read[str]:
    """The symbol, also from tokens that return it as bytes32. Text from the chain is untrusted."""
    return Read(token, encode_call("symbol()"), _symbol)


def _symbol(data: bytes) -> str:
    if len(data) == 32:
        return data.rstrip(b"\0").decode("utf-8", "replace")
    return str(decode_values(["string"], data)[0])
