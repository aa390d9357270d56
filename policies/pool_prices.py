"""What the pools say at the pinned block, exactly: prices before a trade, what they trade with, how far they stand from
their own average.

Source: Uniswap v3 Core paper, section 6; v2-core `UniswapV2Pair.sol`.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from policies.terms import PolicyDocument
from strongroom.model import Address, Facts, PairState, PoolState, TokenId
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick
from strongroom.valuation import BPS

Market = PoolState | PairState
_Q96, _Q192 = 1 << 96, 1 << 192
_PIPS = 1_000_000


def market_at(pool: Address, facts: Facts) -> Market | None:
    """The pool or pair as observed, or `None` when it did not answer."""
    markets: tuple[Market, ...] = (*facts.pools, *facts.pairs)
    return next((each for each in markets if each.pool == pool), None)


def spot_out(units_in: int, token_in: TokenId, market: Market, document: PolicyDocument, fee_pips: int) -> Fraction:
    """Units out, not rounded, that `units_in` would bring at the pool's price before the trade, its fee taken out."""
    zero, one = _weights(market)
    price = Fraction(one, zero) if _is_token0(token_in, market, document) else Fraction(zero, one)
    return units_in * price * (_PIPS - fee_pips) / _PIPS


def depth_units_down(token_in: TokenId, market: Market, document: PolicyDocument) -> int:
    """Units of `token_in` that the pool trades with at its price, rounded down: a pair's reserve, or the virtual
    reserve of a pool's liquidity in range, liquidity / sqrt(price) of token0 and liquidity * sqrt(price) of token1."""
    zero = _is_token0(token_in, market, document)
    if isinstance(market, PairState):
        return market.reserve0_units if zero else market.reserve1_units
    return (
        market.liquidity * _Q96 // market.sqrt_price_x96 if zero else market.liquidity * market.sqrt_price_x96 // _Q96
    )


def apart_bps_up(pool: PoolState, mean_tick: int) -> int:
    """How far the pool's price stands from that of its mean tick, in 1/10,000 of the lower, rounded up: the same
    whichever token is token0."""
    ends = pool.sqrt_price_x96, sqrt_price_at_tick(mean_tick)
    low, high = min(ends) ** 2, max(ends) ** 2
    return -(-(high - low) * BPS // low)


def pair_apart_bps_up(pair: PairState, mean_tick: int) -> int:
    """The same for a pair and the mean tick of a pool of the same two tokens: in both, token0 has the lower address.
    Raises `ValueError` for an empty pair, which has no price."""
    if not pair.reserve0_units or not pair.reserve1_units:
        raise ValueError(f"`{pair.pool}` is empty")
    ends = Fraction(pair.reserve1_units, pair.reserve0_units), Fraction(sqrt_price_at_tick(mean_tick) ** 2, _Q192)
    return ceil((max(ends) / min(ends) - 1) * BPS)


def _weights(market: Market) -> tuple[int, int]:
    """So much of token0 is worth so much of token1."""
    if isinstance(market, PairState):
        return market.reserve0_units, market.reserve1_units
    return _Q192, market.sqrt_price_x96**2


def _is_token0(token: TokenId, market: Market, document: PolicyDocument) -> bool:
    """Raises `ValueError` where the pool as observed does not trade the token."""
    address = document.tokens[token].token.address
    if address not in (market.token0, market.token1):
        raise ValueError(f"`{market.pool}` does not trade {token}")
    return address == market.token0
