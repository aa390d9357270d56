"""Nobody pays themselves alone: guardians look at what an operator asks for in their own favour, and no guardian signs
for a payment to themselves.

An actor that is not known, as where a guardian reads a proposal's bytes, counts as the very operator who is paid.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from policies.conflicts import guardian_of, paid_people
from policies.terms import Payee
from strongroom.model import Finding, Verdict

RULE = "conflicts"
_OPERATOR, _JOB = "operator:", "job:"


def judge(case: Case) -> Iterator[Finding]:
    paid = paid_people(case)
    for payee in paid:
        yield _asked(case, payee)
        if guardian := guardian_of(payee, case.document):
            reason = f"`{payee.id}` is a guardian, whose signature does not count for a payment to themselves"
            yield Finding(RULE, Verdict.ALLOW, reason, guardian)
    if not paid:
        yield Finding(RULE, Verdict.ALLOW, "no listed payee is paid")


def _asked(case: Case, payee: Payee) -> Finding:
    actor = case.compiled.unit.actor
    if not payee.operator:
        return Finding(RULE, Verdict.ALLOW, f"`{payee.id}` is no operator", actor)
    if not actor.startswith((_OPERATOR, _JOB)):
        reason = f"who asked is not known here, so it counts as `{payee.id}`, an operator, asking for a payment to self"
        return Finding(RULE, Verdict.ASK, reason, actor)
    reason = f"`{payee.id}` is operator `{payee.operator}`, who may not alone ask for a payment to themselves"
    return within(RULE, actor != f"{_OPERATOR}{payee.operator}", Verdict.ASK, reason, actor)
