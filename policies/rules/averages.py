"""A pool that is swapped in stands near its own time-weighted average: one pushed for a moment is left alone.

A pair of Uniswap V2 remembers no average: its cumulative price needs a second reading from the past, which no single
block holds. It is held to the averages of the listed Uniswap V3 pools of the same two tokens, the farthest of them;
where there is none, guardians look.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from policies.pool_prices import apart_bps_up, market_at, pair_apart_bps_up
from policies.terms import UNISWAP_V2, UNISWAP_V3
from strongroom.model import Address, Finding, PairState, PoolState, Verdict
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
            yield _pair(case, pool, terms.average_seconds, terms.max_from_average_bps)
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


def _pair(case: Case, pair: Address, over_seconds: int, bound_bps: int) -> Finding:
    market, ticks = market_at(pair, case.facts), _ticks_beside(case, pair, over_seconds)
    if not ticks:
        reason = f"pair `{pair}` keeps no average, nor does a listed pool of its tokens, so guardians look"
        return Finding(RULE, Verdict.ASK, reason)
    if not isinstance(market, PairState):
        return Finding(RULE, Verdict.DENY, f"pair `{pair}` did not answer, so its price is not known")
    apart = max(pair_apart_bps_up(market, tick) for tick in ticks)
    over = format_seconds(over_seconds)
    reason = f"pair `{pair}` must stand at most {format_bps(bound_bps)} from the average of {over} of its tokens' pools"
    return at_most(RULE, apart, bound_bps, Verdict.DENY, reason, format_bps)


def _ticks_beside(case: Case, pair: Address, over_seconds: int) -> list[int]:
    """The mean ticks of the listed V3 pools that trade what the pair trades, as far as they remember."""
    listed = [(venue.kind, pool) for venue in case.document.venues.values() for pool in venue.pools]
    tokens = next(frozenset(pool.tokens) for _, pool in listed if pool.address == pair)
    beside = {pool.address for kind, pool in listed if kind == UNISWAP_V3 and frozenset(pool.tokens) == tokens}
    return [a.mean_tick for a in case.facts.averages if a.pool in beside and a.over_seconds == over_seconds]
