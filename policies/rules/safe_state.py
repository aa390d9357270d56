"""The unit leaves the Safe itself as it is: owners, threshold, modules, guard, handler, singleton; its nonce moves by
one at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from policies.case import Case, within
from strongroom.model import Finding, SafeState, SafeTx, Verdict

RULE = "safe_state"
_STEADY = tuple(each.name for each in fields(SafeState) if each.name != "nonce")


def judge(case: Case) -> Iterator[Finding]:
    before, after = case.rehearsal.safe_before, case.rehearsal.safe_after
    yield from _unchanged(case.facts.safe, before, "the rehearsal must start from the observed Safe")
    yield from _unchanged(before, after, "the unit must not change the Safe")
    yield _nonce(case, after)


def _unchanged(one: SafeState, other: SafeState, reason: str) -> Iterator[Finding]:
    changed = [name for name in _STEADY if getattr(one, name) != getattr(other, name)] if one != other else []
    yield within(RULE, not changed, Verdict.DENY, reason, ", ".join(changed))


def _nonce(case: Case, after: SafeState) -> Finding:
    action = case.action
    expected = action.nonce + 1 if isinstance(action, SafeTx) else case.facts.safe.nonce
    return within(
        RULE,
        after.nonce == expected,
        Verdict.DENY,
        "the nonce must count this unit and no other",
        str(after.nonce),
        str(expected),
    )
