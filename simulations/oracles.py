"""What an oracle's price is good for: how sure it is, and whether a trade moves the very price that it relies on.

Whether each source may be believed at all (stale, zero or negative, incomplete, carried over, future-dated, too far
apart) is `strongroom.valuation.price`, which planner, policy and simulations share. Here a price gets its confidence,
and a pool's time-weighted average (TWAP) its arithmetic. Source: Uniswap v3 core, `Oracle.sol`, `OracleLibrary.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.model import Round
from strongroom.valuation import BPS, Bounds, Price, Problem, price

BLOCK_SECONDS = 12
HORIZONS = (1, 2, 5, 25)
"""Blocks for which a moved pool may stay moved before somebody trades it back."""
_TICK = 1.0001


@dataclass(frozen=True, slots=True)
class Confident:
    """A price and how sure it is. `spread_bps` lies between the sources, `age_seconds` is the oldest's, and `drift_bps`
    is how far the market may have gone since, one standard deviation at the volatility given."""

    price: Price
    spread_bps: int
    age_seconds: int
    drift_bps: float


def confidence(rounds: Sequence[Round], at: int, bounds: Bounds, daily_volatility: float) -> Confident | Problem:
    """The price of `rounds` at time `at` (Unix seconds), or why there is none. `daily_volatility` (>= 0) is a share:
    0.03 for 3 % a day."""
    if not 0 <= daily_volatility < float("inf"):
        raise ValueError(f"`{daily_volatility}` is no volatility")
    found = price(tuple(rounds), at, bounds)
    if isinstance(found, Problem):
        return found
    age = at - min(round_.updated_at for round_ in rounds)
    spread = -(-(found.high_e8 - found.low_e8) * BPS // found.low_e8)
    return Confident(found, spread, age, daily_volatility * (age / 86_400) ** 0.5 * BPS)


def average_tick(cumulative_then: int, cumulative_now: int, seconds: int) -> int:
    """The mean tick of a window of `seconds` (> 0) by the pool's accumulator, rounded towards minus infinity, as
    `OracleLibrary.consult` does."""
    if seconds <= 0:
        raise ValueError(f"a window of `{seconds}` s has no average")
    return (cumulative_now - cumulative_then) // seconds


@dataclass(frozen=True, slots=True)
class Moved:
    """The average that an oracle would show `blocks` after a trade, if nobody trades back."""

    blocks: int
    tick: int
    bps: float


def moved_average(cumulative_start: int, cumulative_now: int, window: int, tick_after: int, passed: int) -> int:
    """The mean tick over the last `window` seconds, `passed` seconds after a trade that left the pool at `tick_after`.
    `cumulative_now` is the accumulator at the trade, `cumulative_start` where the later window begins, which is
    `window - passed` seconds before the trade."""
    if passed >= window:
        return tick_after
    return (cumulative_now - cumulative_start + passed * tick_after) // window


def moves_its_oracle(average: int, tick_after: int, window: int) -> tuple[Moved, ...]:
    """Of a pool that has stood at `average` for all of `window` seconds: what its TWAP shows after a trade to
    `tick_after`, at each of `HORIZONS`, and by how much that is off, in 1/10,000 of the price."""
    return tuple(_moved(average, tick_after, window, blocks) for blocks in HORIZONS)


def _moved(average: int, tick_after: int, window: int, blocks: int) -> Moved:
    passed = blocks * BLOCK_SECONDS
    tick = moved_average(0, average * max(window - passed, 0), window, tick_after, passed)
    return Moved(blocks, tick, (_TICK ** (tick - average) - 1) * BPS)
