"""Whole numbers of many bits for numba: limbs of 64 bits, the lowest first, at places in flat arrays of `uint64`.

A number is given as its array, its place and its count of limbs; the caller says how many limbs there are and leaves
room for those of the result. Every operation is exact. Division is Knuth's (TAOCP volume 2, 4.3.1, algorithm D), its
digits estimated by a reciprocal (Möller and Granlund, "Improved division by invariant integers", 2011).

Numba keeps compiled callers until their own file changes: whoever changes this one must touch those that import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Limbs = NDArray[np.uint64]

# A uint64 and a plain integer add up to a float in numba: every constant must be a uint64.
_0, _1, _ALL = np.uint64(0), np.uint64(1), np.uint64(2**64 - 1)
_11, _13, _24, _31, _40, _47, _55, _64 = (np.uint64(n) for n in (11, 13, 24, 31, 40, 47, 55, 64))
_SEED, _2_60 = np.uint64(2**19 - 3 * 2**8), np.uint64(2**60)

# Callers do not pass the typing context that the stub of `intrinsic` shows.
_intrinsic: Callable[..., Callable[..., Any]] = intrinsic


@_intrinsic
def _product(typing: Any, a: Any, b: Any) -> Any:
    """The low and the high limb of a product of two limbs."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        wide, narrow = ir.IntType(128), ir.IntType(64)
        both = builder.mul(builder.zext(values[0], wide), builder.zext(values[1], wide))
        high = builder.trunc(builder.lshr(both, ir.Constant(wide, 64)), narrow)
        return context.make_tuple(builder, signature.return_type, (builder.trunc(both, narrow), high))

    pair = types.UniTuple(types.uint64, 2)  # type: ignore[no-untyped-call]
    return pair(types.uint64, types.uint64), generate


