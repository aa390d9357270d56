"""A swap needs healthy prices on both sides. Payments are metered in units and need none."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case
from policies.pricing import price_of
from strongroom.model import Finding, Verdict
from strongroom.quantities import format_units
from strongroom.valuation import Problem

RULE = "prices"
_E8_DECIMALS = 8


def judge(case: Case) -> Iterator[Finding]:
    for token in sorted({t for exchange in case.exchanges for t in (exchange.token_in, exchange.token_out)}):
        found = price_of(token, case.facts, case.document)
        if isinstance(found, Problem):
            yield Finding(RULE, Verdict.DENY, f"no price for {token}: {found.reason}")
        else:
            low, high = (format_units(end, _E8_DECIMALS) for end in (found.low_e8, found.high_e8))
            yield Finding(RULE, Verdict.ALLOW, f"{token} is priced by healthy sources", f"{low} to {high} USD")
    if not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing here needs a price")
