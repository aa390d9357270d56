"""No recipient may be mistaken for somebody known: poisoned histories hold addresses made to look like a payee, and
texts hold names in other letters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from policies.addressbook import homograph, imitates_known
from policies.case import Case
from policies.remembering import kept
from policies.terms import PolicyDocument
from strongroom.model import Address, Finding, Pay, Verdict
from strongroom.untrusted import shown

RULE = "lookalikes"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def judge(case: Case) -> Iterator[Finding]:
    asked = {intent.payee.value for intent in case.compiled.unit.intents if isinstance(intent, Pay)}
    strangers = asked - set(case.document.payees)
    addresses = {Address(each) for each in strangers if _ADDRESS.fullmatch(each)}
    listed = _listed(case.document)
    for address in sorted(addresses | {payment.recipient for payment in case.payments}):
        yield listed.get(address) or _compared(address, case.document)
    yield from _names(case, strangers)
    if not case.payments:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid")


@kept
def _listed(document: PolicyDocument) -> Mapping[Address, Finding]:
    """What is said of each payee: the same in every unit."""
    return {payee.address: _compared(payee.address, document) for payee in document.payees.values()}


def _compared(address: Address, document: PolicyDocument) -> Finding:
    if (twin := imitates_known(address, document)) is None:
        return Finding(RULE, Verdict.ALLOW, "no known address looks like it", address)
    payee = document.payee_at(twin)
    reason = f"`{address}` looks like `{payee.id if payee else twin}` but is another address"
    return Finding(RULE, Verdict.DENY, reason, address, twin)


def _names(case: Case, strangers: set[str]) -> Iterator[Finding]:
    """Only what is no payee's name is compared: no two of those look the same."""
    for name in sorted(strangers):
        if twin := next((payee for payee in case.document.payees if homograph(name, payee)), None):
            reason = f"`{shown(name)}` is written like payee `{twin}`, in other letters"
            yield Finding(RULE, Verdict.DENY, reason, shown(name), twin)
