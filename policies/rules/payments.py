"""No payee gets more in one unit than its own maximum, however the amount is split into calls; nor, with nobody asked,
what already waits in the guardians' queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_most
from policies.dues import terms_of_payment
from policies.metering import queued_payments
from strongroom.model import Address, Finding, KernelCall, TokenId, Verdict

RULE = "payments"


def judge(case: Case) -> Iterator[Finding]:
    sums: Counter[tuple[Address, TokenId]] = Counter()
    for payment in case.payments:
        sums[payment.recipient, payment.token] += payment.units
    for (recipient, token), units in sums.items():
        payee = case.document.payee_at(recipient)
        most = payee.max_units.get(token, 0) if payee else 0
        reason = f"`{case.name(recipient)}` may get at most this much {token} in one unit"
        yield at_most(RULE, units, most, Verdict.DENY, reason, partial(case.show, token))
    yield from _waiting_too(case)
    if not sums:
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
