"""What a swap may lose against the oracles, spend at the high price and receipt at the low one: in its promise and in
rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_least
from policies.effects import Exchange
from policies.pricing import price_of
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import Price, floor_units_up

RULE = "losses"


def judge(case: Case) -> Iterator[Finding]:
    for exchange in case.exchanges:
        yield _floor(case, exchange)
    for token_in, token_out in sorted({(e.token_in, e.token_out) for e in case.exchanges}):
        yield _rehearsed(case, token_in, token_out)
    if not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped")


def _floor(case: Case, exchange: Exchange) -> Finding:
    least = _least(case, exchange.token_in, exchange.units_in, exchange.token_out)
    return _judged(case, exchange.token_out, exchange.min_out_units, least, "the least that the swap accepts")


def _rehearsed(case: Case, token_in: TokenId, token_out: TokenId) -> Finding:
    units_in = sum(e.units_in for e in case.exchanges if (e.token_in, e.token_out) == (token_in, token_out))
    got = case.rehearsed(case.document.account.safe, token_out)
    return _judged(case, token_out, got, _least(case, token_in, units_in, token_out), "what the rehearsal brings")


def _judged(case: Case, token: TokenId, units: int, least: int | None, what: str) -> Finding:
    if least is None:
        return Finding(RULE, Verdict.DENY, f"{what} cannot be compared without a price")
    loss = format_bps(case.document.max_loss_bps)
    reason = f"{what} must lose at most {loss} against the oracles"
    return at_least(RULE, units, least, Verdict.DENY, reason, partial(case.show, token))


def _least(case: Case, token_in: TokenId, units_in: int, token_out: TokenId) -> int | None:
    paid, got = price_of(token_in, case.facts, case.document), price_of(token_out, case.facts, case.document)
    if not isinstance(paid, Price) or not isinstance(got, Price):
        return None
    decimals = {token: case.document.tokens[token].token.decimals for token in (token_in, token_out)}
    return floor_units_up(units_in, decimals[token_in], paid, decimals[token_out], got, case.document.max_loss_bps)
