"""The prices at which no pool of a net has anything left to earn: the dual of routing over several tokens.

Let v be the tokens' prices in the token bought, whose own is one. Against v each direction of each pool earns at most
arb_k(v) = max_x v_out * out_k(x) - v_in * x, in closed form: it is sold into up to the level s = sqrt(v_out / v_in).
No flow of X units of the token sold gives more than

    f(v) = v_sold * X + sum_k arb_k(v),

and at the v which makes f least, the pools' own trades are the best flow: what enters each token in between leaves it
again. f is convex with continuous derivatives, so a Newton search damped as Levenberg and Marquardt do
finds that v in a few rounds over all pools.
Source: Diamandis, Resnick, Chitra, Angeris, "An Efficient Algorithm for Optimal Routing Through Constant Function
Market Makers" (2023), where L-BFGS-B searches; ranges of constant liquidity have second derivatives in closed form too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROUNDS = 200
_MOST_FACTOR = 4.0
"""A round changes no price by more than this factor: far from the optimum most ranges are sold out or not reached."""
_DONE, _FINE = 1e-13, 1e-9
"""What the trades may leave over, of f: aimed at, and enough where steps help no more."""
_LEAST_DAMPING, _MOST_DAMPING, _HARDER = 1e-12, 1e6, 16.0
_SHORT = 0.01
"""A step that must be shorter than this is damped instead: tokens that trade among themselves alone have prices free to
move together, and a shorter step would hold the others back with them."""
_FLAT = 1e-14
"""Of f: what a step promises to gain, below which two values of f differ by rounding alone."""


@njit(cache=True)
def search(
    rows: Floats, owners: Ints, ends: Ints, allowed: NDArray[np.bool_], sold: int, bought: int, units: float, v: Floats
) -> tuple[Floats, Floats, Floats, float]:
    """Prices, input and earnings of each direction there, and f.

    `rows` (ranges, 3): level from, level to, weight; `owners` the direction of each range; `ends` (directions, 2) the
    tokens in and out of each; `allowed` says which directions may be used; `v` (tokens) where the search begins, > 0.
    """
    count = len(v)
    slopes, bends = np.empty(count), np.empty((count, count))
    value = _value(rows, owners, ends, allowed, sold, units, v)
    off = _off(rows, owners, ends, allowed, sold, bought, units, v, slopes, bends)
    damping = _LEAST_DAMPING
    for _ in range(_ROUNDS):
        if off <= _DONE * value:
            break
        step = _step(slopes, bends, bought, v, damping)
        size, slope = 1.0, (step * slopes).sum()
        trial = v + step
        tried = _value(rows, owners, ends, allowed, sold, units, trial)
        while tried > value + 1e-4 * size * slope and -size * slope > _FLAT * value:
            size *= 0.5
            trial = v + size * step
            tried = _value(rows, owners, ends, allowed, sold, units, trial)
        left = _off(rows, owners, ends, allowed, sold, bought, units, trial, slopes, bends)
        # Where f is flat to the last bit its slopes are not: they say whether the step helps.
        helps = left < off or tried < value
        if not helps and (off <= _FINE * value or damping >= _MOST_DAMPING):
            break
        damping = max(damping / _HARDER, _LEAST_DAMPING) if helps and size > _SHORT else damping * _HARDER**2
        if helps:
            v, value, off = trial, tried, left
        else:
            _off(rows, owners, ends, allowed, sold, bought, units, v, slopes, bends)
    taken, earned = trades(rows, owners, ends, allowed, v)
    return v, taken, earned, value


@njit(cache=True)
def _step(slopes: Floats, bends: Any, bought: int, v: Floats, damping: float) -> Floats:
    """Newton's, in relative prices, damped: by more where a token's trades do not answer to its price at all."""
    count = len(v)
    bent: Any = np.empty((count, count))
    for token in range(count):
        for other in range(count):
            bent[token, other] = bends[token, other] * v[token] * v[other]
    for token in range(count):
        more = damping * bent[token, token]
        if bent[token, token] <= 1e-9 * abs(slopes[token]) * v[token]:
            more += abs(slopes[token]) * v[token] + 1e-300
        bent[token, token] += more
    for token in range(count):
        bent[bought, token] = 0.0
        bent[token, bought] = 0.0
    bent[bought, bought] = 1.0
    step = np.linalg.solve(bent, -slopes * v)
    for token in range(count):
        step[token] = v[token] * min(max(step[token], 1.0 / _MOST_FACTOR - 1.0), _MOST_FACTOR - 1.0)
    return step


@njit(cache=True)
def _value(
    rows: Floats, owners: Ints, ends: Ints, allowed: NDArray[np.bool_], sold: int, units: float, v: Floats
) -> float:
    roots = np.sqrt(v)
    total = v[sold] * units
    for row in range(len(owners)):
        way = owners[row]
        token_in, token_out = ends[way, 0], ends[way, 1]
        start, end, weight = rows[row, 0], rows[row, 1], rows[row, 2]
        level = roots[token_out] / roots[token_in]
        if allowed[way] and level > start:
            reached = min(level, end)
            total += weight * (reached - start) * (v[token_out] / (start * reached) - v[token_in])
    return float(total)


@njit(cache=True)
def _off(
    rows: Floats,
    owners: Ints,
    ends: Ints,
    allowed: NDArray[np.bool_],
    sold: int,
    bought: int,
    units: float,
    v: Floats,
    slopes: Floats,
    bends: Any,
) -> float:
    """The worth of what the trades at these prices leave in the tokens or take too much; fills the derivatives."""
    _derivatives(rows, owners, ends, allowed, sold, units, v, slopes, bends)
    slopes[bought] = 0.0
    return float((np.abs(slopes) * v).sum())


@njit(cache=True)
def _derivatives(
    rows: Floats,
    owners: Ints,
    ends: Ints,
    allowed: NDArray[np.bool_],
    sold: int,
    units: float,
    v: Floats,
    slopes: Floats,
    bends: Any,
) -> None:
    """The gradient is what the trades leave in each token; within a range the second derivatives are of
    -2 w sqrt(v_in v_out)."""
    roots = np.sqrt(v)
    slopes[:] = 0.0
    bends[:] = 0.0
    slopes[sold] = units
    for row in range(len(owners)):
        way = owners[row]
        token_in, token_out = ends[way, 0], ends[way, 1]
        start, end, weight = rows[row, 0], rows[row, 1], rows[row, 2]
        level = roots[token_out] / roots[token_in]
        if not allowed[way] or level <= start:
            continue
        reached = min(level, end)
        slopes[token_in] -= weight * (reached - start)
        slopes[token_out] += weight * (reached - start) / (start * reached)
        if level < end:
            half = 0.5 * weight
            bends[token_in, token_in] += half * level / v[token_in]
            bends[token_out, token_out] += half / (level * v[token_out])
            across = half / (roots[token_in] * roots[token_out])
            bends[token_in, token_out] -= across
            bends[token_out, token_in] -= across


@njit(cache=True)
def trades(rows: Floats, owners: Ints, ends: Ints, allowed: NDArray[np.bool_], v: Floats) -> tuple[Floats, Floats]:
    """Input of each direction at these prices, and what it earns, in the token bought."""
    taken, earned = np.zeros(len(ends)), np.zeros(len(ends))
    for row in range(len(owners)):
        way = owners[row]
        token_in, token_out = ends[way, 0], ends[way, 1]
        start, end, weight = rows[row, 0], rows[row, 1], rows[row, 2]
        level = np.sqrt(v[token_out] / v[token_in])
        if allowed[way] and level > start:
            reached = min(level, end)
            taken[way] += weight * (reached - start)
            earned[way] += weight * (reached - start) * (v[token_out] / (start * reached) - v[token_in])
    return taken, earned
