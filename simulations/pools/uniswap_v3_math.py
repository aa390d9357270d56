"""Price and amount arithmetic of Uniswap V3 and V4 in plain integers, rounded where and as the pools round.

Prices are square roots of token1 per token0 in smallest units, as Q64.96. Source: Uniswap v3 Core paper, section 6;
v3-core and v4-core `TickMath`, `SqrtPriceMath`, `SwapMath`.
"""

from __future__ import annotations

from typing import NamedTuple

Q96 = 1 << 96
MIN_SQRT_PRICE_X96 = 4295128739
MAX_SQRT_PRICE_X96 = 1461446703485210103287273052203988822378723970342
"""The square root prices at the lowest and the highest tick; the pool stops one short of each."""
ONE_PIPS = 1_000_000
MAX_UINT256 = (1 << 256) - 1


def amount0(price_a: int, price_b: int, liquidity: int, up: bool) -> int:
    """Token0 between two prices: liquidity * (1/sqrt(low) - 1/sqrt(high)), rounded up or down."""
    low, high = (price_a, price_b) if price_a < price_b else (price_b, price_a)
    numerator = (liquidity << 96) * (high - low)
    # The pool divides twice; for whole numbers that rounds like one division.
    return -(-numerator // (high * low)) if up else numerator // (high * low)


def amount1(price_a: int, price_b: int, liquidity: int, up: bool) -> int:
    """Token1 between two prices: liquidity * (sqrt(high) - sqrt(low)), rounded up or down."""
    product = liquidity * abs(price_b - price_a)
    return -(-product >> 96) if up else product >> 96


def price_after_input(price: int, liquidity: int, units: int, zero_for_one: bool) -> int:
    """The price after `units` of input without fee, rounded so that it never passes the exact one. Liquidity > 0."""
    if not zero_for_one:
        return price + (units << 96) // liquidity
    numerator = liquidity << 96
    divisor = numerator + units * price
    if divisor > MAX_UINT256:
        # The pool's coarser form, for what its words cannot hold; only steps that are very wide get here.
        return -(-numerator // (numerator // price + units))
    return -(-numerator * price // divisor)


def price_after_output(price: int, liquidity: int, units: int, zero_for_one: bool) -> int:
    """The price after `units` of output, rounded so that it passes the exact one. Liquidity > 0; `units` must be less
    than the range holds."""
    if zero_for_one:
        return price + (-(units << 96) // liquidity)
    numerator = liquidity << 96
    return -(-numerator * price // (numerator - units * price))


def fee_on_top(net_units: int, fee_pips: int) -> int:
    """The fee that a net input pays, rounded up: net * fee / (1 - fee)."""
    return -(-net_units * fee_pips // (ONE_PIPS - fee_pips))


class Step(NamedTuple):
    """What one step of a swap takes (fee included) and gives, and the price at which it ends."""

    taken: int
    given: int
    price: int


def step_of_input(price: int, target: int, liquidity: int, units: int, fee_pips: int) -> Step:
    """The step from `price` toward `target` when `units` of input are left, fee included (`computeSwapStep`)."""
    zero_for_one = price >= target
    delta_in, delta_out = (amount0, amount1) if zero_for_one else (amount1, amount0)
    net, most = units * (ONE_PIPS - fee_pips) // ONE_PIPS, delta_in(price, target, liquidity, up=True)
    if net >= most:
        return Step(most + fee_on_top(most, fee_pips), delta_out(price, target, liquidity, up=False), target)
    after = price_after_input(price, liquidity, net, zero_for_one)
    return Step(units, delta_out(price, after, liquidity, up=False), after)


def step_of_output(price: int, target: int, liquidity: int, units: int, fee_pips: int) -> Step:
    """The step from `price` toward `target` when `units` of output are still wanted (`computeSwapStep`)."""
    zero_for_one = price >= target
    delta_in, delta_out = (amount0, amount1) if zero_for_one else (amount1, amount0)
    given, after = delta_out(price, target, liquidity, up=False), target
    if units < given:
        given, after = units, price_after_output(price, liquidity, units, zero_for_one)
    net = delta_in(price, after, liquidity, up=True)
    return Step(net + fee_on_top(net, fee_pips), given, after)
