"""No token is more of the treasury's value than the policy wants, once the unit's effects are there. A share is taken
at its highest, the token at its high price and all others at their low ones; a unit that does not raise it passes."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from policies.worth import ALL_BPS, Change, changes
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import Problem

RULE = "concentration"


def judge(case: Case) -> Iterator[Finding]:
    terms, found = case.document.holdings, changes(case)
    if terms is None or not terms.most_bps:
        yield Finding(RULE, Verdict.ALLOW, "the policy limits no token's share of the treasury")
    elif isinstance(found, Problem):
        yield Finding(RULE, Verdict.DENY, f"what the treasury is made of is not known: {found.reason}")
    elif not found:
        yield Finding(RULE, Verdict.ALLOW, "nothing that counts in the treasury's value moves")
    else:
        for token, most in terms.most_bps.items():
            yield from (_share(token, most, terms.otherwise, each) for each in found)


def _share(token: TokenId, most_bps: int, otherwise: Verdict, found: Change) -> Finding:
    (own, whole), (own_was, whole_was) = found.becomes.highest(token), found.was.highest(token)
    share_bps = -(-own * ALL_BPS // whole) if whole else 0
    # Of nothing there was no share: what is bought first counts in full.
    if (whole_was or not own) and own * whole_was <= own_was * whole:
        reason = f"{token} becomes no larger part of the treasury's value{found.beside}"
        return at_most(RULE, share_bps, most_bps, Verdict.ALLOW, reason, format_bps)
    reason = f"at most this part of the value is {token}{found.beside}"
    return at_most(RULE, share_bps, most_bps, otherwise, reason, format_bps)
