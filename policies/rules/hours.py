"""Value moves within business hours; outside them guardians are asked, or nothing moves. The clock is the pinned
block's, so every guardian judges at the same moment as the agent."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from policies.movement import moving, moving_beside_orders
from strongroom.model import Finding, Verdict

RULE = "hours"


def judge(case: Case) -> Iterator[Finding]:
    terms, now = case.document.hours, case.facts.block.timestamp
    if terms is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy keeps no business hours")
        return
    if not (moving(case) if terms.orders_too else moving_beside_orders(case)):
        yield Finding(RULE, Verdict.ALLOW, "nothing moves that keeps business hours")
        return
    open_now = terms.are_open(now)
    opening = "" if open_now else terms.next_opening(now)
    reason = "value moves within business hours" + (f"; they begin on {opening}" if opening else "")
    yield within(RULE, open_now, terms.otherwise, reason, terms.told_now(now), terms.told())
