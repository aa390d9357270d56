"""How an exact-in order is split over the pools of one pair, and when the result is too poor to be traded.

Maximise sum_k out_k(x_k) subject to sum_k x_k = X. Each out_k is concave, so at the optimum every used pool ends at
the same marginal price, and unused pools start below it. Write s = 1 / sqrt(marginal price) for a pool's *level*: it
rises as the pool is sold into, and within one liquidity range the input is linear in it, x = x_i + L_i / sqrt(1 - fee)
* (s - s_i). So the common level is where a sum of piecewise linear functions reaches X: a bisection over all
breakpoints, one division. A Uniswap V2 pair is one such range, from its reserves to the most that it can book.

The search for the level uses floats; every amount that leaves this module is an exact integer quote.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from simulations.pools.uniswap_v2 import PairQuote, PairSide, pair_side
from simulations.pools.uniswap_v3 import PoolQuote, Side, side
from simulations.pools.uniswap_v3_math import ONE_PIPS, Q96
from strongroom.model import Address, Leg, PairState, PoolState, Route, Swap, Token
from strongroom.valuation import BPS, Price, floor_units_up

State = PoolState | PairState
AnySide = Side | PairSide
AnyQuote = PoolQuote | PairQuote

MAX_POOLS = 8
"""Subsets of pools are enumerated; two tokens have one pool a fee tier and one pair."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a swap must satisfy: `slippage_bps` is how much less than the quote is accepted, `loss_bps` how much less
    than the oracles' value; each pool after the first costs `leg_cost_units` of the token out in gas."""

    price_in: Price
    price_out: Price
    slippage_bps: int
    loss_bps: int
    leg_cost_units: int = 0


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Why a swap is not routed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """One pool's share of a split."""

    pool: State
    side: AnySide
    quote: AnyQuote


@dataclass(frozen=True, slots=True)
class Split:
    """An order over pools. No other split over the pools it was sought in gives more than `units_out + gap_units`, up
    to the pools' own rounding: at most one unit of input and one of output a crossed step."""

    parts: tuple[Part, ...]
    units_out: int
    gap_units: int


def route(intent: Swap, token_in: Token, token_out: Token, pools: Sequence[State], terms: Terms) -> Route | NoRoute:
    """The best split of `intent` over `pools`, each leg with the least it accepts:

    min_out = max(ceil(quote * (1 - slippage)), oracle floor), the floor rounded up from the high price of what is
    spent and the low price of what is received. Each leg must reach its own floor, since each is executed and judged
    alone; a pool that cannot is left out. `NoRoute` when none can, or the pools cannot take the order.
    """
    units, sides = intent.amount_in_units.value, [(pool, side_of(pool, token_in.address)) for pool in pools]
    found = best_split(sides, units, terms.leg_cost_units)
    if found is None:
        return NoRoute(f"the pools of `{token_in.id}` and `{token_out.id}` cannot take `{units}` units; swap less")
    legs = [_leg(part, token_in, token_out, terms) for part in found.parts]
    poor = [leg for leg in legs if leg.quoted_out_units < leg.min_out_units]
    if poor:
        return _without(poor[0], intent, token_in, token_out, pools, terms)
    return Route(token_in.id, token_out.id, units, sum(leg.min_out_units for leg in legs), tuple(legs))


def side_of(pool: State, token_in: Address) -> AnySide:
    """The direction that sells `token_in`. Raises `ValueError` when the pool does not hold that token."""
    return pair_side(pool, token_in) if isinstance(pool, PairState) else side(pool, token_in)


def _without(
    poor: Leg, intent: Swap, token_in: Token, token_out: Token, pools: Sequence[State], terms: Terms
) -> Route | NoRoute:
    """The route over the other pools, or why the poor leg's pool leaves none."""
    others = [pool for pool in pools if pool.pool != poor.pool]
    found = route(intent, token_in, token_out, others, terms) if others else None
    if isinstance(found, Route):
        return found
    return NoRoute(
        f"pool `{poor.pool}` gives `{poor.quoted_out_units}` for `{poor.amount_in_units}`, below the oracle floor "
        f"`{poor.min_out_units}`; swap less, or wait"
    )


