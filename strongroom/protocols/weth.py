"""WETH9: one ether in, one token out, and back."""

from __future__ import annotations

from strongroom.protocols.abi import encode_call

DEPOSIT = "deposit()"
WITHDRAW = "withdraw(uint256)"


def encode_deposit() -> bytes:
    """Wraps the call's value."""
    return encode_call(DEPOSIT)


def encode_withdraw(units: int) -> bytes:
    return encode_call(WITHDRAW, units)
