"""No payee gets more in one unit than its own maximum, however the amount is split into calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Address, Finding, TokenId, Verdict

RULE = "payments"


def judge(case: Case) -> Iterator[Finding]:
    sums: Counter[tuple[Address, TokenId]] = Counter()
    for payment in case.payments:
        sums[payment.recipient, payment.token] += payment.units
    for (recipient, token), units in sums.items():
        payee = case.document.payee_at(recipient)
        most = payee.max_units.get(token, 0) if payee else 0
        reason = f"`{case.name(recipient)}` may get at most this much {token} in one unit"
        yield within(RULE, units <= most, Verdict.DENY, reason, case.show(token, units), case.show(token, most))
    if not sums:
        yield Finding(RULE, Verdict.ALLOW, "no payment to measure")
