"""What gas will cost: exact bounds of the base fee by the protocol's own arithmetic, and its spread by what it did.

Source of the arithmetic: EIP-1559.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.ports import FeeHistory

_CHANGE_DENOMINATOR, _ELASTICITY = 8, 2
_ODD_LIMIT = 5_001
"""The least odd gas limit of a block: its target is rounded down, so that a full block is furthest above it."""
LEAST_BLOCKS = 128
"""Below so many, a spread is a guess."""


@dataclass(frozen=True, slots=True)
class BaseFee:
    """The base fee after `blocks` more: `least` and `most` are what the protocol allows, exactly; `low`, `middle` and
    `high` hold one in twenty, half and nineteen in twenty of the blocks seen. Where too few were seen, they are the
    exact bounds, and `why` says so."""

    blocks: int
    least_wei: int
    low_wei: int
    middle_wei: int
    high_wei: int
    most_wei: int
    why: str = ""


def next_base_fee_wei(base_fee_wei: int, gas_used: int, gas_limit: int) -> int:
    """The next block's base fee: an eighth up at most, at least one wei up when above the target, an eighth down at
    most. Raises `ValueError` on a block that used more than its limit."""
    target = gas_limit // _ELASTICITY
    if not 0 <= gas_used <= gas_limit or target == 0:
        raise ValueError(f"`{gas_used}` gas of `{gas_limit}` is no block")
    if gas_used == target:
        return base_fee_wei
    change = base_fee_wei * abs(gas_used - target) // target // _CHANGE_DENOMINATOR
    return base_fee_wei + max(change, 1) if gas_used > target else base_fee_wei - change


def bounds_wei(base_fee_wei: int, blocks: int) -> tuple[int, int]:
    """The least and the most that `blocks` (>= 0) further blocks can make of a base fee, whatever their gas limit: all
    empty, all full."""
    least = most = base_fee_wei
    for _ in range(blocks):
        least, most = next_base_fee_wei(least, 0, 2), next_base_fee_wei(most, _ODD_LIMIT, _ODD_LIMIT)
    return least, most


def predict(history: FeeHistory, blocks: int) -> BaseFee:
    """The base fee of the block `blocks` (>= 0) after the next one. Past changes over as many blocks, as ratios, are
    taken for what may come. Raises `ValueError` on a history of nothing."""
    now = history.base_fees_wei[-1]
    least, most = bounds_wei(now, blocks)
    seen = [late / early for early, late in _pairs(history.base_fees_wei, blocks) if early]
    if len(seen) < LEAST_BLOCKS:
        why = f"{len(seen)} stretches of {blocks} blocks are known, at least {LEAST_BLOCKS} are needed"
        return BaseFee(blocks, least, least, now, most, most, why)
    from numpy import quantile

    low, middle, high = (min(max(round(now * each), least), most) for each in quantile(seen, (0.05, 0.5, 0.95)))
    return BaseFee(blocks, least, low, middle, high, most)


def _pairs(fees: Sequence[int], blocks: int) -> list[tuple[int, int]]:
    return list(zip(fees, fees[blocks:], strict=False))
