"""The action was rehearsed at the very block the facts are from, and succeeded. Nothing is ever judged unrehearsed."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Finding, Verdict

RULE = "rehearsed"


def judge(case: Case) -> Iterator[Finding]:
    rehearsal, pinned = case.rehearsal, case.facts.block
    same = rehearsal.block == pinned
    yield within(
        RULE,
        same,
        Verdict.DENY,
        "rehearsal and facts must be of one block",
        f"block {rehearsal.block.number}",
        f"block {pinned.number}",
    )
    reason = (
        "the rehearsal must succeed"
        if rehearsal.success
        else f"the rehearsal fails: {rehearsal.revert or 'no reason given'}"
    )
    yield within(RULE, rehearsal.success and not rehearsal.revert, Verdict.DENY, reason)
