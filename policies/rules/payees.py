"""Whoever is paid stands in the address book: the recipients of the calls, and everyone the rehearsal saw gain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.case import Case
from policies.remembering import kept
from policies.terms import PolicyDocument
from strongroom.model import Address, Finding, Verdict

RULE = "payees"


def judge(case: Case) -> Iterator[Finding]:
    got = {payment.recipient for payment in case.payments} | _gained(case)
    listed = _listed(case.document)
    for recipient in sorted(got):
        yield listed.get(recipient) or _unlisted(recipient)
    if not got:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid")


@kept
def _listed(document: PolicyDocument) -> Mapping[Address, Finding]:
    """What is said of each payee by its address: the same in every unit."""
    known = ((each.address, document.payee_at(each.address)) for each in document.payees.values())
    return {at: Finding(RULE, Verdict.ALLOW, f"`{payee.id}` is a listed payee", at) for at, payee in known if payee}


def _unlisted(recipient: Address) -> Finding:
    return Finding(RULE, Verdict.DENY, f"`{recipient}` is not in the address book", recipient)


def _gained(case: Case) -> set[Address]:
    """Holders that gained, but for the Safe, the pools that this unit trades with, and the shares it lends for."""
    expected = {case.document.account.safe} | {exchange.pool for exchange in case.exchanges}
    expected |= {each.reserve.share for each in case.conversions}
    return {delta.holder for delta in case.rehearsal.deltas if delta.units > 0} - expected
