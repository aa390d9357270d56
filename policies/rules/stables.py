"""The policy's stables stay the part of the treasury's value that it wants, once the unit's effects are there. Their
share is taken at its lowest, they at their low prices and all others at their high ones; a unit that does not lower it
passes."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_least
from policies.holdings import HoldingTerms
from policies.worth import ALL_BPS, Change, changes
from strongroom.model import Finding, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import Problem

RULE = "stables"


def judge(case: Case) -> Iterator[Finding]:
    terms, found = case.document.holdings, changes(case)
    if terms is None or not terms.stables_least_bps:
        yield Finding(RULE, Verdict.ALLOW, "the policy wants no share of stables")
    elif isinstance(found, Problem):
        yield Finding(RULE, Verdict.DENY, f"the share of stables is not known: {found.reason}")
    elif not found:
        yield Finding(RULE, Verdict.ALLOW, "nothing that counts in the treasury's value moves")
    else:
        yield from (_share(terms, each) for each in found)


def _share(terms: HoldingTerms, found: Change) -> Finding:
    (own, whole), (own_was, whole_was) = found.becomes.lowest(terms.stables), found.was.lowest(terms.stables)
    share_bps = own * ALL_BPS // whole if whole else 0
    # Of nothing there is no share: what comes first counts in full, and what leaves nothing takes the last stables too.
    if own * whole_was >= own_was * whole and bool(whole) == bool(whole_was):
        reason = f"stables become no smaller part of the treasury's value{found.beside}"
        return at_least(RULE, share_bps, terms.stables_least_bps, Verdict.ALLOW, reason, format_bps)
    reason = f"at least this part of the value is in {', '.join(terms.stables)}{found.beside}"
    return at_least(RULE, share_bps, terms.stables_least_bps, terms.otherwise, reason, format_bps)
