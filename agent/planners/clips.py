"""How much of a trade is sold now: all of it, or its first clip, with the rest left to later runs of the job.

The choice is `simulations.slicing`'s, over the pools of the two tokens at the facts' block: what clips cost the pools
and in gas, and how the price may swing until the last. The pause is the schedule's, for nobody sells between two runs;
where runs are not evenly apart, their mean counts. Later clips are chosen anew, each from its own facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

from policies.pricing import price_of
from policies.selling import widest_swing_bps_up
from policies.terms import UNISWAP_V2, PolicyDocument
from simulations.multi_hop import first_price
from simulations.net import net
from simulations.routing import State, best_split, side_of
from simulations.slicing import HOURS_A_YEAR, Market, Schedule, Wishes, best_schedule, frontier
from strongroom.fees import TIP_WEI
from strongroom.mandate import Trade
from strongroom.model import NATIVE, Facts, TokenId
from strongroom.pacing_settings import Pacing
from strongroom.quantities import format_units
from strongroom.valuation import Price, Problem

LEG_GAS = 190_000
"""One leg of a swap through the Kernel with its base costs, as `make gas` measures it, rounded up."""
_SAMPLES = 32
"""So many sizes of the trade, evenly apart, tell the pools' depth; between them it is a straight line."""
_BPS, _COIN = 10_000, 10**18
_SECONDS_A_YEAR = HOURS_A_YEAR * 3_600


@dataclass(frozen=True, slots=True)
class Choice:
    """The schedule that weighs least, and the one that sells all at once."""

    best: Schedule
    at_once: Schedule


def choose(
    trade: Trade, runs_in: Sequence[int], pacing: Pacing, facts: Facts, document: PolicyDocument
) -> Choice | Problem | None:
    """How the trade is best sold in one clip now and at most one at each later run, `runs_in` seconds from now. `None`
    where the pools cannot take all of it, or give less than half of its worth: routing says why. The reason where a
    swing that the policy asks for is not known."""
    volatility = _volatility(trade, pacing, facts, document)
    if isinstance(volatility, Problem):
        return volatility
    market = _market(trade, volatility, pacing, facts, document)
    if market is None:
        return None
    schedules = frontier(market, _wishes(runs_in, pacing))
    return Choice(best_schedule(schedules, pacing.risk_aversion), schedules[0])


def _wishes(runs_in: Sequence[int], pacing: Pacing) -> Wishes:
    if not runs_in:
        return Wishes(pacing.risk_aversion, 1, 1, 0)
    pause = max(runs_in[-1] // len(runs_in), 60)
    return Wishes(pacing.risk_aversion, 1, 1 + len(runs_in), pause * len(runs_in), pause)


def _volatility(trade: Trade, pacing: Pacing, facts: Facts, document: PolicyDocument) -> float | Problem:
    """In a year: the mandate's, or what the feeds' past rounds show where the policy has them read and that is more.
    The range of a time as a volatility: Parkinson, Journal of Business 53 (1980)."""
    stated, terms = pacing.volatility_bps / _BPS, document.volatility
    if terms is None:
        return stated
    swing_bps = widest_swing_bps_up((trade.token_in, trade.token_out), facts, document)
    if isinstance(swing_bps, Problem):
        return swing_bps
    seen = log(1 + swing_bps / _BPS) / sqrt(4 * log(2) * terms.over_seconds / _SECONDS_A_YEAR)
    return min(max(stated, seen), 10.0)


def _market(trade: Trade, volatility: float, pacing: Pacing, facts: Facts, document: PolicyDocument) -> Market | None:
    token_in, token_out = (document.tokens[each].token.address for each in (trade.token_in, trade.token_out))
    states = [each for each in states_seen(facts, document) if {each.token0, each.token1} == {token_in, token_out}]
    through = net(states, token_in, token_out)
    sides = [(state, side_of(state, token_in)) for state in states]
    leg_cost = leg_cost_units(trade, facts, document)
    whole = best_split(sides, trade.units_in, leg_cost) if through else None
    if through is None or whole is None:
        return None
    worth = first_price(through, trade.units_in) * trade.units_in
    used = [(part.pool, part.side) for part in whole.parts]
    sizes = (trade.units_in * part // _SAMPLES for part in range(1, _SAMPLES + 1))
    given = [best_split(used, size) if size else None for size in sizes]
    depth = (0.0, *(float(each.units_out) if each else 0.0 for each in given))
    if 2 * depth[-1] < worth or not worth:
        return None
    return Market(trade.units_in, depth, worth, volatility, pacing.half_life_seconds, float(leg_cost * len(used)))


def states_seen(facts: Facts, document: PolicyDocument) -> list[State]:
    """The policy's pools that were seen as what their venue says they are."""
    listed = {each.address: venue.kind for venue in document.venues.values() for each in venue.pools}
    pools = [state for state in facts.pools if listed.get(state.pool, UNISWAP_V2) != UNISWAP_V2]
    return [*pools, *(state for state in facts.pairs if listed.get(state.pool) == UNISWAP_V2)]


def leg_cost_units(trade: Trade, facts: Facts, document: PolicyDocument) -> int:
    """Gas of one leg in units of the token bought, rounded up; zero where the coin or the token has no price."""
    coin = document.token_at(NATIVE)
    paid = price_of(coin.token.id, facts, document) if coin else None
    got = price_of(trade.token_out, facts, document)
    if not isinstance(paid, Price) or not isinstance(got, Price):
        return 0
    wei, scale = LEG_GAS * (facts.gas.base_fee_wei + TIP_WEI), 10 ** document.tokens[trade.token_out].token.decimals
    cost: int = -(-wei * paid.high_e8 * scale // (got.low_e8 * _COIN))
    return cost


def shown_down(token: TokenId, units: int, document: PolicyDocument) -> str:
    """To a ten-thousandth of the token, rounded down: for people to read; the unit itself has every digit."""
    decimals = document.tokens[token].token.decimals
    fine: int = 10 ** max(decimals - 4, 0)
    return f"{format_units(units // fine * fine, decimals)} {token}"
