"""The price at a tick, and the mean tick that a pool remembers. Source: v3-core `TickMath`, `UniswapV3Pool.observe`."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

from strongroom.model import Address, PoolAverage
from strongroom.ports import Read
from strongroom.protocols.abi import view

_MAX_TICK = 887272


@cache
def _powers() -> tuple[int, ...]:
    """1.0001^(-2^i / 2) as Q128, rounded to nearest, for each bit i of a tick."""
    with localcontext() as context:
        context.prec = 120
        power = (Decimal(10000) / Decimal(10001)).sqrt()
        powers = []
        for _ in range(20):
            powers.append(int((power * (1 << 128)).to_integral_value()))
            power *= power
    return tuple(powers)


def sqrt_price_at_tick(tick: int) -> int:
    """Q64.96 square root of 1.0001^tick, rounded up from the pool's own Q128 product. Raises `ValueError` outside
    -887272..887272."""
    if abs(tick) > _MAX_TICK:
        raise ValueError(f"tick `{tick}` is outside -{_MAX_TICK}..{_MAX_TICK}")
    ratio = 1 << 128
    for bit, power in enumerate(_powers()):
        if abs(tick) >> bit & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return -(-ratio >> 32)


def average_read(pool: Address, over_seconds: int) -> Read[PoolAverage]:
    """The pool's mean tick from `over_seconds` ago until now, rounded toward negative infinity as Uniswap's
    `OracleLibrary` does; reverts where the pool does not remember so far back."""
    returns = ["int56[]", "uint160[]"]
    return view(
        pool, "observe(uint32[])", returns, lambda ticks, _: _mean(pool, over_seconds, ticks), [[over_seconds, 0]]
    )


def _mean(pool: Address, over_seconds: int, ticks: tuple[int, int]) -> PoolAverage:
    # The pool counts in 56 bits and lets them run over.
    moved = (ticks[1] - ticks[0] + (1 << 55)) % (1 << 56) - (1 << 55)
    return PoolAverage(pool, over_seconds, moved // over_seconds)
