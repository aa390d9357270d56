"""Times and addresses as people read them."""

from __future__ import annotations

from typing import Any

from guardians.report.markup import Markup, tag
from guardians.report.plainly import machine_time, text, when
from policies.terms import PolicyDocument


def moment(at: int) -> Markup:
    """A time for people and for machines."""
    return tag("time", when(at), datetime=machine_time(at))


def holder(address: Any, document: PolicyDocument) -> str:
    """An address by the name that the policy gives it."""
    if address == document.account.safe:
        return "the Safe"
    payee = document.payee_at(address) if isinstance(address, str) else None  # type: ignore[arg-type]
    return payee.id if payee else text(address) or "nobody named"
