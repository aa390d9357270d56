"""The arithmetic of `uniswap_v3_math` over many orders of one table, in limbs: every number exact, rounded as the pool
rounds.

A table's row holds, in limbs: cumulative input and output (4 each), price (3), liquidity (2), that times 2^96 (4), and
that times the price (6). A quote has 256 bits and so has all that is kept of it; products have as many as they need.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulations.pools.limbs import Limbs, add, below, copy, divide, increment, length, multiply, subtract
from simulations.pools.words import LIMBS, Words

TAKEN, GIVEN, PRICE, LIQUIDITY, SCALED, START, ROW = 0, 4, 8, 11, 13, 17, 23
"""Places in a row, and its length."""

# Places in the scratch of one quote.
_NET, _AFTER, _MOVED, _Q, _U, _V, _RATE, _Q96 = 0, 5, 9, 13, 25, 38, 49, 51
_SCRATCH = 53


@njit(cache=True, nogil=True)
def quotes_in(
    steps: Limbs,
    zero_for_one: bool,
    fee_pips: int,
    most_bits: int,
    units: Words,
    other: Words,
    prices: Words,
    quoted: NDArray[np.bool_],
) -> None:
    """For each input its output, the price after and whether it is quoted, into the last three."""
    w, rows, asked, out, after = _scratch(), len(steps) // ROW, units.ravel(), other.ravel(), prices.ravel()
    for k in range(len(units)):
        place = LIMBS * k
        row = ROW * _row(steps, rows, TAKEN, asked, place)
        if row < 0:
            continue
        subtract(w, _NET, asked, place, steps, row + TAKEN, LIMBS)
        if _at_the_end(steps, row, TAKEN, asked, place):
            copy(out, place, steps, row + ROW + GIVEN, LIMBS)
            copy(after, place, steps, row + ROW + PRICE, 3)
        else:
            _scaled_down(w, 1_000_000 - fee_pips, 1_000_000)
            if zero_for_one:
                _price_down_by_input(w, steps, row)
                subtract(w, _MOVED, steps, row + PRICE, w, _AFTER, 3)
                _amount1(w, steps, row)
            else:
                _price_moved_by_amount1(w, steps, row)
                add(w, _AFTER, steps, row + PRICE, w, _MOVED, 3)
                _amount0(w, steps, row)
            add(out, place, steps, row + GIVEN, w, _Q, LIMBS)
            copy(after, place, w, _AFTER, 3)
        quoted[k] = _fits(out, place, most_bits) and _fits(asked, place, most_bits)


@njit(cache=True, nogil=True)
def quotes_out(
    steps: Limbs,
    zero_for_one: bool,
    fee_pips: int,
    most_bits: int,
    units: Words,
    other: Words,
    prices: Words,
    quoted: NDArray[np.bool_],
) -> None:
    """For each output its input, the price after and whether it is quoted, into the last three."""
    w, rows, asked, out, after = _scratch(), len(steps) // ROW, units.ravel(), other.ravel(), prices.ravel()
    for k in range(len(units)):
        place = LIMBS * k
        row = ROW * _row(steps, rows, GIVEN, asked, place)
        if row < 0:
            continue
        subtract(w, _NET, asked, place, steps, row + GIVEN, LIMBS)
        if _at_the_end(steps, row, GIVEN, asked, place):
            copy(out, place, steps, row + ROW + TAKEN, LIMBS)
            copy(after, place, steps, row + ROW + PRICE, 3)
        else:
            if zero_for_one:
                if _price_moved_by_amount1(w, steps, row):
                    increment(w, _MOVED, 3)
                subtract(w, _AFTER, steps, row + PRICE, w, _MOVED, 3)
                rest = _amount0(w, steps, row)
            else:
                _price_up_by_output(w, steps, row)
                subtract(w, _MOVED, w, _AFTER, steps, row + PRICE, 3)
                rest = _amount1(w, steps, row)
            if rest:
                increment(w, _Q, LIMBS)
            _add_fee(w, fee_pips)
            add(out, place, steps, row + TAKEN, w, _NET, LIMBS)
            copy(after, place, w, _AFTER, 3)
        quoted[k] = _fits(out, place, most_bits) and _fits(asked, place, most_bits)


@njit(cache=True)
def _scratch() -> Limbs:
    w = np.zeros(_SCRATCH, np.uint64)
    w[_Q96 + 1] = np.uint64(2**32)
    return w


@njit(cache=True)
def _row(steps: Limbs, rows: int, column: int, units: Limbs, place: int) -> int:
    """The row of the step in which an amount ends: the last that is below it; -1 for nothing and for too much."""
    low, high = 0, rows
    while low < high:
        middle = (low + high) // 2
        if below(steps, ROW * middle + column, units, place, LIMBS):
            low = middle + 1
        else:
            high = middle
    return low - 1 if low < rows else -1


@njit(cache=True)
def _at_the_end(steps: Limbs, row: int, column: int, units: Limbs, place: int) -> bool:
    return not below(units, place, steps, row + ROW + column, LIMBS)


@njit(cache=True)
def _scaled_down(w: Limbs, times: int, over: int) -> bool:
    """The net amount times a ratio, rounded down; whether a remainder is left."""
    w[_RATE], w[_V] = np.uint64(times), np.uint64(over)
    multiply(w, _U, w, _NET, LIMBS, w, _RATE, 1)
    rest = divide(w, _Q, w, _U, LIMBS + 1, w, _V, 1)
    copy(w, _NET, w, _Q, LIMBS)
    return bool(rest)


@njit(cache=True)
def _price_down_by_input(w: Limbs, steps: Limbs, row: int) -> None:
    """After = ceil(scaled * price / (scaled + net * price)), or the coarser form where 256 bits do not hold that."""
    multiply(w, _V, w, _NET, LIMBS, steps, row + PRICE, 3)
    carry = add(w, _V, w, _V, steps, row + SCALED, LIMBS)
    if carry or length(w, _V + LIMBS, 3):
        copy(w, _U, steps, row + SCALED, LIMBS)
        copy(w, _V, steps, row + PRICE, 3)
        divide(w, _Q, w, _U, LIMBS, w, _V, 3)
        add(w, _V, w, _Q, w, _NET, LIMBS)
        copy(w, _U, steps, row + SCALED, LIMBS)
        rest = divide(w, _Q, w, _U, LIMBS, w, _V, LIMBS)
    else:
        copy(w, _U, steps, row + START, 6)
        rest = divide(w, _Q, w, _U, 6, w, _V, LIMBS)
    if rest:
        increment(w, _Q, 3)
    copy(w, _AFTER, w, _Q, 3)


@njit(cache=True)
def _price_up_by_output(w: Limbs, steps: Limbs, row: int) -> None:
    """After = ceil(scaled * price / (scaled - net * price)); the step holds more than `net`."""
    multiply(w, _U, w, _NET, LIMBS, steps, row + PRICE, 3)
    subtract(w, _V, steps, row + SCALED, w, _U, LIMBS)
    copy(w, _U, steps, row + START, 6)
    if divide(w, _Q, w, _U, 6, w, _V, LIMBS):
        increment(w, _Q, 3)
    copy(w, _AFTER, w, _Q, 3)


@njit(cache=True)
def _price_moved_by_amount1(w: Limbs, steps: Limbs, row: int) -> bool:
    """Moved = floor(net * 2^96 / liquidity); whether a remainder is left."""
    multiply(w, _U, w, _NET, LIMBS, w, _Q96, 2)
    copy(w, _V, steps, row + LIQUIDITY, 2)
    rest = divide(w, _Q, w, _U, LIMBS + 2, w, _V, 2)
    copy(w, _MOVED, w, _Q, 3)
    return bool(rest)


@njit(cache=True)
def _amount1(w: Limbs, steps: Limbs, row: int) -> bool:
    """liquidity * moved / 2^96, rounded down; whether a remainder is left."""
    multiply(w, _U, w, _MOVED, 3, steps, row + LIQUIDITY, 2)
    half, rest = np.uint64(32), w[_U] != np.uint64(0) or w[_U + 1] << np.uint64(32) != np.uint64(0)
    w[_U + 5] = np.uint64(0)
    for k in range(LIMBS):
        w[_Q + k] = (w[_U + 1 + k] >> half) | (w[_U + 2 + k] << half)
    return bool(rest)


@njit(cache=True)
def _amount0(w: Limbs, steps: Limbs, row: int) -> bool:
    """scaled * moved / (price * after), rounded down; whether a remainder is left."""
    multiply(w, _V, steps, row + PRICE, 3, w, _AFTER, 3)
    multiply(w, _U, steps, row + SCALED, LIMBS, w, _MOVED, 3)
    return bool(divide(w, _Q, w, _U, LIMBS + 3, w, _V, 6))


@njit(cache=True)
def _add_fee(w: Limbs, fee_pips: int) -> None:
    """Net = the amount and, rounded up, its fee on top: amount * fee / (1 - fee)."""
    copy(w, _NET, w, _Q, LIMBS)
    copy(w, _MOVED, w, _Q, LIMBS)
    if _scaled_down(w, fee_pips, 1_000_000 - fee_pips):
        increment(w, _NET, LIMBS)
    add(w, _NET, w, _NET, w, _MOVED, LIMBS)


@njit(cache=True)
def _fits(words: Limbs, place: int, bits: int) -> bool:
    """Whether a word is below 2^bits, of 1 to 256 bits."""
    whole = bits // 64
    if whole >= LIMBS:
        return True
    over = words[place + whole] >> np.uint64(bits % 64)
    return bool(over == np.uint64(0)) and length(words, place + whole + 1, LIMBS - whole - 1) == 0
