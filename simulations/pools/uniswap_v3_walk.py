"""Exact quotes of one order each by the pool's own loop, step by step: no table, so that a single quote costs only the
steps it crosses. Equal to `uniswap_v3.Side` wei for wei, and written apart from it, so that each checks the other.
"""

from __future__ import annotations

from simulations.pools.uniswap_v3 import PoolQuote
from simulations.pools.uniswap_v3_math import step_of_input, step_of_output
from simulations.pools.uniswap_v3_steps import TickPool, steps


def walk_in(pool: TickPool, zero_for_one: bool, fee_pips: int, units: int) -> PoolQuote | None:
    """What exactly `units` (> 0) of input give at a fee in 1/1,000,000, below the whole, or `None` when the known pool
    cannot take them all."""
    price, liquidity, left, given = pool.sqrt_price_x96, pool.liquidity, units, 0
    for target, net in steps(pool, zero_for_one):
        if left <= 0:
            break
        step = step_of_input(price, target, liquidity, left, fee_pips)
        price, liquidity, left, given = step.price, liquidity + net, left - step.taken, given + step.given
    return PoolQuote(units, given, price) if left == 0 < units else None


def walk_out(pool: TickPool, zero_for_one: bool, fee_pips: int, units: int) -> PoolQuote | None:
    """What exactly `units` (> 0) of output cost at a fee in 1/1,000,000, below the whole, or `None` when the known pool
    does not hold them."""
    price, liquidity, left, taken = pool.sqrt_price_x96, pool.liquidity, units, 0
    for target, net in steps(pool, zero_for_one):
        if left <= 0:
            break
        step = step_of_output(price, target, liquidity, left, fee_pips)
        price, liquidity, left, taken = step.price, liquidity + net, left - step.given, taken + step.taken
    return PoolQuote(taken, units, price) if left == 0 < units else None
