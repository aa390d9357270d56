"""No payee gets more in one unit than its own maximum, however the amount is split into calls; nor, with nobody asked,
what already waits in the guardians' queue."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case
from policies.dues import terms_of_payment
from policies.metering import queued_payments
from strongroom.model import Finding, KernelCall, Measure, Verdict

RULE = "payments"


def judge(case: Case) -> Iterator[Finding]:
    show = case.show
    for (recipient, token), units in case.paid.items():
        payee = case.document.payee_at(recipient)
        most = payee.max_units.get(token, 0) if payee else 0
        reason = f"`{payee.id if payee else recipient}` may get at most this much {token} in one unit"
        verdict, measure = Verdict.ALLOW if units <= most else Verdict.DENY, Measure(units, most)
        yield Finding(RULE, verdict, reason, show(token, units), show(token, most), measure)
    yield from _waiting_too(case)
    if not case.paid:
        yield Finding(RULE, Verdict.ALLOW, "no payment to measure")


def _waiting_too(case: Case) -> Iterator[Finding]:
    """Paying late is mendable, paying twice is not: who signs what waits need not know that it was paid meanwhile."""
    if not isinstance(case.action, KernelCall):
        return
    waiting = {terms_of_payment(each) for each in queued_payments(case.facts, case.document)}
    for payment in case.payments:
        if terms_of_payment(payment) in waiting:
            reason = f"the very same payment to `{case.name(payment.recipient)}` waits in the guardians' queue"
            yield Finding(RULE, Verdict.ASK, reason, case.show(payment.token, payment.units))
