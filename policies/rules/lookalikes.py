"""No recipient may be mistaken for a known address: poisoned histories hold addresses made to look like a payee."""

from __future__ import annotations

from collections.abc import Iterator

from policies.addressbook import imitated
from policies.case import Case, within
from strongroom.model import Address, Finding, Pay, Verdict

RULE = "lookalikes"


def judge(case: Case) -> Iterator[Finding]:
    known = [case.document.account.safe, *(payee.address for payee in case.document.payees.values())]
    asked = {Address(i.payee.value) for i in case.compiled.unit.intents if isinstance(i, Pay)} - set(
        case.document.payees
    )
    for address in sorted(asked | {payment.recipient for payment in case.payments}):
        twin = imitated(address, known)
        reason = (
            f"`{address}` looks like `{case.name(twin)}` but is another address"
            if twin
            else "no known address looks like it"
        )
        yield within(RULE, twin is None, Verdict.DENY, reason, address, twin or "")
    if not case.payments:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid")
