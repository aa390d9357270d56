"""Nothing stays approved: an approval left behind is drained later, when nobody looks."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case
from strongroom.model import Finding, Verdict

RULE = "leftovers"


def judge(case: Case) -> Iterator[Finding]:
    for left in case.rehearsal.allowances:
        if left.units:
            amount = case.show(left.token, left.units)
            yield Finding(RULE, Verdict.DENY, f"`{left.spender}` stays approved", amount, case.show(left.token, 0))
    if not any(left.units for left in case.rehearsal.allowances):
        yield Finding(RULE, Verdict.ALLOW, "nothing stays approved")
