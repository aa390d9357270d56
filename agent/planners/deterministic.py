"""The planner that is always there: plain rules of the mandate, no model and no key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strongroom.mandate import payroll_due
from strongroom.model import Address, Facts, Label, Labelled, Pay, Plan, Unit
from strongroom.settings import Mandate, Payment


class DeterministicPlanner:
    """`Planner` for the mandate's own operations. `addresses` is the policy's address book by payee id."""

    def __init__(self, mandate: Mandate, addresses: Mapping[str, Address]) -> None:
        self._mandate, self._addresses = mandate, addresses

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """`ask`: `operation`, `actor`, and for payroll `period` (such as `2026-11`) and `since`, its first second."""
        if ask["operation"] == "payroll":
            return self._payroll(ask, facts)
        return Plan(f"{ask['operation']}-{facts.block.number}", ask["actor"], (), "nothing to do")

    def _payroll(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        due = payroll_due(self._mandate, self._addresses, facts.outflows, ask["since"])
        plan_id = f"payroll-{ask['period']}"
        intents = tuple(_intent(plan_id, payment) for payment in due)
        units = (Unit(plan_id, facts.account, intents),) if intents else ()
        already = len(self._mandate.payroll) - len(due)
        return Plan(plan_id, ask["actor"], units, f"{len(due)} payments of {ask['period']} are due, {already} are made")


def _intent(plan_id: str, payment: Payment) -> Pay:
    return Pay(
        id=f"{plan_id}-{payment.payee}",
        token=Labelled(payment.amount.token, Label.MANDATE),
        payee=Labelled(payment.payee, Label.MANDATE),
        amount_units=Labelled(payment.amount.units, Label.MANDATE),
        reason=Labelled(f"payroll {plan_id.removeprefix('payroll-')}", Label.MANDATE),
    )
