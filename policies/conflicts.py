"""Conflicts of interest as the policy knows them: which operator, and which guardian, is one of those who are paid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Address

if TYPE_CHECKING:
    from policies.case import Case
    from policies.terms import Payee, PolicyDocument

_LONGEST_NAME = 64


def who_is_paid(row: Table) -> tuple[str, Address | None]:
    """`operator` and `guardian` of [payees.NAME]: the operator of treasury.toml, and the guardian, who is this payee.
    Raises `InputError`."""
    operator = row.text("operator", "")
    if row.has("operator") and not (0 < len(operator) <= _LONGEST_NAME and operator.isprintable()):
        mend = "write the name that treasury.toml gives the operator, or leave it out"
        raise BadValue(operator.encode("unicode_escape").decode(), row.path("operator"), mend)
    return operator, row.address("guardian") if row.has("guardian") else None


def check_conflicts(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for a payee said to be a guardian that there is not."""
    for payee in document.payees.values():
        if payee.guardian is not None and payee.guardian not in document.guardians.members:
            mend = "name one of the `members` of [guardians], or leave it out"
            raise BadValue(payee.guardian, f"`guardian` of payee `{payee.id}` in {name}", mend)


def check_operators(document: PolicyDocument, operators: Iterable[str], name: str = "policy.toml") -> None:
    """`operators` are those of treasury.toml. Raises `BadValue` for a payee said to be another."""
    known = tuple(operators)
    for payee in document.payees.values():
        if payee.operator and payee.operator not in known:
            named = ", ".join(f"`{each}`" for each in known) or "there are none"
            mend = f"name an operator of treasury.toml ({named}), or leave it out"
            raise BadValue(payee.operator, f"`operator` of payee `{payee.id}` in {name}", mend)


def paid_people(case: Case) -> tuple[Payee, ...]:
    """The listed payees that the unit's bytes pay, each once, in the document's order."""
    recipients = {payment.recipient for payment in case.payments}
    return tuple(payee for payee in case.document.payees.values() if payee.address in recipients)


def guardian_of(payee: Payee, document: PolicyDocument) -> Address | None:
    """The guardian who is this payee: the one it names, or the one with its very address."""
    return payee.guardian or (payee.address if payee.address in document.guardians.members else None)


def guardians_paid(case: Case) -> frozenset[Address]:
    """Guardians whom the unit pays, by name or at their very address: their signatures do not count for it."""
    paid = {address for payee in paid_people(case) for address in (payee.guardian, payee.address)}
    return frozenset(member for member in case.document.guardians.members if member in paid)


def conflicts_off_chain(document: PolicyDocument) -> tuple[str, ...]:
    """What the Kernel and the Safe do not know of it, in words; empty where no payee is an operator or a guardian."""
    payees = document.payees.values()
    said = any(payee.operator or guardian_of(payee, document) for payee in payees)
    return ("conflicts of interest: who asks for a payment to themselves, and whose signature does not count",) * said
