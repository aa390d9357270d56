"""While prices swing, less is sold without guardians: above a calm swing, what may be sold shrinks in proportion.

The swing is the range, highest over lowest round within the window, not a standard deviation of returns: a feed writes
when its price has moved or its heartbeat is over, so rounds are unevenly spaced and returns between them compare badly,
while the extremes need no spacing, no root and no float. Source: Parkinson, The Extreme Value Method for Estimating the
Variance of the Rate of Return, Journal of Business 53 (1980).
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from policies.metering import in_flight, of_unit, total
from policies.spent import spent_level
from policies.swings import swing_bps_up
from policies.terms import SWAPS
from policies.trading import VolatilityTerms
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_bps, format_seconds
from strongroom.valuation import Problem

RULE = "volatility"


def judge(case: Case) -> Iterator[Finding]:
    terms = case.document.volatility
    if terms is None or not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped" if terms else "the policy minds no swings of prices")
        return
    for sold in sorted({each.token_in for each in case.exchanges}):
        yield _judged(case, sold, terms)


def _judged(case: Case, sold: TokenId, terms: VolatilityTerms) -> Finding:
    """The larger swing counts, of what is sold and of all that is bought with it."""
    tokens = {sold, *(each.token_out for each in case.exchanges if each.token_in == sold)}
    swings = [swing_bps_up(token, case.facts, case.document, terms.over_seconds) for token in sorted(tokens)]
    for swing in swings:
        if isinstance(swing, Problem):
            return Finding(RULE, Verdict.DENY, swing.reason)
    widest = max(swing for swing in swings if isinstance(swing, int))
    return _bounded(case, sold, widest, terms)


def _bounded(case: Case, sold: TokenId, swing_bps: int, terms: VolatilityTerms) -> Finding:
    over, calm = format_seconds(terms.over_seconds), format_bps(terms.calm_bps)
    cap = case.document.cap(SWAPS, sold)
    if swing_bps <= terms.calm_bps or cap is None:
        # Without a cap nothing is sold at all: that is said by `caps`.
        return Finding(RULE, Verdict.ALLOW, f"prices swung within {over} as in calm", format_bps(swing_bps), calm)
    # As in `caps`: what was sold and has not flowed back, and what waits; split sales count like one.
    units = spent_level(case, cap) + total((*in_flight(case), *of_unit(case)), cap)
    most = cap.at_once_units * terms.calm_bps // swing_bps
    reason = f"prices swung {format_bps(swing_bps)} within {over}, calm is {calm}: less is sold without guardians"
    return at_most(RULE, units, most, Verdict.ASK, reason, lambda each: case.show(sold, each))
