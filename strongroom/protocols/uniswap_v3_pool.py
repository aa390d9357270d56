"""How a `PoolState` is read at one pinned block: first the pool itself, then the ticks around its price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.model import Address, PoolState
from strongroom.ports import Read
from strongroom.protocols.uniswap_v3 import (
    MAX_TICK,
    MIN_TICK,
    bitmap_words,
    read_fee_pips,
    read_liquidity,
    read_populated_ticks,
    read_slot0,
    read_tick_spacing,
    read_token0,
    read_token1,
)

SPAN_TICKS = 20_000
"""How far around the price ticks are read unless told otherwise: a factor of 7.4 in price to either side."""


@dataclass(frozen=True, slots=True)
class PoolHead:
    """What a pool says of itself, before its ticks are known."""

    pool: Address
    token0: Address
    token1: Address
    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int


def head_reads(pool: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `head_from` takes."""
    return (
        read_token0(pool),
        read_token1(pool),
        read_fee_pips(pool),
        read_tick_spacing(pool),
        read_slot0(pool),
        read_liquidity(pool),
    )


def head_from(pool: Address, values: Sequence[Any]) -> PoolHead | None:
    """The head from what `head_reads` gave, or `None` when a read failed or the pool was never given a price."""
    if any(value is None for value in values):
        return None
    token0, token1, fee_pips, spacing, (price, tick), liquidity = values
    return PoolHead(pool, token0, token1, fee_pips, spacing, price, tick, liquidity) if price else None


def tick_reads(lens: Address, head: PoolHead, span_ticks: int = SPAN_TICKS) -> tuple[Read[Any], ...]:
    """`TickLens` reads of every bitmap word within `span_ticks` of the price, at the same block as the head's."""
    return tuple(read_populated_ticks(lens, head.pool, word) for word in _words(head, span_ticks))


def state_from(head: PoolHead, values: Sequence[Any], span_ticks: int = SPAN_TICKS) -> PoolState | None:
    """The state from what `tick_reads` gave with the same span, or `None` when a read failed."""
    if any(value is None for value in values):
        return None
    words, width = _words(head, span_ticks), 256 * head.tick_spacing
    return PoolState(
        head.pool,
        head.token0,
        head.token1,
        head.fee_pips,
        head.tick_spacing,
        head.sqrt_price_x96,
        head.tick,
        head.liquidity,
        tuple(tick for word in values for tick in word),
        max(words.start * width, MIN_TICK),
        min(words.stop * width - head.tick_spacing, MAX_TICK),
    )


def _words(head: PoolHead, span_ticks: int) -> range:
    width, possible = 256 * head.tick_spacing, bitmap_words(head.tick_spacing)
    first, last = (head.tick - span_ticks) // width, (head.tick + span_ticks) // width
    return range(max(first, possible.start), min(last + 1, possible.stop))
