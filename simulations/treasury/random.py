"""Random numbers that are a function of (seed, path, day): nothing is drawn in order, so nothing depends on order.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011) gives four words of
32 bits for each counter. Its counter here is (path low, path high, day, call), its key the 64 bits of the seed. Words
are held in 64-bit lanes, one lane a path, so that a compiler can vectorise over paths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.treasury.compiled import bits_of, borrowing, compiled, double_of, fma, polynomial, repeated

ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLY0, _MULTIPLY1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

_OCTAVES, _PARTS = 32, 8


@compiled
def _round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    # Only the low halves of counter and key mean anything: masked where they are multiplied, which a 32-bit multiplier
    # does for nothing, and once where they are stored.
    one, two = _MULTIPLY0 * (c0 & _LOW), _MULTIPLY1 * (c2 & _LOW)
    return (two >> _32) ^ c1 ^ k0, two, (one >> _32) ^ c3 ^ k1, one, k0 + _WEYL0, k1 + _WEYL1


def philox(rounds: int) -> Callable[..., Any]:
    """The block function of `rounds` rounds: (four counter words, two key words) -> those six after them, all uint64,
    of which the lower halves count. Ten rounds are the generator; fewer serve to show that the battery of tests would
    notice."""
    return repeated(_round, rounds)


def words_by(block: Callable[..., Any]) -> Callable[..., None]:
    """A filler (seed, first_path, day, out) -> None of uint64 `out` (words, paths), a multiple of four words: the first
    words of all calls, then the second ones and so on, for rows that interleave would look to a compiler as if they
    overlapped."""

    def fill(seed: Any, first_path: Any, day: Any, out: Any) -> None:
        calls = out.shape[0] // 4
        for call in range(calls):
            for lane in range(out.shape[1]):
                path = first_path + np.uint64(lane)
                words = block(path & _LOW, path >> _32, day, np.uint64(call), seed & _LOW, seed >> _32)
                out[call, lane] = words[0] & _LOW
                out[calls + call, lane] = words[1] & _LOW
                out[2 * calls + call, lane] = words[2] & _LOW
                out[3 * calls + call, lane] = words[3] & _LOW

    return borrowing(fill)


fill_words = words_by(philox(ROUNDS))


def _fitted(function: Callable[[Any], Any], low: float, high: float, degree: int) -> tuple[float, ...]:
    """Coefficients, highest first, of the polynomial through `function` at Chebyshev's nodes of [low, high]."""
    fitted = np.polynomial.Chebyshev.interpolate(function, degree, domain=[low, high])
    return tuple(float(each) for each in fitted.convert(kind=np.polynomial.Polynomial).coef[::-1])


