"""Exact quotes of a Uniswap V3 pool from its frozen state, wei for wei with the deployed quoter.

What a fully crossed price range takes and gives does not depend on the order. So one direction of a pool is a table of
cumulative amounts per step, and a quote is a bisection and one partial step. For a single quote of a pool
`uniswap_v3_walk` is faster: it makes no table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from simulations.pools.uniswap_v3_math import (
    MAX_UINT256,
    ONE_PIPS,
    amount0,
    amount1,
    fee_on_top,
    price_after_input,
    price_after_output,
)
from simulations.pools.uniswap_v3_steps import TickPool, steps
from strongroom.model import Address, PoolState


class PoolQuote(NamedTuple):
    """What an order takes and gives, fee included, and the square root price (Q64.96) it leaves."""

    units_in: int
    units_out: int
    sqrt_price_after_x96: int


# A NamedTuple's own constructor is a Python function; it would be a fifth of a quote.
_quote = tuple.__new__

_Step = tuple[int, int, int, int, int, PoolQuote]
"""Input, output and price before the step, its liquidity, that times 2^96, and the quote that ends with it."""


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
    _steps: tuple[_Step | None, ...] = field(init=False, repr=False, compare=False)
    """The steps, with `None` before the first and after the last: what `bisect_left` finds for an amount."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steps", (None, *self._joined(), None))

    def _joined(self) -> Iterator[_Step]:
        ends = map(PoolQuote, self.taken[1:], self.given[1:], self.prices[1:])
        starts = zip(self.taken, self.given, self.prices, self.liquidity, strict=True)
        for (taken, given, price, liquidity), end in zip(starts, ends, strict=False):
            yield taken, given, price, liquidity, liquidity << 96, end

    def quote_in(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of input give, or `None` when the known pool cannot take them all."""
        step = self._steps[bisect_left(self.taken, units)]
        if step is None:
            return None
        taken, given, price, liquidity, scaled, end = step
        if units == end[0]:
            return end
        net = (units - taken) * (ONE_PIPS - self.fee_pips) // ONE_PIPS
        # The arithmetic of `uniswap_v3_math` in place: calls would double the time.
        if self.zero_for_one:
            divisor = scaled + net * price
            fits = divisor <= MAX_UINT256
            after = -(-scaled * price // divisor) if fits else price_after_input(price, liquidity, net, True)
            return _quote(PoolQuote, (units, given + (liquidity * (price - after) >> 96), after))
        after = price + (net << 96) // liquidity
        return _quote(PoolQuote, (units, given + scaled * (after - price) // (after * price), after))

    def quote_out(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of output cost, or `None` when the known pool does not hold them."""
        step = self._steps[bisect_left(self.given, units)]
        if step is None:
            return None
        taken, given, price, liquidity, _, end = step
        if units == end[1]:
            return end
        after = price_after_output(price, liquidity, units - given, self.zero_for_one)
        net = (amount0 if self.zero_for_one else amount1)(price, after, liquidity, up=True)
        return PoolQuote(taken + net + fee_on_top(net, self.fee_pips), units, after)


def side(state: PoolState, token_in: Address) -> Side:
    """The direction that sells `token_in`. Raises `ValueError` when the pool does not hold that token."""
    if token_in not in (state.token0, state.token1):
        raise ValueError(f"pool `{state.pool}` does not hold `{token_in}`")
    return table(state, token_in == state.token0, state.fee_pips)


def table(pool: TickPool, zero_for_one: bool, fee_pips: int) -> Side:
    """One direction of any pool of ticks at a fee in 1/1,000,000, below the whole."""
    taken, given, prices, liquidity = zip(*_rows(pool, zero_for_one, fee_pips), strict=True)
    return Side(zero_for_one, fee_pips, taken, given, prices, liquidity)


def _rows(pool: TickPool, zero_for_one: bool, fee_pips: int) -> Iterator[tuple[int, int, int, int]]:
    taken, given, price, liquidity = 0, 0, pool.sqrt_price_x96, pool.liquidity
    yield taken, given, price, liquidity
    delta_in, delta_out = (amount0, amount1) if zero_for_one else (amount1, amount0)
    for target, net in steps(pool, zero_for_one):
        step_in = delta_in(price, target, liquidity, up=True)
        taken += step_in + fee_on_top(step_in, fee_pips)
        given += delta_out(price, target, liquidity, up=False)
        price, liquidity = target, liquidity + net
        yield taken, given, price, liquidity
