"""Standing orders as the policy has them: who is paid the same amount again and again, how often, and what must hold.

An order is outside the caps. What bounds it is time: whoever has the agent's key gets at most floor(T / `every`) + 1
payments of it in any time T. What is due on chain says `policies.dues`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.protocols.kernel_orders import LONGEST_COOLDOWN
from strongroom.quantities import (
    format_day,
    format_moment,
    format_seconds,
    format_units,
    parse_amount,
    parse_day,
    parse_seconds,
)

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

DAY_SECONDS = 86_400
_MONTH_SECONDS = 30 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Order:
    """Exactly `units` of `token` to the payee, at least `every_seconds` apart, from `not_before` to `not_after` (Unix
    seconds, both inclusive; zero as `not_after`: for ever). `id` is part of what the Kernel knows it by."""

    id: str
    payee: str
    token: TokenId
    units: int
    every_seconds: int
    not_before: int = 0
    not_after: int = 0

    def in_force(self, at: int) -> bool:
        """Whether `at`, Unix seconds, lies within the order's time."""
        return self.not_before <= at and (not self.not_after or at <= self.not_after)


def order(id_: str, row: Table, decimals: Mapping[TokenId, int]) -> Order:
    """The table [orders.ID]. `from` is the first day, `until` the first day on which nothing is paid any more (UTC)."""
    with row:
        amount = parse_amount(row.text("amount"), decimals, row.path("amount"))
        return Order(
            id=id_,
            payee=row.text("payee"),
            token=amount.token,
            units=amount.units,
            every_seconds=parse_seconds(row.text("every"), row.path("every")),
            not_before=parse_day(row.text("from"), row.path("from")) if row.has("from") else 0,
            not_after=parse_day(row.text("until"), row.path("until")) - 1 if row.has("until") else 0,
        )


def check_orders(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction; what passes, the Kernel takes."""
    for each in document.orders.values():
        _paid(document, each, f"[orders.{each.id}] of {name}")
        _timed(each, f"[orders.{each.id}] of {name}")


def _paid(document: PolicyDocument, each: Order, where: str) -> None:
    payee = document.payees.get(each.payee)
    if payee is None:
        known = ", ".join(f"`{id_}`" for id_ in document.payees)
        raise BadValue(each.payee, f"`payee` in {where}", f"name a payee: {known or 'there are none'}")
    most = payee.max_units.get(each.token, 0)
    if not 0 < each.units <= most:
        mend = f"`at_most` of payee `{payee.id}` allows {amount(each.token, most, document)}; change one of the two"
        raise BadValue(amount(each.token, each.units, document), f"`amount` in {where}", mend)


def _timed(each: Order, where: str) -> None:
    if not 0 < each.every_seconds <= LONGEST_COOLDOWN:
        mend = "the Kernel counts up to 136 years; write for example `3 weeks`"
        raise BadValue(format_seconds(each.every_seconds), f"`every` in {where}", mend)
    if each.not_after and each.not_after <= each.not_before:
        mend = "`until` is the first day without a payment, so it lies after `from`"
        raise BadValue(format_day(each.not_after + 1), f"`until` in {where}", mend)


def amount(token: TokenId, units: int, document: PolicyDocument) -> str:
    """`6,000.00 USDC`"""
    return f"{format_units(units, document.tokens[token].token.decimals)} {token}"


def most_payments(each: Order, seconds: int) -> int:
    """How often an order can be paid within any stretch of so many seconds, whoever has the agent's key."""
    return seconds // each.every_seconds + 1


@dataclass(frozen=True, slots=True)
class LetOut:
    """Units of a token that payees can get in some stretch of time with nobody asked, whoever has the agent's key: out
    of the buckets that payments fill, and by standing orders."""

    token: TokenId
    by_caps_units: int
    by_orders_units: int


def let_out(document: PolicyDocument, seconds: int) -> tuple[LetOut, ...]:
    """The most that the Kernel lets go to payees within any stretch of so many seconds, rounded up, by token. What is
    swapped or lent stays the Safe's."""
    by_caps, by_orders = Counter[TokenId](), Counter[TokenId]()
    classes = {payee.bucket_class for payee in document.payees.values()}
    for cap in document.all_caps():
        if cap.bucket_class in classes:
            back = -(-cap.at_once_units * seconds // cap.drain_seconds)
            by_caps[cap.token] += cap.at_once_units + back
    for each in document.orders.values():
        by_orders[each.token] += most_payments(each, seconds) * each.units
    return tuple(LetOut(token, by_caps[token], by_orders[token]) for token in {**by_caps, **by_orders})


def bounds(document: PolicyDocument) -> Iterator[str]:
    """A line for each order: what it lets out at most, and for how long."""
    for each in document.orders.values():
        paid = amount(each.token, each.units, document)
        most = most_payments(each, _MONTH_SECONDS)
        often = f"{most} payment{'' if most == 1 else 's'} in any 30 days"
        apart = f"at least {format_seconds(each.every_seconds)} apart: at most {often}"
        yield f"{each.id}: {paid} to {each.payee}, {apart}{_lasting(each)}{_twin(each, document)}"


def _lasting(each: Order) -> str:
    begins = f", from {format_day(each.not_before)}" if each.not_before else ""
    return begins + (f", none from {format_day(each.not_after + 1)} on" if each.not_after else "")


def _twin(each: Order, document: PolicyDocument) -> str:
    """Equal orders are one each to the Kernel: their names keep them apart, and both are paid."""
    terms = (each.payee, each.token, each.units)
    others = [o.id for o in document.orders.values() if o is not each and (o.payee, o.token, o.units) == terms]
    return f"; as much again by {' and '.join(f'`{other}`' for other in others)}" if others else ""


def due_after_replacement(document: PolicyDocument, last_paid_by_order: Mapping[str, int], now: int) -> tuple[str, ...]:
    """Why orders would be paid twice by a Kernel, or under a leaf, that does not know yet when they were paid last: a
    line for each, with what to write into policy.toml. Empty when nothing is paid early.

    `last_paid_by_order` holds Unix seconds by the order's name, zero or absent for never; `policies.dues.last_paid`
    reads it from facts. `now` is the chain's time: what is due again by then is not paid early."""
    paid = [(each, at) for each in document.orders.values() if (at := last_paid_by_order.get(each.id, 0))]
    early = (pair for pair in paid if max(now, pair[0].not_before) < pair[1] + pair[0].every_seconds)
    return tuple(_too_early(*pair) for pair in early)


def first_day_after(second: int) -> int:
    """The first day, UTC, that begins at a Unix second or after it, as such a second."""
    return -(-second // DAY_SECONDS) * DAY_SECONDS


def _too_early(each: Order, paid_at: int) -> str:
    first_day = first_day_after(paid_at + each.every_seconds)
    said = f"[orders.{each.id}] was paid on {format_moment(paid_at)}, which what is installed now would not know"
    if each.not_after and first_day > each.not_after:
        return f"{said}; its `until` comes before it is due again: take it out"
    return f'{said}; so that it is not paid twice, write `from = "{format_day(first_day)}"` there'