@_intrinsic
def _leading_zeros(typing: Any, a: Any) -> Any:
    """How many leading bits of a limb are zero, 64 of zero."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctlz(values[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@njit(cache=True)
def add(out: Limbs, o: int, a: Limbs, i: int, b: Limbs, j: int, n: int) -> np.uint64:
    """out = a + b in `n` limbs; the carry, 0 or 1. `out` may be `a` or `b`."""
    carry = _0
    for k in range(n):
        part = a[i + k] + carry
        carry = _1 if part < carry else _0
        whole = part + b[j + k]
        carry |= _1 if whole < part else _0
        out[o + k] = whole
    return carry


@njit(cache=True)
def subtract(out: Limbs, o: int, a: Limbs, i: int, b: Limbs, j: int, n: int) -> np.uint64:
    """out = a - b in `n` limbs, modulo 2^(64 n); 1 when b was larger, else 0. `out` may be `a` or `b`."""
    borrow = _0
    for k in range(n):
        part = a[i + k] - borrow
        less = _1 if part > a[i + k] else _0
        whole = part - b[j + k]
        borrow = less | (_1 if whole > part else _0)
        out[o + k] = whole
    return borrow


@njit(cache=True)
def multiply(out: Limbs, o: int, a: Limbs, i: int, n: int, b: Limbs, j: int, m: int) -> None:
    """out = a * b, of `n` and `m` limbs, in n + m limbs, where neither `a` nor `b` may lie."""
    for k in range(n + m):
        out[o + k] = _0
    for k in range(n):
        carry, digit = _0, a[i + k]
        if digit == _0:
            continue
        for d in range(m):
            low, high = _product(digit, b[j + d])
            low += carry
            high += _1 if low < carry else _0
            whole = low + out[o + k + d]
            carry = high + (_1 if whole < low else _0)
            out[o + k + d] = whole
        out[o + k + m] = carry


@njit(cache=True)
def length(a: Limbs, i: int, n: int) -> int:
    """How many of `n` limbs are needed: 0 for zero."""
    while n > 0 and a[i + n - 1] == _0:
        n -= 1
    return n


@njit(cache=True)
def below(a: Limbs, i: int, b: Limbs, j: int, n: int) -> bool:
    """Whether a < b, both of `n` limbs."""
    for k in range(n - 1, -1, -1):
        if a[i + k] != b[j + k]:
            return bool(a[i + k] < b[j + k])
    return False


@njit(cache=True)
def copy(out: Limbs, o: int, a: Limbs, i: int, n: int) -> None:
    """out = a, of `n` limbs."""
    for k in range(n):
        out[o + k] = a[i + k]


@njit(cache=True)
def increment(out: Limbs, o: int, n: int) -> None:
    """One more, modulo 2^(64 n)."""
    for k in range(n):
        out[o + k] += _1
        if out[o + k]:
            return


@njit(cache=True)
def divide(q: Limbs, o: int, u: Limbs, i: int, n: int, v: Limbs, j: int, m: int) -> bool:
    """q = floor(u / v) in n limbs, `u` of `n` limbs and `v` of `m`, not zero; whether a remainder is left. Destroys `v`
    and `u`, which has room for one limb more; `q` lies apart from both."""
    for k in range(n):
        q[o + k] = _0
    n, m = length(u, i, n), length(v, j, m)
    if n < m:
        return n > 0
    shift = _leading_zeros(v[j + m - 1])
    u[i + n] = _0
    _shift_up(v, j, m, shift)
    _shift_up(u, i, n + 1, shift)
    top, second = v[j + m - 1], v[j + m - 2] if m > 1 else _0
    reciprocal = _reciprocal(top, second)
    for k in range(n - m, -1, -1):
        q[o + k] = _digit(u, i + k, v, j, m, top, second, reciprocal)
    return length(u, i, m) > 0


@njit(cache=True)
def _digit(u: Limbs, i: int, v: Limbs, j: int, m: int, top: Any, second: Any, reciprocal: Any) -> Any:
    """One digit of the quotient: estimated from the leading limbs, at most one too high, and taken off `u`."""
    high, middle, low = u[i + m], u[i + m - 1], u[i + m - 2] if m > 1 else _0
    # What is left is less than the divisor: where the leading limbs are the same, the largest digit is tried.
    same = high == top and middle >= second
    digit = _ALL if same else _estimate(high, middle, low, top, second, reciprocal)
    carry, borrow = _0, _0
    for k in range(m):
        low, high = _product(digit, v[j + k])
        low += carry
        carry = high + (_1 if low < carry else _0)
        part = u[i + k] - low
        less = _1 if part > u[i + k] else _0
        whole = part - borrow
        borrow = less + (_1 if whole > part else _0)
        u[i + k] = whole
    behind = u[i + m] < carry or u[i + m] - carry < borrow
    u[i + m] = u[i + m] - carry - borrow
    if behind:
        digit -= _1
        u[i + m] += add(u, i, u, i, v, j, m)
    return digit


@njit(cache=True)
def _estimate(high: Any, middle: Any, low: Any, top: Any, second: Any, reciprocal: Any) -> Any:
    """The quotient of three limbs by two, for (high, middle) < (top, second)."""
    fraction, digit = _product(reciprocal, high)
    fraction += middle
    digit += high + (_1 if fraction < middle else _0)
    less, more = _product(second, digit)
    rest0 = low - less
    rest1 = middle - digit * top - more - (_1 if low < less else _0) - top - (_1 if rest0 < second else _0)
    rest0 -= second
    digit += _1
    if rest1 >= fraction:
        digit -= _1
        rest0 += second
        rest1 += top + (_1 if rest0 < second else _0)
    if rest1 > top or (rest1 == top and rest0 >= second):
        digit += _1
    return digit


@njit(cache=True)
def _reciprocal(top: Any, second: Any) -> Any:
    """floor((2^192 - 1) / (top, second)) - 2^64, for top >= 2^63."""
    reciprocal = _reciprocal_of_one(top)
    part = top * reciprocal + second
    if part < second:
        reciprocal -= _1
        if part >= top:
            reciprocal -= _1
            part -= top
        part -= top
    low, high = _product(reciprocal, second)
    part += high
    if part < high:
        reciprocal -= _1
        if part > top or (part == top and low >= second):
            reciprocal -= _1
    return reciprocal


@njit(cache=True)
def _reciprocal_of_one(top: Any) -> Any:
    """floor((2^128 - 1) / top) - 2^64, for top >= 2^63."""
    lowest, d9, d40, d63 = top & _1, top >> _55, (top >> _24) + _1, (top >> _1) + (top & _1)
    v0 = _SEED // d9
    v1 = (v0 << _11) - (v0 * v0 * d40 >> _40) - _1
    v2 = (v1 << _13) + (v1 * (_2_60 - v1 * d40) >> _47)
    error = ((v2 >> _1) & (_0 - lowest)) - v2 * d63
    v3 = (v2 << _31) + (_product(v2, error)[1] >> _1)
    low, high = _product(v3, top)
    return v3 - (high + top + (_1 if low + top < low else _0))


@njit(cache=True)
def _shift_up(a: Limbs, i: int, n: int, bits: Any) -> None:
    if bits == _0:
        return
    for k in range(n - 1, 0, -1):
        a[i + k] = (a[i + k] << bits) | (a[i + k - 1] >> (_64 - bits))
    a[i] = a[i] << bits
