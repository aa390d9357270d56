"""A pool that is swapped in stands near its own time-weighted average: one pushed for a moment is left alone."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from policies.pool_prices import apart_bps_up, market_at
from policies.terms import UNISWAP_V2
from strongroom.model import Address, Finding, PoolState, Verdict
from strongroom.quantities import format_bps, format_seconds

RULE = "averages"


def judge(case: Case) -> Iterator[Finding]:
    terms = case.document.trading
    if terms.max_from_average_bps is None or terms.average_seconds is None or not case.exchanges:
        bounded = terms.max_from_average_bps is not None
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped" if bounded else "the policy asks for no average")
        return
    for pool, kind in sorted({(each.pool, each.venue.kind) for each in case.exchanges}):
        if kind == UNISWAP_V2:
            # Its cumulative price needs a second reading from the past, which no single block holds.
            yield Finding(RULE, Verdict.ASK, f"pair `{pool}` keeps no average of its own, so guardians look")
        else:
            yield _judged(case, pool, terms.average_seconds, terms.max_from_average_bps)


def _judged(case: Case, pool: Address, over_seconds: int, bound_bps: int) -> Finding:
    market = market_at(pool, case.facts)
    means = (a for a in case.facts.averages if (a.pool, a.over_seconds) == (pool, over_seconds))
    mean, over = next(means, None), format_seconds(over_seconds)
    if mean is None or not isinstance(market, PoolState):
        mend = "anybody may send it `increaseObservationCardinalityNext`"
        return Finding(RULE, Verdict.DENY, f"pool `{pool}` does not remember {over}; {mend}, then it remembers more")
    reason = f"pool `{pool}` must stand at most {format_bps(bound_bps)} from its average of {over}"
    return at_most(RULE, apart_bps_up(market, mean.mean_tick), bound_bps, Verdict.DENY, reason, format_bps)
