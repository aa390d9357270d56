"""What the rehearsal brings against the pools' own prices before the trade, fees taken out: how far a swap moves its
market against itself. Against the oracles judges `losses`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from policies.case import Case, at_least
from policies.effects import Exchange
from policies.pool_prices import market_at, spot_out
from policies.receipts import bought, brought_units
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import BPS

RULE = "impact"


def judge(case: Case) -> Iterator[Finding]:
    bound = case.document.trading.max_impact_bps
    if bound is None or not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped" if bound else "the policy bounds no price impact")
        return
    for token in bought(case):
        yield _judged(case, token, bound)


def _judged(case: Case, token: TokenId, bound_bps: int) -> Finding:
    untouched = Fraction(0)
    for exchange in case.exchanges:
        if exchange.token_out == token:
            at_spot = _at_spot(case, exchange)
            if at_spot is None:
                return Finding(RULE, Verdict.DENY, f"pool `{exchange.pool}` did not answer, so its price is not known")
            untouched += at_spot
    least = ceil(untouched * (BPS - bound_bps) / BPS)
    reason = f"the rehearsal must bring at most {format_bps(bound_bps)} less {token} than the pools' own prices promise"
    brought = brought_units(case, token)
    return at_least(RULE, brought, least, Verdict.DENY, reason, lambda units: case.show(token, units))


def _at_spot(case: Case, exchange: Exchange) -> Fraction | None:
    market = market_at(exchange.pool, case.facts)
    if market is None:
        return None
    fee_pips = next(pool.fee_pips for pool in exchange.venue.pools if pool.address == exchange.pool)
    return spot_out(exchange.units_in, exchange.token_in, market, case.document, fee_pips)
