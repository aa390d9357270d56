"""About what orders of one pool give, by floats: for searching among very many orders, and for nothing else.

Within one step a pool is a constant product of virtual reserves: with x = L / p of what is sold and y = L * p of what
is bought (p the square root of the price of what is sold), a net input n gives y * n / (x + n). That form subtracts
nothing, so no digits are lost (Uniswap v3 Core paper, section 2).

What comes out is an `Estimate`: neither a number nor a count of units, so that neither a minimum out nor a call can be
made of it. Whoever has found an order asks `Side.quote_in` for what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.pools.uniswap_v3 import Side

Floats = NDArray[np.float64]

RELATIVE_ERROR = 1e-9
"""How far an estimate may be from the exact quote, beyond what the pool rounds away in its last step: one unit of
output, two of input (the amount's and the fee's) and one in the last binary place of the price."""

_BITS = 45
"""Buckets are told apart by a float's exponent and the first 7 bits of its mantissa."""


@dataclass(frozen=True, slots=True, order=True)
class Estimate:
    """About how many units an order gives; minus infinity when the pool cannot fill it. It can be compared and nothing
    else."""

    about_units: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """One estimate an order, in their order; minus infinity for those that the pool cannot fill."""

    about_units: Floats

    def __len__(self) -> int:
        return len(self.about_units)

    def __getitem__(self, index: int) -> Estimate:
        return Estimate(float(self.about_units[index]))

    def best(self) -> int:
        """The place of the order that gives most, the first of several. Raises `ValueError` when there are none."""
        if not len(self):
            raise ValueError("no orders were estimated; give at least one")
        return int(np.argmax(self.about_units))


@dataclass(frozen=True, slots=True)
class EstimateSide:
    """One direction of a pool in floats. A row is a step: where it ends and begins by input, the output before it, and
    its virtual reserves of what is sold and bought. `firsts` holds for each bucket of inputs the first row to look
    at."""

    kept: float
    rows: Floats
    firsts: NDArray[np.int32]

    def estimate_in(self, units: Floats) -> Estimates:
        """About what each of `units` (> 0, of shape (n,)) of input gives."""
        about = np.empty(len(units))
        _estimates(self.rows, self.firsts, self.kept, np.ascontiguousarray(units, dtype=np.float64), about)
        return Estimates(about)


def estimate_side(side: Side) -> EstimateSide:
    """The side for searching."""
    steps = zip(side.taken[1:], side.taken, side.given, side.prices, side.liquidity, strict=False)
    rows = [_row(side.zero_for_one, *step) for step in steps]
    table = np.array(rows or [(0.0,) * 5])
    return EstimateSide(1 - side.fee_pips / 1_000_000, table, _firsts(table))


def _row(zero_for_one: bool, end: int, taken: int, given: int, price: int, liquidity: int) -> tuple[float, ...]:
    of0, of1 = (liquidity << 96) / price, liquidity * price / 2**96
    return float(end), float(taken), float(given), *((of0, of1) if zero_for_one else (of1, of0))


def _firsts(rows: Floats) -> NDArray[np.int32]:
    """The row in which the least input of each bucket ends; buckets begin at one unit."""
    last = max(float(rows[-1, 0]), 1.0)
    buckets = np.arange(_bucket(1.0), _bucket(last) + 1, dtype=np.uint64)
    least = (buckets << np.uint64(_BITS)).view(np.float64)
    return np.searchsorted(rows[:, 0], least).astype(np.int32)


def _bucket(units: float) -> int:
    return int(np.float64(units).view(np.uint64)) >> _BITS


_FIRST_BUCKET = _bucket(1.0)


@njit(cache=True, nogil=True)
def _estimates(rows: Floats, firsts: NDArray[np.int32], kept: float, units: Floats, about: Floats) -> None:
    buckets, last = units.view(np.uint64), rows[-1, 0]
    for k in range(len(units)):
        asked = units[k]
        # Written so that a NaN is refused as well.
        if not 0.0 < asked <= last:
            about[k] = -np.inf
            continue
        bucket = np.int64(buckets[k] >> np.uint64(_BITS)) - _FIRST_BUCKET
        row = firsts[bucket] if bucket >= 0 else 0
        while asked > rows[row, 0]:
            row += 1
        net = (asked - rows[row, 1]) * kept
        about[k] = rows[row, 2] + rows[row, 4] * net / (rows[row, 3] + net)