def _leg(part: Part, token_in: Token, token_out: Token, terms: Terms) -> Leg:
    units_in, units_out = part.quote.units_in, part.quote.units_out
    floor = floor_units_up(
        units_in, token_in.decimals, terms.price_in, token_out.decimals, terms.price_out, terms.loss_bps
    )
    accepted = -(-units_out * (BPS - terms.slippage_bps) // BPS)
    return Leg(part.pool.pool, part.side.fee_pips, units_in, units_out, max(accepted, floor))


def best_split(pools: Sequence[tuple[State, AnySide]], units: int, leg_cost_units: int = 0) -> Split | None:
    """The split of exactly `units` (> 0) that gives most, less `leg_cost_units` for each pool after the first; `None`
    when the pools cannot take the order. Tries every subset of at most `MAX_POOLS` pools; raises `ValueError` on
    more."""
    if len(pools) > MAX_POOLS:
        raise ValueError(f"`{len(pools)}` pools for one pair; give at most `{MAX_POOLS}`")
    subsets = (subset for size in range(1, len(pools) + 1) for subset in combinations(pools, size))
    splits = (found for subset in subsets if (found := split(subset, units)) is not None)
    return max(splits, key=lambda each: each.units_out - leg_cost_units * (len(each.parts) - 1), default=None)


def split(pools: Sequence[tuple[State, AnySide]], units: int) -> Split | None:
    """The optimal split over exactly these pools, gas aside; a pool that is too dear gets nothing and no part. `None`
    when they cannot take the order, or a pair's share is so small that it would be sold for nothing."""
    sides = [each for _, each in pools]
    amounts = water_fill([curve(each) for each in sides], units)
    if amounts is None:
        return None
    quotes = [each.quote_in(amount) for each, amount in zip(sides, amounts, strict=True)]
    shares = list(zip(pools, amounts, quotes, strict=True))
    parts = tuple(Part(pool, each, quote) for (pool, each), _, quote in shares if quote is not None)
    if sum(part.quote.units_in for part in parts) != units:
        return None
    return Split(parts, sum(part.quote.units_out for part in parts), gap(sides, quotes))


@dataclass(frozen=True, slots=True)
class Curve:
    """One side's input as a piecewise linear function of its level; floats, for searching only."""

    levels: tuple[float, ...]
    taken: tuple[int, ...]
    weights: tuple[float, ...]

    def at(self, level: float) -> tuple[float, float]:
        """Input that brings the side to `level`, and its slope there."""
        row = bisect_right(self.levels, level) - 1
        if row < 0:
            return 0.0, 0.0
        # A gap, or the end: the exact integer, so that a side which is sold out is so to the last unit.
        if self.weights[row] == 0.0:
            return self.taken[row], 0.0
        return self.taken[row] + self.weights[row] * (level - self.levels[row]), self.weights[row]


def curve(side: AnySide) -> Curve:
    """Levels and weights of every row; the last row's weight is zero, since nothing is known beyond it."""
    if isinstance(side, PairSide):
        return _pair_curve(side)
    keep = sqrt(1 - side.fee_pips / ONE_PIPS)
    levels = tuple((Q96 / price if side.zero_for_one else price / Q96) / keep for price in side.prices)
    weights = (*(liquidity / keep for liquidity in side.liquidity[:-1]), 0.0)
    return Curve(levels, side.taken, weights)


def _pair_curve(side: PairSide) -> Curve:
    """One range of liquidity sqrt(in * out): s = sqrt(in / out) before anything is sold, the fee as above."""
    keep = sqrt(1 - side.fee_pips / ONE_PIPS)
    level, weight = sqrt(side.reserve_in / side.reserve_out) / keep, sqrt(side.reserve_in * side.reserve_out) / keep
    return Curve((level, level + side.most_in / weight), (0, side.most_in), (weight, 0.0))


def water_fill(curves: Sequence[Curve], units: int) -> list[int] | None:
    """Integer inputs that sum to `units` and bring all used curves to one level; `None` when they cannot take so
    much."""
    if units <= 0 or sum(each.taken[-1] for each in curves) < units:
        return None
    breaks = sorted(level for each in curves for level in each.levels)
    below = bisect_right(breaks, float(units), key=lambda level: _total(curves, level))
    amounts, slopes = _reached(curves, breaks[below - 1])
    rest, slope = units - sum(amounts), sum(slopes)
    # Shared by slope, not evaluated at the level found: an order may be too small to move a float level at all.
    share = rest / slope if slope else 0.0
    shared = [amount + share * each if each else amount for amount, each in zip(amounts, slopes, strict=True)]
    return _whole(curves, shared, units)


def _reached(curves: Sequence[Curve], level: float) -> tuple[list[float], list[float]]:
    pairs = [each.at(level) for each in curves]
    return [amount for amount, _ in pairs], [slope for _, slope in pairs]


def _total(curves: Sequence[Curve], level: float) -> float:
    return sum(_reached(curves, level)[0])


def _whole(curves: Sequence[Curve], amounts: Sequence[float], units: int) -> list[int]:
    """Rounded down, the rest to the largest that can take it: its marginal price moves least."""
    whole = [min(int(amount), each.taken[-1]) for amount, each in zip(amounts, curves, strict=True)]
    rest = units - sum(whole)
    able = [place for place, each in enumerate(curves) if whole[place] + rest <= each.taken[-1]]
    if able:
        whole[max(able, key=lambda place: whole[place])] += rest
    return whole


def gap(sides: Sequence[AnySide], quotes: Sequence[AnyQuote | None]) -> int:
    """How much any other split of the same order could give beyond `quotes` (`None` for a side left out), rounded up:
    out* - out <= sum_k x_k max(0, m - m_k), with m_k the marginal prices where each side ends, since each is concave,
    and m the best of those that can take more."""
    ends = [(side, quote, _marginal(side, quote)) for side, quote in zip(sides, quotes, strict=True)]
    open_ends = (marginal for side, quote, marginal in ends if quote is None or quote.units_in < _most_in(side))
    best = max(open_ends, default=0)
    lost = sum(quote.units_in * max(best - marginal, 0) for _, quote, marginal in ends if quote)
    return -(-lost >> _SCALE_BITS)


def _most_in(side: AnySide) -> int:
    return side.most_in if isinstance(side, PairSide) else side.taken[-1]


_SCALE_BITS = 192


def _marginal(side: AnySide, quote: AnyQuote | None) -> int:
    """Output per further unit of input after the fee, where the quote leaves the side, scaled by 2^192."""
    if isinstance(side, PairSide):
        return side.marginal(quote.units_in if quote else 0, 1 << _SCALE_BITS)
    price = quote.sqrt_price_after_x96 if isinstance(quote, PoolQuote) else side.prices[0]
    squared = price * price if side.zero_for_one else (1 << 2 * _SCALE_BITS) // (price * price)
    return squared * (ONE_PIPS - side.fee_pips) // ONE_PIPS
