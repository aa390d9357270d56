"""What a unit sells in one pool against what the pool trades with at its price: a large share is for guardians."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies.case import Case, at_most
from policies.pool_prices import depth_units_down, market_at
from strongroom.model import Address, Finding, TokenId, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import BPS

RULE = "depth"


def judge(case: Case) -> Iterator[Finding]:
    bound = case.document.trading.max_pool_share_bps
    if bound is None or not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped" if bound else "the policy bounds no share of a pool")
        return
    sold: Counter[tuple[Address, TokenId]] = Counter()
    for exchange in case.exchanges:
        sold[exchange.pool, exchange.token_in] += exchange.units_in
    for (pool, token), units in sorted(sold.items()):
        yield _judged(case, pool, token, units, bound)


def _judged(case: Case, pool: Address, token: TokenId, units: int, bound_bps: int) -> Finding:
    market = market_at(pool, case.facts)
    if market is None:
        return Finding(RULE, Verdict.DENY, f"pool `{pool}` did not answer, so its depth is not known")
    most = depth_units_down(token, market, case.document) * bound_bps // BPS
    reason = f"a unit may sell {format_bps(bound_bps)} of what pool `{pool}` trades with; above, guardians look"
    return at_most(RULE, units, most, Verdict.ASK, reason, lambda each: case.show(token, each))
