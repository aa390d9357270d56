"""No recipient may be mistaken for somebody known: poisoned histories hold addresses made to look like a payee, and
texts hold names in other letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.addressbook import homograph, imitates_known
from policies.case import Case, within
from strongroom.model import Address, Finding, Pay, Verdict
from strongroom.untrusted import shown

RULE = "lookalikes"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def judge(case: Case) -> Iterator[Finding]:
    asked = {intent.payee.value for intent in case.compiled.unit.intents if isinstance(intent, Pay)}
    strangers = asked - set(case.document.payees)
    addresses = {Address(each) for each in strangers if _ADDRESS.fullmatch(each)}
    for address in sorted(addresses | {payment.recipient for payment in case.payments}):
        twin = imitates_known(address, case.document)
        reason = (
            f"`{address}` looks like `{case.name(twin)}` but is another address"
            if twin
            else "no known address looks like it"
        )
        yield within(RULE, twin is None, Verdict.DENY, reason, address, twin or "")
    yield from _names(case, strangers)
    if not case.payments:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid")


def _names(case: Case, strangers: set[str]) -> Iterator[Finding]:
    """Only what is no payee's name is compared: no two of those look the same."""
    for name in sorted(strangers):
        if twin := next((payee for payee in case.document.payees if homograph(name, payee)), None):
            reason = f"`{shown(name)}` is written like payee `{twin}`, in other letters"
            yield Finding(RULE, Verdict.DENY, reason, shown(name), twin)
