"""Exact quotes of a Uniswap V3 pool from its frozen state, wei for wei with the deployed quoter.

What a fully crossed price range takes and gives does not depend on the order. So one direction of a pool is a table of
cumulative amounts per step, and a quote is a bisection and one partial step.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simulations.pools.uniswap_v3_math import (
    MAX_SQRT_PRICE_X96,
    MIN_SQRT_PRICE_X96,
    ONE_PIPS,
    amount0,
    amount1,
    fee_on_top,
    price_after_input,
    price_after_output,
)
from strongroom.model import Address, PoolState
from strongroom.protocols.uniswap_v3 import MAX_TICK, MIN_TICK
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick


class PoolQuote(NamedTuple):
    """What an order takes and gives, fee included, and the square root price (Q64.96) it leaves."""

    units_in: int
    units_out: int
    sqrt_price_after_x96: int


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of a pool, step by step: a step ends at an initialised tick or at the end of a bitmap word.

    Row i is the state before step i: cumulative input and output, price, and the liquidity within the step. The last
    row is the end of what is known; it has no step.
    """

    zero_for_one: bool
    fee_pips: int
    taken: tuple[int, ...]
    given: tuple[int, ...]
    prices: tuple[int, ...]
    liquidity: tuple[int, ...]

    def quote_in(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of input give, or `None` when the known pool cannot take them all."""
        step = bisect_left(self.taken, units) - 1
        if units <= 0 or step + 1 == len(self.taken):
            return None
        if self.taken[step + 1] == units:
            return PoolQuote(units, self.given[step + 1], self.prices[step + 1])
        start, liquidity = self.prices[step], self.liquidity[step]
        net = (units - self.taken[step]) * (ONE_PIPS - self.fee_pips) // ONE_PIPS
        price = price_after_input(start, liquidity, net, self.zero_for_one)
        return PoolQuote(units, self.given[step] + self._out(start, price, liquidity), price)

    def quote_out(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of output cost, or `None` when the known pool does not hold them."""
        step = bisect_left(self.given, units) - 1
        if units <= 0 or step + 1 == len(self.given):
            return None
        if self.given[step + 1] == units:
            return PoolQuote(self.taken[step + 1], units, self.prices[step + 1])
        start, liquidity = self.prices[step], self.liquidity[step]
        price = price_after_output(start, liquidity, units - self.given[step], self.zero_for_one)
        net = self._in(start, price, liquidity)
        return PoolQuote(self.taken[step] + net + fee_on_top(net, self.fee_pips), units, price)

    def _out(self, start: int, end: int, liquidity: int) -> int:
        return (amount1 if self.zero_for_one else amount0)(start, end, liquidity, up=False)

    def _in(self, start: int, end: int, liquidity: int) -> int:
        return (amount0 if self.zero_for_one else amount1)(start, end, liquidity, up=True)


def side(state: PoolState, token_in: Address) -> Side:
    """The direction that sells `token_in`. Raises `ValueError` when the pool does not hold that token."""
    if token_in not in (state.token0, state.token1):
        raise ValueError(f"pool `{state.pool}` does not hold `{token_in}`")
    zero_for_one = token_in == state.token0
    rows = list(_rows(state, zero_for_one))
    taken, given, prices, liquidity = zip(*rows, strict=True)
    return Side(zero_for_one, state.fee_pips, taken, given, prices, liquidity)


def _rows(state: PoolState, zero_for_one: bool) -> Iterator[tuple[int, int, int, int]]:
    taken, given, price, liquidity = 0, 0, state.sqrt_price_x96, state.liquidity
    yield taken, given, price, liquidity
    delta_in, delta_out = (amount0, amount1) if zero_for_one else (amount1, amount0)
    for target, net in _steps(state, zero_for_one):
        step_in = delta_in(price, target, liquidity, up=True)
        taken += step_in + fee_on_top(step_in, state.fee_pips)
        given += delta_out(price, target, liquidity, up=False)
        price, liquidity = target, liquidity + net
        yield taken, given, price, liquidity


def _steps(state: PoolState, zero_for_one: bool) -> Iterator[tuple[int, int]]:
    """Price at the end of each step and the liquidity that entering the next one adds (zero at the end of a word)."""
    nets = {row.tick: row.liquidity_net for row in state.ticks}
    ordered = sorted(nets)
    tick, sign, following = state.tick, -1 if zero_for_one else 1, _next_down if zero_for_one else _next_up
    while True:
        end = following(tick, state.tick_spacing, ordered)
        if not state.known_from <= end <= state.known_to:
            return
        yield _bounded(sqrt_price_at_tick(end)), sign * nets.get(end, 0)
        if end in (MIN_TICK, MAX_TICK):
            return
        tick = end - 1 if zero_for_one else end


def _next_down(tick: int, spacing: int, initialised: list[int]) -> int:
    """The highest initialised tick at or below `tick`, or the start of the bitmap word if that comes first."""
    compressed = tick // spacing
    word_start = (compressed >> 8 << 8) * spacing
    below = bisect_right(initialised, compressed * spacing)
    return max(word_start, initialised[below - 1] if below else MIN_TICK, MIN_TICK)


def _next_up(tick: int, spacing: int, initialised: list[int]) -> int:
    """The lowest initialised tick above `tick`, or the last tick of the bitmap word if that comes first."""
    compressed = tick // spacing + 1
    word_end = (compressed >> 8 << 8 | 255) * spacing
    above = bisect_left(initialised, compressed * spacing)
    return min(word_end, initialised[above] if above < len(initialised) else MAX_TICK, MAX_TICK)


def _bounded(price: int) -> int:
    return min(max(price, MIN_SQRT_PRICE_X96 + 1), MAX_SQRT_PRICE_X96 - 1)
