"""How an exact-in order flows through pools of several tokens: over the pools of its own two and, in parallel, over
others with tokens in between.

The prices that `price_search` finds say how each token's income is shared among the pools that it is sold to. What
leaves this module is that flow as a sequence of swaps with exact integer amounts: a token is sold on only after all of
it has come in, to the last unit, so that nothing is left in between; each output is the pool's own quote. What the
flow may fall short of is stated: no flow, exact or not, nets more than its `bound_units`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulations.net import Net, Way, net
from simulations.optimality import AnyQuote, after_gas
from simulations.price_search import Floats, search, trades
from simulations.routing import State
from strongroom.model import Address

Allowed = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Hop:
    """One swap of a flow, exact; `earned_units` is what the pool adds at the flow's prices, in the token bought,
    rounded down: the least that the flow would lose without it."""

    pool: State
    way: Way
    quote: AnyQuote
    earned_units: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Swaps in an order in which they can be executed. `bound_units` is the most that any flow through the net could
    give after gas, for the same order."""

    hops: tuple[Hop, ...]
    units_in: int
    units_out: int
    bound_units: int

    def net_units(self, hop_cost_units: int) -> int:
        """Output less gas for each hop after the first."""
        return self.units_out - hop_cost_units * (len(self.hops) - 1)


@dataclass(frozen=True, slots=True)
class _Found:
    """A flow in floats: input and earnings by way, and a bound on every flow after gas."""

    taken: Floats
    earned: Floats
    bound: float


def best_flow(
    pools: Iterable[State], sold: Address, bought: Address, units: int, hop_cost_units: int = 0
) -> Flow | None:
    """The flow of exactly `units` (> 0) of `sold` into `bought` that gives most, less `hop_cost_units` of `bought` for
    each hop after the first; `None` where no pools lead there, or they cannot take the order."""
    found = net(pools, sold, bought)
    return flow(found, units, hop_cost_units) if found else None


def flow(through: Net, units: int, hop_cost_units: int = 0) -> Flow | None:
    """As `best_flow`, through a net that was made ready before; many orders may share it."""
    best = _exact(through, units, hop_cost_units, np.ones(len(through.ways), dtype=np.bool_))
    count = len(best.hops) if best else 0
    while best and hop_cost_units and count:
        trial = _without_poor(through, best, count, units, hop_cost_units)
        if trial and trial.net_units(hop_cost_units) > best.net_units(hop_cost_units):
            best, count = trial, len(trial.hops)
        else:
            count //= 2
    return best


def first_price(through: Net, units: int) -> float:
    """What a unit of the token sold gives before the order, fees included, in units of the token bought: the dual price
    at a millionth of `units` (> 0)."""
    rows, owners = through.rows
    allowed = np.ones(len(through.ways), dtype=np.bool_)
    prices, *_ = search(rows, owners, through.ends, allowed, 0, 1, units * 1e-6, through.begin)
    return float(prices[0])


