"""Every call is understood to its last byte; one that is not is denied, whatever it seems to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies.case import Case
from policies.effects import Opaque
from strongroom.model import Finding, Verdict

RULE = "calls"


def judge(case: Case) -> Iterator[Finding]:
    if not case.moves:
        yield Finding(RULE, Verdict.DENY, "the unit does nothing")
    unread = [(number, move) for number, move in enumerate(case.moves, 1) if isinstance(move, Opaque)]
    for number, move in unread:
        yield Finding(RULE, Verdict.DENY, f"call {number} is not understood: `{move.to}` {move.why}")
    if not unread:
        kinds = Counter(map(type, case.moves))
        counted = ", ".join(f"{n} {kind.__name__.lower()}{'' if n == 1 else 's'}" for kind, n in kinds.items())
        yield Finding(RULE, Verdict.ALLOW, "each call is understood", counted)
