"""When each standing order of the policy may be paid next, as the Kernel counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.kernel_rules import order_rule
from policies.orders import Order, amount
from policies.terms import PolicyDocument
from strongroom.model import Facts
from strongroom.quantities import format_moment


@dataclass(frozen=True, slots=True)
class OrderDate:
    """`paid_at`: the last payment, Unix time, zero for never; `None` where the Kernel does not tell. `next_at`: the
    first second at which it may be paid again, zero where it never may."""

    id: str
    said: str
    paid_at: int | None
    next_at: int


def order_dates(facts: Facts, policy: PolicyDocument) -> Iterator[OrderDate]:
    """Every order, in the policy's order; none without a Kernel, which alone keeps their pace."""
    if facts.kernel is None:
        return
    for order in policy.orders.values():
        paid_at = facts.kernel.last_paid.get(order_rule(order, policy).leaf)
        said = f"{amount(order.token, order.units, policy)} to {order.payee}"
        yield OrderDate(order.id, said, paid_at, 0 if paid_at is None else _next(order, paid_at, facts.block.timestamp))


def _next(order: Order, paid_at: int, now: int) -> int:
    """Never before `not_before`, nor a full pace after the last payment, nor in the past."""
    after = paid_at + order.every_seconds if paid_at else 0
    at = max(after, order.not_before, now)
    return at if order.in_force(at) else 0


def order_row(date: OrderDate, now: int) -> tuple[str, str, str]:
    """Name, what is paid to whom, and when next."""
    return f"  {date.id}", date.said, _when(date, now)


def _when(date: OrderDate, now: int) -> str:
    if date.paid_at is None:
        return "the Kernel does not tell when it was paid"
    if not date.next_at:
        return "not any more: its time is over"
    return "may be paid now" if date.next_at <= now else f"from {format_moment(date.next_at)}"
