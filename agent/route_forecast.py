"""What an order would give, over which of the policy's pools, and whether to sell it in clips; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.app import Documents, open_documents, subject_of
from agent.forecast_order import Order, parse_order
from agent.installing import connected
from agent.pinned import observe_pinned
from policies.pricing import price_of
from policies.terms import PolicyDocument, Venue
from simulations.multi_hop import Flow, first_price, flow
from simulations.net import Net, net
from simulations.routing import Split, State, best_split, side_of
from simulations.slicing import Market, Schedule, Wishes, best_schedule, frontier
from strongroom.errors import BadValue
from strongroom.fees import TIP_WEI
from strongroom.model import NATIVE, Address, Facts, Token
from strongroom.quantities import format_units
from strongroom.valuation import Problem

HOP_GAS = 180_000
"""Approval and swap of one hop within a batch of the Safe; a test measures both venues on the local world."""
SAMPLES = 128
"""So many sizes of the order, evenly apart, tell the pools' depth; between them it is a straight line."""
_COIN_UNITS = 10**18


@dataclass(frozen=True, slots=True)
class Options:
    """How the order is sliced: `volatility` a year (1.0 is 100 %), the pools' half-life, the weight of the spread, the
    number of clips (`None`: as many as pay), and the longest time."""

    volatility: float
    half_life_seconds: int
    risk_aversion: float
    clips: int | None
    most_seconds: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """All that is told and drawn of one order. `hop_cost_units` is zero where gas has no price in the token bought;
    `direct` is the best over pools of the two tokens alone, `None` without any; `depth` what 0, 1/k, ... and all of the
    order give at once; `schedules` the best for each number of clips."""

    facts: Facts
    order: Order
    states: tuple[State, ...]
    venues: dict[Address, str]
    best: Flow
    direct: Split | None
    hop_cost_units: int
    first_price: float
    depth: tuple[int, ...]
    schedules: tuple[Schedule, ...]
    advice: Schedule


def forecast(config: Path, text: str, options: Options, at: int | None = None) -> Forecast:
    """The forecast of `text`, such as `50 WETH to USDC`, at block `at` (`None`: the newest). Raises `InputError`
    on an order that is none or that the pools cannot take, `SetupError` or `NodeError`."""
    documents = open_documents(config)
    order = parse_order(text, documents.policy)
    facts = _observed(documents, at)
    states = _states(documents.policy, facts)
    hop_cost = hop_cost_units(order.token_out, facts, documents.policy)
    through = _net(order, states, text)
    best = flow(through, order.units, hop_cost)
    if best is None:
        held = f"the pools cannot take `{format_units(order.units, order.token_in.decimals)}` {order.token_in.id}"
        raise BadValue(text, "an order", f"{held}, or give nothing for it; sell less, or more than dust")
    depth, price = _depth(order, best), first_price(through, order.units)
    if 2 * best.units_out < price * order.units:
        raise BadValue(
            text, "an order", "the pools hold too little: they would give less than half its worth; sell less"
        )
    market = _market(order, depth, price, options, hop_cost * len(best.hops))
    schedules = tuple(frontier(market, _wishes(options)))
    return Forecast(
        facts=facts,
        order=order,
        states=states,
        venues={pool.address: venue.id for venue in documents.policy.venues.values() for pool in venue.pools},
        best=best,
        direct=_direct(order, states, hop_cost),
        hop_cost_units=hop_cost,
        first_price=price,
        depth=depth,
        schedules=schedules,
        advice=best_schedule(schedules, options.risk_aversion),
    )


def hop_cost_units(token_out: Token, facts: Facts, policy: PolicyDocument) -> int:
    """Gas of one hop in units of the token bought, rounded up: the coin at its high price, the token at its low one.
    Zero where one of them has no price."""
    coin = next((id_ for id_, listed in policy.tokens.items() if listed.token.address == NATIVE), None)
    if coin is None:
        return 0
    paid, got = price_of(coin, facts, policy), price_of(token_out.id, facts, policy)
    if isinstance(paid, Problem) or isinstance(got, Problem):
        return 0
    wei = HOP_GAS * (facts.gas.base_fee_wei + TIP_WEI)
    cost: int = -(-wei * paid.high_e8 * 10**token_out.decimals // (got.low_e8 * _COIN_UNITS))
    return cost


def _observed(documents: Documents, at: int | None) -> Facts:
    with connected(documents.treasury) as chain:
        return observe_pinned(chain, subject_of(documents.policy, None), at)


def _states(policy: PolicyDocument, facts: Facts) -> tuple[State, ...]:
    """The pools that were seen as what their venue says they are."""
    listed: dict[Address, Venue] = {pool.address: venue for venue in policy.venues.values() for pool in venue.pools}
    pools = [pool for pool in facts.pools if pool.pool in listed and listed[pool.pool].lens]
    return (*pools, *(pair for pair in facts.pairs if pair.pool in listed and not listed[pair.pool].lens))


def _net(order: Order, states: Sequence[State], text: str) -> Net:
    through = net(states, order.token_in.address, order.token_out.address)
    if through is None:
        pair = f"{order.token_in.id} to {order.token_out.id}"
        raise BadValue(text, "an order", f"no pools that policy.toml lists lead from {pair}; list one of their pools")
    return through


def _direct(order: Order, states: Iterable[State], hop_cost: int) -> Split | None:
    pair = {order.token_in.address, order.token_out.address}
    sides = [(pool, side_of(pool, order.token_in.address)) for pool in states if {pool.token0, pool.token1} == pair]
    return best_split(sides, order.units, hop_cost)


def _depth(order: Order, best: Flow) -> tuple[int, ...]:
    """Over the pools of the best flow, as they would be used one clip at a time."""
    used = net([hop.pool for hop in best.hops], order.token_in.address, order.token_out.address)
    sizes = (order.units * part // SAMPLES for part in range(1, SAMPLES + 1))
    flows = (flow(used, size) if used else None for size in sizes)
    return (0, *(found.units_out if found else 0 for found in flows))


def _market(order: Order, depth: Sequence[int], price: float, options: Options, clip_cost: int) -> Market:
    given, worth = tuple(map(float, depth)), price * order.units
    return Market(order.units, given, worth, options.volatility, options.half_life_seconds, float(clip_cost))


def _wishes(options: Options) -> Wishes:
    few, many = (options.clips, options.clips) if options.clips is not None else (1, MOST_CLIPS)
    return Wishes(options.risk_aversion, few, many, options.most_seconds)


MOST_CLIPS = 12
"""Unless a number is asked for: each is watched and judged by itself."""
