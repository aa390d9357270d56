"""Balancer V2's fixed point numbers: unsigned, 18 decimals, rounded by name, and refused where the contract overflows.

Source: balancer-v2-monorepo `FixedPoint.sol`, `LogExpMath.sol`. Powers are off by at most 1 part in 1e14, which
`pow_up` adds so that the error never favours the trader.
"""

from __future__ import annotations

ONE = 10**18
_ONE_20, _ONE_36 = 10**20, 10**36
_WORD = 2**256
_POWER_ERROR = 10_000
_MOST_EXPONENT, _LEAST_EXPONENT = 130 * ONE, -41 * ONE
_MOST_POWER = 2**254 // _ONE_20
_NEAR_ONE = ONE // 10
# x_n and e^x_n: the first two whole numbers for 18 decimals, the others with 20.
_HUGE = (
    (128 * ONE, 38877084059945950922200000000000000000000000000000000000),
    (64 * ONE, 6235149080811616882910000000),
)
_STEPS = (
    (3200000000000000000000, 7896296018268069516100000000000000),
    (1600000000000000000000, 888611052050787263676000000),
    (800000000000000000000, 298095798704172827474000),
    (400000000000000000000, 5459815003314423907810),
    (200000000000000000000, 738905609893065022723),
    (100000000000000000000, 271828182845904523536),
    (50000000000000000000, 164872127070012814685),
    (25000000000000000000, 128402541668774148407),
    (12500000000000000000, 113314845306682631683),
    (6250000000000000000, 106449445891785942956),
)
_EXPONENT_STEPS = 8
"""So many of `_STEPS` the exponential takes; the logarithm takes all."""


class Reverts(ArithmeticError):
    """The contract would revert here; quotes turn it into `None`."""


def word(value: int) -> int:
    """`value` when it fits into 256 bits. Raises `Reverts`."""
    if not 0 <= value < _WORD:
        raise Reverts(f"`{value}` is no unsigned word")
    return value


def mul_down(a: int, b: int) -> int:
    return word(a * b) // ONE


def mul_up(a: int, b: int) -> int:
    return -(-word(a * b) // ONE)


def div_down(a: int, b: int) -> int:
    return word(a * ONE) // _divisor(b)


def div_up(a: int, b: int) -> int:
    return -(-word(a * ONE) // _divisor(b))


def complement(a: int) -> int:
    """One minus `a`, and nothing where `a` is more."""
    return max(ONE - a, 0)


def pow_up(x: int, y: int, *, exact_squares: bool) -> int:
    """x to the y, never less than the true power. With `exact_squares`, as pools since September 2022 do it, exponents
    of 1, 2 and 4 are products. Raises `Reverts` beyond e^130."""
    if exact_squares and y in (ONE, 2 * ONE, 4 * ONE):
        square = mul_up(x, x) if y != ONE else x
        return mul_up(square, square) if y == 4 * ONE else square
    raw = power(x, y)
    return raw + mul_up(raw, _POWER_ERROR) + 1


def power(x: int, y: int) -> int:
    """`LogExpMath.pow`: x to the y by e^(y ln x). Raises `Reverts` where that is not in e^-41..e^130."""
    if y == 0 or x == 0:
        return 0 if y else ONE
    if x >= 2**255 or y >= _MOST_POWER:
        raise Reverts("base or exponent is out of bounds")
    if abs(x - ONE) < _NEAR_ONE:
        log = _ln_36(x)
        whole = _quotient(log, ONE)
        product = whole * y + _quotient((log - whole * ONE) * y, ONE)
    else:
        product = _ln(x) * y
    exponent = _quotient(product, ONE)
    if not _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise Reverts("the product is out of bounds")
    return _exp(exponent)


def _exp(x: int) -> int:
    if x < 0:
        return _ONE_36 // _exp(-x)
    start, first = next(((start, e) for start, e in _HUGE if x >= start), (0, 1))
    rest, product = (x - start) * 100, _ONE_20
    for step, e in _STEPS[:_EXPONENT_STEPS]:
        if rest >= step:
            rest, product = rest - step, product * e // _ONE_20
    term, total = rest, _ONE_20 + rest
    for n in range(2, 13):
        term = term * rest // _ONE_20 // n
        total += term
    return product * total // _ONE_20 * first // 100


def _ln(a: int) -> int:
    if a < ONE:
        return -_ln(_ONE_36 // a)
    total = 0
    for start, e in _HUGE:
        if a >= e * ONE:
            a, total = a // e, total + start
    a, total = a * 100, total * 100
    for step, e in _STEPS:
        if a >= e:
            a, total = a * _ONE_20 // e, total + step
    return (total + _artanh_series((a - _ONE_20) * _ONE_20 // (a + _ONE_20), _ONE_20, 11)) // 100


def _ln_36(x: int) -> int:
    """Of a number within a tenth of one, with 36 decimals."""
    x *= ONE
    return _artanh_series(_quotient((x - _ONE_36) * _ONE_36, x + _ONE_36), _ONE_36, 15)


def _artanh_series(z: int, one: int, last: int) -> int:
    """Twice z + z^3/3 + z^5/5 + ... up to the power `last`."""
    squared, term, total = z * z // one, z, z
    for n in range(3, last + 1, 2):
        term = _quotient(term * squared, one)
        total += _quotient(term, n)
    return 2 * total


def _quotient(a: int, b: int) -> int:
    """Rounded towards zero as the EVM does, with b > 0."""
    return a // b if a >= 0 else -(-a // b)


def _divisor(b: int) -> int:
    if b == 0:
        raise Reverts("divided by nothing")
    return b
