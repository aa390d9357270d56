"""The inner loop of `water_filling.Depth`, compiled: what each of many sides takes at one level and beyond."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True)
def shared(
    levels: Floats, taken: Floats, weights: Floats, starts: Ints, level: float, units: float
) -> tuple[Floats, Ints, int]:
    """Input of each side, the rows of those that stand exactly at the start of one (-1 for the others), and the side
    with the largest input.

    Side k has the rows `starts[k]` to `starts[k + 1]`. Each is brought to `level`, and what is then missing of `units`
    is shared by slope.
    """
    count = len(starts) - 1
    amounts, slopes, rows = np.zeros(count), np.zeros(count), np.full(count, -1, dtype=np.int64)
    for side in range(count):
        row = np.searchsorted(levels[starts[side] : starts[side + 1]], level, side="right") - 1 + starts[side]
        if row < starts[side]:
            continue
        slopes[side] = weights[row]
        amounts[side] = taken[row] + weights[row] * (level - levels[row])
        if weights[row] == 0.0:
            rows[side] = row - starts[side]
    slope = slopes.sum()
    share = (units - amounts.sum()) / slope if slope > 0.0 else 0.0
    for side in range(count):
        last = starts[side + 1] - 1
        amounts[side] = max(amounts[side] + share * slopes[side], 0.0)
        if amounts[side] >= taken[last]:
            amounts[side], rows[side] = taken[last], last - starts[side]
    return amounts, rows, int(np.argmax(amounts))
