"""How the market moves: the prices that a falling token passes through, and the trades that take pools to a price."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strongroom.model import Address, TokenId
from strongroom.ports import Read
from strongroom.protocols import uniswap_v2, uniswap_v3
from strongroom.world.contracts import Contracts, Feed
from strongroom.world.script import FOREVER
from strongroom.world.treasury import DECIMALS
from strongroom.world.uniswap_v3 import sqrt_price_x96

_MORE_THAN_ANY_POOL_HOLDS = 2**120

FALL_SECONDS, FALL_STEPS = 2 * 3_600, 8
"""No feed is silent for longer than a quarter of an hour."""

Trade = tuple[Address, bytes]
"""A router, and the swap to send it."""
Prices = tuple[int, ...]
"""What a token's sources answer, USD scaled by 1e8."""


def falling(
    feeds: Mapping[TokenId, tuple[Feed, ...]], prices: Mapping[TokenId, Prices], token: TokenId, bps: int
) -> Iterator[tuple[int, dict[TokenId, Prices]]]:
    """Every token's prices on the way down, and when, in seconds from the start; at the end `token`, and what shares
    its feeds, has lost `bps`, rounded down. Raises `KeyError` for a token without feeds."""
    for step in range(1, FALL_STEPS + 1):
        whole = FALL_STEPS * 10_000
        kept = whole - step * bps
        fallen = {each: tuple(price * kept // whole for price in prices[each]) for each in _sharing(feeds, token)}
        yield step * FALL_SECONDS // FALL_STEPS, {**prices, **fallen}


def _sharing(feeds: Mapping[TokenId, tuple[Feed, ...]], token: TokenId) -> list[TokenId]:
    return [each for each in feeds if feeds[each] == feeds[token]]


def reads(contracts: Contracts) -> list[Read[Any]]:
    """What `trades` needs to know: where each pool and each pair stands."""
    pools = (uniswap_v3.read_slot0(pool.address) for pool in contracts.pools)
    return [*pools, *(uniswap_v2.read_reserves(pair.address) for pair in contracts.pairs)]


def trades(
    contracts: Contracts, values: Sequence[Any], prices: Mapping[TokenId, Prices], trader: Address
) -> Iterator[Trade]:
    """For each pool that stands elsewhere, the swap that ends at the ratio of the two tokens' first prices: exactly in
    Uniswap V3, within a unit of input in Uniswap V2. `values` are those of `reads`."""
    count, usd_e8 = len(contracts.pools), {token: first for token, (first, *_) in prices.items()}
    for pool, (price_x96, _) in zip(contracts.pools, values[:count], strict=True):
        low, high = _ordered(contracts, pool.pair)
        target = sqrt_price_x96(usd_e8[low], usd_e8[high], DECIMALS[low], DECIMALS[high])
        if target != price_x96:
            sold = _sold_first(contracts, low, high, target < price_x96)
            yield contracts.swap_router, uniswap_v3.encode_exact_input(_swap(sold, pool.fee_pips, target, trader))
    for pair, (reserve0, reserve1) in zip(contracts.pairs, values[count:], strict=True):
        low, high = _ordered(contracts, pair.pair)
        zero_for_one, units = _to_ratio(reserve0, reserve1, _value(low, usd_e8), _value(high, usd_e8))
        if units:
            swap = uniswap_v2.PairSwap(*_sold_first(contracts, low, high, zero_for_one), trader, FOREVER, units, 0)
            yield contracts.pair_router, uniswap_v2.encode_swap(swap)


def _ordered(contracts: Contracts, pair: tuple[TokenId, TokenId]) -> tuple[TokenId, TokenId]:
    low, high = sorted(pair, key=lambda token: int(contracts.tokens[token], 16))
    return low, high


def _sold_first(contracts: Contracts, low: TokenId, high: TokenId, zero_for_one: bool) -> tuple[Address, Address]:
    pair = contracts.tokens[low], contracts.tokens[high]
    return pair if zero_for_one else pair[::-1]


def _swap(pair: tuple[Address, Address], fee_pips: int, target_x96: int, trader: Address) -> uniswap_v3.ExactInput:
    """The price limit, not the amount, ends the swap."""
    return uniswap_v3.ExactInput(*pair, fee_pips, trader, FOREVER, _MORE_THAN_ANY_POOL_HOLDS, 0, target_x96)


def _value(token: TokenId, usd_e8: Mapping[TokenId, int]) -> int:
    """One unit's value, in 1e-26 USD so that no decimals are lost."""
    scale: int = 10 ** (18 - DECIMALS[token])
    return usd_e8[token] * scale


def _to_ratio(reserve0: int, reserve1: int, value0: int, value1: int) -> tuple[bool, int]:
    """Which way to sell, and how much, so that both reserves are worth the same afterwards. An input of x leaves
    in + x and 1000 in out / (1000 in + 997 x), so that (in + x)(1000 in + 997 x) = 1000 in out value_out / value_in."""
    zero_for_one = reserve0 * value0 < reserve1 * value1
    into, out, value, other = (
        (reserve0, reserve1, value0, value1) if zero_for_one else (reserve1, reserve0, value1, value0)
    )
    goal = 1000 * reserve0 * reserve1 * other // value
    root = math.isqrt((1997 * into) ** 2 - 4 * 997 * (1000 * into * into - goal))
    units = max(0, (root - 1997 * into) // (2 * 997))
    # The pair refuses to give nothing.
    buys = 997 * units * out // (1000 * into + 997 * units)
    return zero_for_one, units if buys else 0