def _over_x(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function`(x) / x for one that starts as x, smooth through zero: so what is built of it is exact there."""

    def ratio(x: Any) -> Any:
        safe = np.where(x == 0, 1.0, x)
        return np.where(x == 0, 1.0, function(safe) / safe)

    return ratio


_ROOT2 = math.sqrt(2.0)


def _atanh_ratio(square: Any) -> Any:
    """2 artanh(s) / s as a function of s^2."""
    root = np.sqrt(square)
    return 2 * np.arctanh(root) / root


# log m = 2 artanh((m - 1) / (m + 1)), and that argument lies within (sqrt(2) - 1) / (sqrt(2) + 1) either side of zero.
_log_ratio = polynomial(_fitted(_atanh_ratio, 1e-30, ((_ROOT2 - 1) / (_ROOT2 + 1)) ** 2, 4))
# Both in the square of the angle, which lies within an eighth of a turn either side of zero.
_sine_ratio = polynomial(_fitted(lambda y: np.sinc(np.sqrt(y) / np.pi), 1e-30, (math.pi / 4) ** 2, 4))
_cosine = polynomial(_fitted(lambda y: np.cos(np.sqrt(y)), 1e-30, (math.pi / 4) ** 2, 5))

_MANTISSA = np.uint64((1 << 52) - 1)
_ONE_BITS = np.uint64(1023 << 52)
# Adding what lies between 1 / sqrt(2) and 1 carries into the exponent from sqrt(2) on.
_OFFSET = np.uint64((1 << 52) - 0x6A09E667F3BCD)
_52 = np.uint64(52)
_LN2 = math.log(2.0)
_TWO_TO_MINUS_32 = 2.0**-32


@compiled
def log(x: Any) -> Any:
    """Natural logarithm of a normal positive double, to 1e-11 of the larger of 1 and itself."""
    raised = bits_of(x) + _OFFSET
    exponent = np.float64(np.int64(raised >> _52)) - 1023.0
    mantissa = double_of((raised & _MANTISSA) + _ONE_BITS - _OFFSET)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    return fma(ratio, _log_ratio(ratio * ratio), exponent * _LN2)


_ANGLE = np.uint64(0x3FFFFFFF)
_SIGN = np.uint64(1 << 63)
_33, _31 = np.uint64(33), np.uint64(31)
_TO_EIGHTHS = math.pi / 2 / 2**30


@borrowing
def fill_normals(words: Any, out: Any) -> None:
    """Standard normals of `words` (an even number of rows, paths) into `out` of that shape, two rows from two (Box and
    Muller, 1958). 32 bits each: values on a grid of 2^32 radii, the largest 6.76, and 2^32 angles; each to 2e-11.

    The radius is sqrt(-2 ln u). An angle of an eighth of a turn plus f has sine (cos f + sin f) / sqrt(2), so that f
    alone needs a series and the two upper bits of its word are the signs.
    """
    pairs = out.shape[0] // 2
    for pair in range(pairs):
        for lane in range(words.shape[1]):
            uniform = (np.float64(np.int64(words[pair, lane])) + 0.5) * _TWO_TO_MINUS_32
            radius = math.sqrt(-log(uniform))
            word = words[pairs + pair, lane]
            angle = (np.float64(np.int64(word & _ANGLE)) + (0.5 - 2.0**29)) * _TO_EIGHTHS
            square = angle * angle
            sine, cosine = angle * _sine_ratio(square), _cosine(square)
            one, two = radius * (cosine + sine), radius * (cosine - sine)
            out[pair, lane] = double_of(bits_of(one) ^ ((word << _32) & _SIGN))
            out[pairs + pair, lane] = double_of(bits_of(two) ^ ((word << _33) & _SIGN))


def mixing_table(nu: float) -> NDArray[np.float64]:
    """Coefficients, shape (512, 4) float64, for `fill_mixing`: sqrt((nu - 2) / X), X chi-square of `nu` degrees of
    freedom, as a function of its uniform. `nu` of 2.1 or more, or infinity (then all ones: normal returns).

    Cubics through Chebyshev's nodes on an eighth of each octave of the distance to the nearer end of (0, 1), for at
    the ends the function is a power of that distance. Relative error below 1e-6.
    """
    if math.isinf(nu):
        return np.tile([0.0, 0.0, 0.0, 1.0], (2 * _OCTAVES * _PARTS, 1))
    nodes = np.cos(np.pi * (np.arange(4) + 0.5) / 4) / 2 + 0.5
    powers = np.vander(nodes, 4)
    # Row 8 k + j of a half covers distances 2^(k - 1) (1 + [j / 8, (j + 1) / 8]) in steps of 2^-32.
    starts = 1 + np.arange(_PARTS)[None, :, None] / _PARTS
    scale = 2.0 ** (np.arange(_OCTAVES) - 1.0)[:, None, None]
    distances = (scale * (starts + nodes / _PARTS)).reshape(-1, 4) * _TWO_TO_MINUS_32
    values = np.concatenate([_mixing(nu, distances, low=True), _mixing(nu, distances, low=False)])
    return np.ascontiguousarray(np.linalg.solve(powers, values.T).T)


def _mixing(nu: float, distance: NDArray[np.float64], low: bool) -> Any:
    from scipy.special import gammainccinv, gammaincinv

    chi_square = 2.0 * (gammaincinv if low else gammainccinv)(nu / 2, distance)
    return np.sqrt((nu - 2) / chi_square)


_HALF = np.uint64(0x80000000)
_49, _ROWS = np.uint64(49), np.uint64(_OCTAVES * _PARTS)
_FIRST_ROW = np.uint64((1023 - 1) * _PARTS)
_PART_BITS = np.uint64((1 << 49) - 1)
_3 = np.uint64(3)


@borrowing
def fill_mixing(words: Any, table: Any, rows: Any, out: Any) -> None:
    """What scales a path's normals of one day to Student-t of variance one: `out` (paths) from `words` (paths); `rows`
    is room for as many int64."""
    for lane in range(words.shape[0]):
        word = words[lane]
        upper = word >> _31
        steps = (word ^ (upper * _LOW)) & _LOW
        bits = bits_of(np.float64(np.int64(steps)) + 0.5)
        rows[lane] = (bits >> _49) - _FIRST_ROW + upper * _ROWS
        out[lane] = double_of(((bits & _PART_BITS) << _3) + _ONE_BITS) - 1.0
    for lane in range(words.shape[0]):
        row, at = rows[lane], out[lane]
        cubic = fma(fma(fma(table[row, 0], at, table[row, 1]), at, table[row, 2]), at, table[row, 3])
        out[lane] = cubic


_expm1_ratio = polynomial(_fitted(_over_x(np.expm1), -_LN2 / 2, _LN2 / 2, 8))
_ROUNDER = 1.5 * 2.0**52


@compiled
def exp(x: Any) -> Any:
    """The exponential, to 2e-13 of itself and exactly 1 at 0; `x` beyond 700 either side counts as 700."""
    within = x if x < 700.0 else 700.0
    within = within if within > -700.0 else -700.0
    raised = fma(within, 1.0 / _LN2, _ROUNDER)
    whole = raised - _ROUNDER
    rest = fma(whole, -_LN2, within)
    # The rounder leaves the whole number in the low bits; shifted, it adds to the exponent.
    return double_of(bits_of(fma(rest, _expm1_ratio(rest), 1.0)) + (bits_of(raised) << _52))
