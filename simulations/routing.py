"""How an exact-in order is split over the pools of one pair, and when the result is too poor to be traded.

Maximise sum_k out_k(x_k) subject to sum_k x_k = X. Each out_k is concave, so at the optimum every used pool ends at
the same marginal price, and unused pools start below it: `water_filling` finds that level, `optimality` proves it. Gas
for each further pool makes the choice of pools discrete: every subset of a few pools is tried, of many the one that
earns its gas least is left out while that helps.

The search for the level uses floats; every amount that leaves this module is an exact integer quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, compress

from simulations.optimality import AnyQuote, gap, surplus
from simulations.pools.uniswap_v2 import pair_side
from simulations.pools.uniswap_v3 import side
from simulations.water_filling import AnySide, curve, water_fill
from strongroom.model import Address, Leg, PairState, PoolState, Route, Swap, Token
from strongroom.quantities import format_units
from strongroom.valuation import BPS, Price, floor_units_up

State = PoolState | PairState
Sided = tuple[State, AnySide]

MAX_POOLS = 8
"""Of so many pools every subset is tried; two tokens seldom have more, one pool a fee tier and one pair."""


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
        pair = f"`{token_in.id}` and `{token_out.id}`"
        return NoRoute(f"the pools of {pair} cannot take `{_said(units, token_in)}`; swap less")
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
    gives, least = _said(poor.quoted_out_units, token_out), _said(poor.min_out_units, token_out)
    return NoRoute(
        f"pool `{poor.pool}` gives `{gives}` for `{_said(poor.amount_in_units, token_in)}`, below the oracle floor "
        f"`{least}`; swap less, or wait"
    )


def _said(units: int, token: Token) -> str:
    return f"{format_units(units, token.decimals)} {token.id}"


def _leg(part: Part, token_in: Token, token_out: Token, terms: Terms) -> Leg:
    units_in, units_out = part.quote.units_in, part.quote.units_out
    floor = floor_units_up(
        units_in, token_in.decimals, terms.price_in, token_out.decimals, terms.price_out, terms.loss_bps
    )
    accepted = -(-units_out * (BPS - terms.slippage_bps) // BPS)
    return Leg(part.pool.pool, part.side.fee_pips, units_in, units_out, max(accepted, floor))


def best_split(pools: Sequence[Sided], units: int, leg_cost_units: int = 0) -> Split | None:
    """The split of exactly `units` (> 0) that gives most, less `leg_cost_units` for each pool after the first; `None`
    when the pools cannot take the order. The best of all subsets of at most `MAX_POOLS` pools; of more, pools that do
    not earn their gas are left out while that nets more, and `gas_bound.net_bound` says what that may have missed."""
    found = _of_all_subsets(pools, units, leg_cost_units) if len(pools) <= MAX_POOLS else split(pools, units)
    while found and len(found.parts) > MAX_POOLS and leg_cost_units:
        better = _pruned(found, units, leg_cost_units)
        if better is None:
            break
        found = better
    if found and len(pools) > MAX_POOLS >= len(found.parts):
        return _of_all_subsets([(part.pool, part.side) for part in found.parts], units, leg_cost_units)
    return found


def net_of(found: Split, leg_cost_units: int) -> int:
    """Output less gas for each pool after the first."""
    return found.units_out - leg_cost_units * (len(found.parts) - 1)


def _of_all_subsets(pools: Sequence[Sided], units: int, leg_cost_units: int) -> Split | None:
    subsets = (subset for size in range(1, len(pools) + 1) for subset in combinations(pools, size))
    splits = (found for subset in subsets if (found := split(subset, units)) is not None)
    return max(splits, key=lambda each: net_of(each, leg_cost_units), default=None)


def _pruned(found: Split, units: int, leg_cost_units: int) -> Split | None:
    """A split that nets more without some of the pools that earn less than their gas; `None` when none is found. A pool
    earns at least its surplus over the common marginal price, so that those above the cost stay."""
    earned = surplus([part.side for part in found.parts], [part.quote for part in found.parts])
    ranked = sorted(range(len(earned)), key=earned.__getitem__)
    poor = sum(each < leg_cost_units for each in earned)
    # Half at a time, since those that are left earn more once others are gone.
    count = min(poor, -(-len(ranked) // 2))
    while count:
        kept = [(found.parts[place].pool, found.parts[place].side) for place in ranked[count:]]
        trial = split(kept, units)
        if trial and net_of(trial, leg_cost_units) > net_of(found, leg_cost_units):
            return trial
        count //= 2
    return None


def split(pools: Sequence[Sided], units: int) -> Split | None:
    """The optimal split over exactly these pools, gas aside; a pool that is too dear gets nothing and no part, and
    neither does a pair whose share is so small that it would be sold for nothing. `None` when they cannot take the
    order, or give nothing for it."""
    sides = [each for _, each in pools]
    amounts = water_fill([curve(each) for each in sides], units)
    if amounts is None:
        return None
    quotes = [each.quote_in(amount) for each, amount in zip(sides, amounts, strict=True)]
    shares = list(zip(pools, amounts, quotes, strict=True))
    parts = tuple(Part(pool, each, quote) for (pool, each), _, quote in shares if quote is not None)
    if sum(part.quote.units_in for part in parts) != units:
        return _without_dust(pools, amounts, [bool(amount) and quote is None for _, amount, quote in shares])
    return Split(parts, sum(part.quote.units_out for part in parts), gap(sides, quotes))


def _without_dust(pools: Sequence[Sided], amounts: Sequence[int], refused: Sequence[bool]) -> Split | None:
    """The split without the smaller half of the shares that were refused: the others may then be large enough."""
    units, places = sum(amounts), sorted(compress(range(len(pools)), refused), key=amounts.__getitem__)
    left_out = places[: -(-len(places) // 2)]
    others = [each for place, each in enumerate(pools) if place not in left_out]
    return split(others, units) if others else None
