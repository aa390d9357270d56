"""Whoever is paid stands in the address book: the recipients of the calls, and everyone the rehearsal saw gain."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Address, Finding, Verdict

RULE = "payees"


def judge(case: Case) -> Iterator[Finding]:
    got = {payment.recipient for payment in case.payments} | _gained(case)
    for recipient in sorted(got):
        payee = case.document.payee_at(recipient)
        reason = f"`{payee.id}` is a listed payee" if payee else f"`{recipient}` is not in the address book"
        yield within(RULE, payee is not None, Verdict.DENY, reason, recipient)
    if not got:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid")


def _gained(case: Case) -> set[Address]:
    """Holders that gained, but for the Safe, the pools that this unit trades with, and the shares it lends for."""
    expected = {case.document.account.safe} | {exchange.pool for exchange in case.exchanges}
    expected |= {each.reserve.share for each in case.conversions}
    return {delta.holder for delta in case.rehearsal.deltas if delta.units > 0} - expected
