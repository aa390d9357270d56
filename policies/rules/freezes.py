"""While a freeze is in force nothing that it means moves, whoever signs."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_least
from policies.freezes import Freeze
from policies.moments import write_moment
from policies.movement import moving, touched
from strongroom.model import Finding, Verdict

RULE = "freezes"


def judge(case: Case) -> Iterator[Finding]:
    now = case.facts.block.timestamp
    meant = [each for each in case.document.freezes if each.in_force(now) and _stops(each, case)]
    for each in meant:
        reason = f"frozen until {write_moment(each.ends_at)}: {each.reason}"
        yield at_least(RULE, now, each.ends_at, Verdict.DENY, reason, write_moment)
    if not meant:
        yield Finding(RULE, Verdict.ALLOW, "no freeze stops this unit")


def _stops(freeze: Freeze, case: Case) -> bool:
    """A move of an unknown kind is stopped by every freeze."""
    moves = (touched(move, case.document) for move in moving(case))
    return any(known is None or freeze.means(*known) for known in moves)
