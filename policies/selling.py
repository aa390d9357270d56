"""How much of a token may be sold at once with nobody asked, as facts stand: for whoever sizes a swap before it is
judged. The engine alone decides.

`policies.limits` tells what the policy says on any day; this is what caps, tiers and [volatility] leave of it now.
"""

from __future__ import annotations

from collections.abc import Iterable

from policies.case import Case, case_of_nothing
from policies.metering import in_flight, total
from policies.spent import spent_level, spent_on, spent_units
from policies.swings import swing_bps_up
from policies.terms import SWAPS, Cap, PolicyDocument, Tier
from strongroom.model import Facts, TokenId
from strongroom.valuation import Problem


def sold_alone_units_down(sold: TokenId, bought: TokenId, facts: Facts, document: PolicyDocument) -> int | Problem:
    """Units of `sold` that one swap into `bought` may sell without guardians at the facts' block, by cap, tiers and the
    swing of either price, rounded down and never negative; zero without a cap. What was sold and what waits to be sold
    is taken off. The reason where a swing that the policy asks for is not known: then nothing is sold at all."""
    cap = document.cap(SWAPS, sold)
    if cap is None:
        return 0
    swing_bps = widest_swing_bps_up((sold, bought), facts, document)
    if isinstance(swing_bps, Problem):
        return swing_bps
    return max(min(_at_once_units_down(cap, swing_bps, facts, document), _else_left(cap, facts, document)), 0)


def widest_swing_bps_up(tokens: Iterable[TokenId], facts: Facts, document: PolicyDocument) -> int | Problem:
    """The widest swing of these tokens' prices within the time of [volatility], in 1/10,000; zero where the policy
    minds none, the reason where one is not known."""
    terms = document.volatility
    if terms is None:
        return 0
    swings = [swing_bps_up(token, facts, document, terms.over_seconds) for token in tokens]
    problem = next((each for each in swings if isinstance(each, Problem)), None)
    return problem or max(each for each in swings if isinstance(each, int))


def _at_once_units_down(cap: Cap, swing_bps: int, facts: Facts, document: PolicyDocument) -> int:
    """The cap's `at_once`, shrunken by the swing, less what has not flowed back and what waits; negative where more is
    used."""
    case, terms = case_of_nothing(facts, document), document.volatility
    used = spent_level(case, cap) + total(in_flight(case), cap)
    calm_bps = terms.calm_bps if terms else 0
    most = cap.at_once_units * calm_bps // swing_bps if swing_bps > calm_bps else cap.at_once_units
    return most - used


def _else_left(cap: Cap, facts: Facts, document: PolicyDocument) -> int:
    """What the window, each tier and the largest single unit leave, whatever prices do."""
    case = case_of_nothing(facts, document)
    window = cap.cap_units - spent_units(case, cap, cap.window_seconds) - total(in_flight(case), cap)
    return min([cap.never_units, window, *(_left_of(tier, cap, case) for tier in cap.tiers)])


def _left_of(tier: Tier, cap: Cap, case: Case) -> int:
    """To tiers all pools are one."""
    waiting = (each for each in in_flight(case) if each.counts_in(cap) and each.counterparty == SWAPS)
    sold = spent_on(case, cap, tier.window_seconds, (SWAPS,))[SWAPS]
    return tier.above_units - sold - sum(each.units for each in waiting)
