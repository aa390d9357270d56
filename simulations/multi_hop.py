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
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from simulations.gas_bound import after_gas
from simulations.net import Net, Way, net
from simulations.optimality import AnyQuote
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
    again: that changes its shares by less than the pools' own rounding. The bound is of the prices found for the order
    itself. `None` where no size is sold whole."""
    rows, owners = through.rows
    bound = inf
    for size in _SIZES:
        prices, taken, earned, _ = search(rows, owners, through.ends, allowed, 0, 1, units * size, through.begin)
        bound = min(bound, _bound(through, prices, units, hop_cost_units))
        asked = float(taken[through.ends[:, 0] == 0].sum())
        if abs(asked - units * size) <= units * size * _SHORT:
            break
    else:
        return None
    # What a pool earns grows with the square of what it takes, as long as that is little.
    earned = earned / size**2
    # What gives less than one unit of the token bought is the search's own noise.
    given = taken / size * prices[through.ends[:, 0]] + earned
    return _Found(np.where(given >= 1.0, taken, 0.0), earned, bound)


def _bound(through: Net, prices: Floats, units: int, hop_cost_units: int) -> float:
    """What no flow exceeds after gas, by these prices, whatever they are: of all ways, not the allowed alone."""
    rows, owners = through.rows
    _, earned = trades(rows, owners, through.ends, np.ones(len(through.ways), dtype=np.bool_), prices)
    return float(prices[0]) * units + after_gas(earned, hop_cost_units)


_SIZES = tuple(1e3**power for power in range(7))
_SHORT = 1e-6
"""A flow in floats that sells so much less than the order, or more, is not one."""


def _hops(through: Net, found: _Found, units: int) -> list[Hop] | None:
    """The flow in exact amounts, token by token; `None` where a pool cannot take its share."""
    used = _leading_on(through, np.flatnonzero(found.taken).tolist())
    leaving, held = _leaving(through, used), {0: units}
    hops: list[Hop] = []
    for token in _in_order(through, used):
        sold = _sold(through, found, leaving[token], held[token]) if held.get(token) else []
        if sold is None:
            return None
        for hop in sold:
            end = through.places[hop.way.token_out]
            held[end] = held.get(end, 0) + hop.quote.units_out
        hops += sold
    return hops


def _leaving(through: Net, used: Sequence[int]) -> dict[int, list[int]]:
    """The ways that sell each token."""
    found: dict[int, list[int]] = {}
    for place in used:
        found.setdefault(through.steps[place][0], []).append(place)
    return found


def _leading_on(through: Net, used: Sequence[int]) -> Sequence[int]:
    """Without ways into a token from which none of them leads on."""
    while True:
        onward = {through.steps[place][0] for place in used} | {1}
        kept = [place for place in used if through.steps[place][1] in onward]
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


def _in_order(through: Net, used: Sequence[int]) -> list[int]:
    """The tokens sold, each after all from which something comes into it; those in a circle are missing."""
    steps = {through.steps[place] for place in used}
    ordered, left = list[int](), {begin for begin, _ in steps}
    while free := left - {end for begin, end in steps if begin in left}:
        ordered += sorted(free)
        left -= free
    return ordered


def _circle(through: Net, taken: Floats) -> list[int]:
    """The ways of one circle among those used; empty without one."""
    used = np.flatnonzero(taken).tolist()
    left = {through.steps[place][0] for place in used} - set(_in_order(through, used))
    # Backwards: what is left in no order has somebody before it, though perhaps nobody after it.
    entering = {through.steps[place][1]: place for place in used if through.steps[place][0] in left}
    path, at = list[int](), min(left, default=-1)
    if at < 0:
        return []
    while at not in (met := [through.steps[place][1] for place in path]):
        path.append(entering[at])
        at = through.steps[path[-1]][0]
    return path[met.index(at) :]
