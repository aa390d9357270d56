"""Every call is understood to its last byte; one that is not is denied, whatever it seems to do."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case
from policies.effects import Opaque
from strongroom.model import Finding, Verdict

RULE = "calls"


def judge(case: Case) -> Iterator[Finding]:
    if not case.moves:
        yield Finding(RULE, Verdict.DENY, "the unit does nothing")
    for number, move in enumerate(case.moves, 1):
        if isinstance(move, Opaque):
            yield Finding(RULE, Verdict.DENY, f"call {number} is not understood: `{move.to}` {move.why}")
        else:
            yield Finding(RULE, Verdict.ALLOW, f"call {number} is understood", type(move).__name__.lower())
