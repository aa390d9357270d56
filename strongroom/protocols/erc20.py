"""ERC-20 (EIP-20)."""

from __future__ import annotations

from strongroom.addresses import to_address
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import decode_values, encode_call, selector, view

TRANSFER = "transfer(address,uint256)"
TRANSFER_FROM = "transferFrom(address,address,uint256)"
APPROVE = "approve(address,uint256)"
_NO_BYTES = bytes(12)
"""Before the twenty of an address in its word."""


def encode_transfer(recipient: Address, units: int) -> bytes:
    return encode_call(TRANSFER, recipient, units)


def decode_transfer(data: bytes) -> tuple[Address, int]:
    """Recipient and units. Raises `ValueError` on anything else."""
    return _address_and_units(TRANSFER, data)


def encode_approve(spender: Address, units: int) -> bytes:
    return encode_call(APPROVE, spender, units)


def decode_approve(data: bytes) -> tuple[Address, int]:
    """Spender and units. Raises `ValueError` on anything else."""
    return _address_and_units(APPROVE, data)


def _address_and_units(signature: str, data: bytes) -> tuple[Address, int]:
    """Two words, by hand: a batch of payments holds nothing else. Raises `ValueError` unless `data` is exactly that."""
    if len(data) != 68 or data[:16] != selector(signature) + _NO_BYTES:
        raise ValueError(f"not a call of {signature}")
    return to_address(data[16:36]), int.from_bytes(data[36:], "big")


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
