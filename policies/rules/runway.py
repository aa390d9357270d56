"""The treasury's stables last as long as the policy wants at the spend it names, once the unit's effects are there; a
unit that does not shorten the runway passes. Rounded down, at the low prices.

A payment that waits is gone once: a queued salary shortens the runway as if it were paid, and `spend`, which tells what
is spent from then on, is not raised by it."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_least
from policies.runway import RunwayTerms
from policies.worth import USD_E8, Change, changes
from strongroom.model import Finding, TokenId, Verdict
from strongroom.valuation import Problem

RULE = "runway"
_DAY_SECONDS = 86_400


def judge(case: Case) -> Iterator[Finding]:
    terms, holdings, found = case.document.runway, case.document.holdings, changes(case)
    if terms is None or holdings is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy wants no runway")
    elif isinstance(found, Problem):
        yield Finding(RULE, Verdict.DENY, f"the runway is not known: {found.reason}")
    elif not found:
        yield Finding(RULE, Verdict.ALLOW, "nothing that counts in the treasury's value moves")
    else:
        yield from (_lasts(terms, holdings.stables, each) for each in found)


def _lasts(terms: RunwayTerms, stables: tuple[TokenId, ...], found: Change) -> Finding:
    left, had = found.becomes.lowest_sum(stables), found.was.lowest_sum(stables)
    lasts_seconds = max(left, 0) * terms.per_seconds // (terms.spend_e8 * USD_E8)
    if left >= had:
        reason, otherwise = "the stables last no shorter than before", Verdict.ALLOW
    else:
        reason, otherwise = "the stables last at least so long", terms.otherwise
    return at_least(RULE, lasts_seconds, terms.least_seconds, otherwise, reason + found.beside, _days)


def _days(seconds: int) -> str:
    """Whole days, rounded down, and what is left of one."""
    days, rest = divmod(seconds, _DAY_SECONDS)
    return f"{days:,} days" + (f" and {rest:,} s" if rest else "")
