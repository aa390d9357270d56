"""The path of a swap through ticks: where each step of the pool's own loop ends, and what entering the next one adds.

Uniswap V3 and V4 share it: v3-core `UniswapV3Pool.swap` and `TickBitmap`, v4-core `Pool.swap` and `TickBitmap`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Protocol

from simulations.pools.uniswap_v3_math import MAX_SQRT_PRICE_X96, MIN_SQRT_PRICE_X96
from strongroom.model import PopulatedTick
from strongroom.protocols.uniswap_v3 import MAX_TICK, MIN_TICK
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

_tick_of = attrgetter("tick")


class TickPool(Protocol):
    """What a swap reads of a pool. `ticks` are the initialised ones from `known_from` to `known_to`, ascending."""

    @property
    def tick_spacing(self) -> int: ...
    @property
    def sqrt_price_x96(self) -> int: ...
    @property
    def tick(self) -> int: ...
    @property
    def liquidity(self) -> int: ...
    @property
    def ticks(self) -> tuple[PopulatedTick, ...]: ...
    @property
    def known_from(self) -> int: ...
    @property
    def known_to(self) -> int: ...


def steps(pool: TickPool, zero_for_one: bool) -> Iterator[tuple[int, int]]:
    """Price (Q64.96) at the end of each step, outward from the pool's own, and the liquidity that entering the next one
    adds: zero at the end of a bitmap word. Ends where the known ticks or the protocol's prices end."""
    return _downward(pool) if zero_for_one else _upward(pool)


def _downward(pool: TickPool) -> Iterator[tuple[int, int]]:
    tick, ahead = pool.tick, bisect_right(pool.ticks, pool.tick, key=_tick_of) - 1
    while tick >= MIN_TICK:
        word_start = (tick // pool.tick_spacing >> 8 << 8) * pool.tick_spacing
        met = pool.ticks[ahead] if ahead >= 0 and pool.ticks[ahead].tick >= word_start else None
        end = met.tick if met else max(word_start, MIN_TICK)
        if end < pool.known_from:
            return
        yield max(sqrt_price_at_tick(end), MIN_SQRT_PRICE_X96 + 1), -met.liquidity_net if met else 0
        tick, ahead = end - 1, ahead - bool(met)


def _upward(pool: TickPool) -> Iterator[tuple[int, int]]:
    tick, ahead = pool.tick, bisect_right(pool.ticks, pool.tick, key=_tick_of)
    while tick < MAX_TICK:
        word_end = (tick // pool.tick_spacing + 1 >> 8 << 8 | 255) * pool.tick_spacing
        met = pool.ticks[ahead] if ahead < len(pool.ticks) and pool.ticks[ahead].tick <= word_end else None
        end = met.tick if met else min(word_end, MAX_TICK)
        if end > pool.known_to:
            return
        yield min(sqrt_price_at_tick(end), MAX_SQRT_PRICE_X96 - 1), met.liquidity_net if met else 0
        tick, ahead = end, ahead + bool(met)