def _without_poor(through: Net, best: Flow, count: int, units: int, hop_cost_units: int) -> Flow | None:
    """The flow over the hops of `best` but its poorest: at most half of them, and none that earns its gas. The better
    bound of the two holds for both."""
    ranked = sorted(best.hops, key=lambda hop: hop.earned_units)
    poor = [hop.way for hop in ranked if hop.earned_units < hop_cost_units][: min(count, -(-len(ranked) // 2))]
    kept = {id(hop.way) for hop in best.hops} - {id(way) for way in poor}
    if not poor or not kept:
        return None
    allowed = np.array([id(way) in kept for way in through.ways])
    trial = _exact(through, units, hop_cost_units, allowed)
    return Flow(trial.hops, units, trial.units_out, min(best.bound_units, trial.bound_units)) if trial else None


def _exact(through: Net, units: int, hop_cost_units: int, allowed: Allowed) -> Flow | None:
    """The best flow over the allowed ways, gas aside, in integers. Where trades would run in a circle, which only
    pools out of line with each other pay for, the way that earns least in it is left out: a sequence has no circles."""
    if units <= 0:
        return None
    found = _searched(through, units, hop_cost_units, allowed)
    bound = found.bound if found else 0.0
    while found and (circle := _circle(through, found.taken)):
        allowed = allowed.copy()
        allowed[min(circle, key=found.earned.__getitem__)] = False
        found = _searched(through, units, hop_cost_units, allowed)
    hops = _hops(through, found, units) if found else None
    if not hops:
        return None
    given = sum(hop.quote.units_out for hop in hops if hop.way.token_out == through.bought)
    return Flow(tuple(hops), units, given, ceil(bound * (1 + 1e-12)))


def _searched(through: Net, units: int, hop_cost_units: int, allowed: Allowed) -> _Found | None:
    """The flow in floats. An order too small to move a float price is searched for at a thousandfold of its size, and
    again: that changes its shares by less than the pools' own rounding. `None` where no size is sold whole."""
    rows, owners = through.rows
    for size in _SIZES:
        prices, taken, earned, _ = search(rows, owners, through.ends, allowed, 0, 1, units * size, through.begin)
        asked = float(taken[through.ends[:, 0] == 0].sum())
        if abs(asked - units * size) <= units * size * _SHORT:
            break
    else:
        return None
    _, all_earned = trades(rows, owners, through.ends, np.ones_like(allowed), prices)
    bound = float(prices[0]) * units + after_gas(all_earned.tolist(), hop_cost_units)
    # What gives less than one unit of the token bought is the search's own noise.
    given = taken / size * prices[through.ends[:, 0]] + earned
    return _Found(np.where(given >= 1.0, taken, 0.0), earned, bound)


_SIZES = tuple(1e3**power for power in range(7))
_SHORT = 1e-6
"""A flow in floats that sells so much less than the order, or more, is not one."""


def _hops(through: Net, found: _Found, units: int) -> list[Hop] | None:
    """The flow in exact amounts, token by token; `None` where a pool cannot take its share."""
    used = _leading_on(through, np.flatnonzero(found.taken).tolist())
    hops: list[Hop] = []
    for token in _in_order(through, used):
        held = units if token == through.sold else _income(hops, token)
        places = [place for place in used if through.ways[place].token_in == token]
        sold = _sold(through, found, places, held) if held else []
        if sold is None:
            return None
        hops += sold
    return hops


def _income(hops: Sequence[Hop], token: Address) -> int:
    return sum(hop.quote.units_out for hop in hops if hop.way.token_out == token)


def _leading_on(through: Net, used: Sequence[int]) -> list[int]:
    """Without ways into a token from which none of them leads on."""
    while True:
        onward = {through.ways[place].token_in for place in used} | {through.bought}
        kept = [place for place in used if through.ways[place].token_out in onward]
        if len(kept) == len(used):
            return kept
        used = kept


def _sold(through: Net, found: _Found, places: Sequence[int], held: int) -> list[Hop] | None:
    """All that is held of one token, in the flow's shares; one too small to give anything goes to the others."""
    amounts = _amounts([float(found.taken[place]) for place in places], _most(through, places), held)
    if amounts is None:
        return None
    quotes = [through.ways[place].side.quote_in(amount) for place, amount in zip(places, amounts, strict=True)]
    if all(quotes):
        pairs = zip(places, quotes, strict=True)
        return [_hop(through.ways[place], quote, found.earned[place]) for place, quote in pairs if quote]
    fewer = [place for place, quote in zip(places, quotes, strict=True) if quote]
    return _sold(through, found, fewer, held) if fewer else None


def _hop(way: Way, quote: AnyQuote, earned: float) -> Hop:
    return Hop(way.pool, way, quote, int(earned))


def _most(through: Net, places: Sequence[int]) -> list[int]:
    return [through.ways[place].curve.taken[-1] for place in places]


def _amounts(shares: Sequence[float], most: Sequence[int], held: int) -> list[int] | None:
    """`held` in these shares, rounded down, the rest to the largest that can take it."""
    whole = sum(shares)
    amounts = [min(int(held * (share / whole)), limit) for share, limit in zip(shares, most, strict=True)]
    rest = held - sum(amounts)
    able = [place for place, amount in enumerate(amounts) if 0 <= amount + rest <= most[place]]
    if not able:
        return None
    amounts[max(able, key=lambda place: amounts[place])] += rest
    return amounts


def _in_order(through: Net, used: Sequence[int]) -> list[Address]:
    """The tokens sold, each after all from which something comes into it."""
    ordered, left = list[Address](), {through.ways[place].token_in for place in used}
    while left:
        fed = {through.ways[place].token_out for place in used if through.ways[place].token_in in left}
        ordered += sorted(left - fed)
        left &= fed
    return ordered


def _circle(through: Net, taken: Floats) -> list[int]:
    """The ways of one circle among those used; empty without one."""
    used = np.flatnonzero(taken).tolist()
    while fewer := _between(through, used):
        if len(fewer) == len(used):
            break
        used = fewer
    if not fewer:
        return []
    path, at = list[int](), through.ways[used[0]].token_in
    while at not in [through.ways[place].token_in for place in path]:
        path.append(next(place for place in used if through.ways[place].token_in == at))
        at = through.ways[path[-1]].token_out
    begun = [through.ways[place].token_in for place in path].index(at)
    return path[begun:]


def _between(through: Net, used: Sequence[int]) -> list[int]:
    """Those ways whose first token is come into, and whose second is sold on, by others of them."""
    entered = {through.ways[place].token_out for place in used}
    left = {through.ways[place].token_in for place in used}
    return [
        place for place in used if through.ways[place].token_in in entered and through.ways[place].token_out in left
    ]
