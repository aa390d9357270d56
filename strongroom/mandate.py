"""What the mandate asks for, given facts. Pure; the planner and the treasury simulations both use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from strongroom.model import Address, Outflow, TokenId
from strongroom.settings import Mandate, Payment


def payroll_due(
    mandate: Mandate, addresses: Mapping[str, Address], outflows: Iterable[Outflow], since: int
) -> tuple[Payment, ...]:
    """The month's payments that the chain does not show as made since `since` (Unix seconds). One transfer of exactly
    the amount to the payee counts, whoever sent it: paying late is mendable, paying twice is not."""
    made = {(o.recipient, o.token, o.units) for o in outflows if o.timestamp >= since}
    return tuple(p for p in mandate.payroll if (addresses.get(p.payee), p.amount.token, p.amount.units) not in made)


def monthly_need(mandate: Mandate) -> dict[TokenId, int]:
    """Units of each token that one month's payroll takes."""
    need: dict[TokenId, int] = {}
    for payment in mandate.payroll:
        need[payment.amount.token] = need.get(payment.amount.token, 0) + payment.amount.units
    return need


def runway_months(mandate: Mandate, balances: Mapping[TokenId, int]) -> int:
    """Whole months of payroll that the payroll's own tokens cover, the scarcest deciding; rounded down.
    Nothing to pay is an error of the caller: raises `ValueError`."""
    need = monthly_need(mandate)
    if not need:
        raise ValueError("no payroll, no runway")
    return min(balances.get(token, 0) // units for token, units in need.items())
