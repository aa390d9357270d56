"""What a transaction offers for gas, and how much it may use: the terms on which every key of ours sends (EIP-1559)."""

from __future__ import annotations

TIP_WEI = 10**9
"""To the block's maker, for each unit of gas, beside the base fee."""
_LIMIT = (3, 2)


def gas_limit(gas_units: int) -> int:
    """The gas allowed for what was rehearsed with `gas_units`, half as much again; rounded down."""
    return gas_units * _LIMIT[0] // _LIMIT[1]


def offered_wei(base_fee_wei: int, tip_wei: int = TIP_WEI) -> int:
    """The most for a unit of gas: the base fee doubles in six full blocks at the earliest."""
    return 2 * base_fee_wei + tip_wei


def needed_wei(gas_units: int, base_fee_wei: int) -> int:
    """What an account must hold for a node to take a unit that was rehearsed with `gas_units`: the whole of its gas
    limit at the most that it offers. More than it will cost."""
    return gas_limit(gas_units) * offered_wei(base_fee_wei)
