"""No payee gets more in one unit than its own maximum, however the amount is split into calls; nor, with nobody asked,
what already waits in the guardians' queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from policies.case import Case
from policies.dues import terms_of_payment
from policies.metering import queued_payments
from policies.remembering import kept
from policies.terms import PolicyDocument
from strongroom.model import Address, Finding, KernelCall, Measure, TokenId, Verdict

RULE = "payments"


def judge(case: Case) -> Iterator[Finding]:
    allow, deny, shown = Verdict.ALLOW, Verdict.DENY, case.paid_shown
    for to, units in case.paid.items():
        most = _most(case.document).get(to) or _nothing(*to, case)
        verdict = allow if units <= most.units else deny
        yield Finding(RULE, verdict, most.reason, shown[to], most.shown, Measure(units, most.units))
    yield from _waiting_too(case)
    if not case.paid:
        yield Finding(RULE, Verdict.ALLOW, "no payment to measure")


class _Most(NamedTuple):
    """What one recipient may get of one token, and its words."""

    units: int
    shown: str
    reason: str


@kept
def _most(document: PolicyDocument) -> Mapping[tuple[Address, TokenId], _Most]:
    """What each payee may get: the same in every unit."""
    known = ((each.address, document.payee_at(each.address)) for each in document.payees.values())
    return {
        (address, token): _Most(units, document.show(token, units), _reason(payee.id, token))
        for address, payee in known
        if payee
        for token, units in payee.max_units.items()
    }


def _nothing(recipient: Address, token: TokenId, case: Case) -> _Most:
    return _Most(0, case.show(token, 0), _reason(case.name(recipient), token))


def _reason(name: str, token: TokenId) -> str:
    return f"`{name}` may get at most this much {token} in one unit"


def _waiting_too(case: Case) -> Iterator[Finding]:
    """Paying late is mendable, paying twice is not: who signs what waits need not know that it was paid meanwhile."""
    if not isinstance(case.action, KernelCall):
        return
    waiting = {terms_of_payment(each) for each in queued_payments(case.facts, case.document)}
    for payment in case.payments:
        if terms_of_payment(payment) in waiting:
            reason = f"the very same payment to `{case.name(payment.recipient)}` waits in the guardians' queue"
            yield Finding(RULE, Verdict.ASK, reason, case.show(payment.token, payment.units))
