"""Which standing orders are due by what the chain says, and which of the payments that were made are theirs.

The Kernel remembers when it paid each order last. Payments before that, and those of owners, of a former Kernel or
before there was one, are known as transfers of exactly the order's amount to its payee: those that were made while the
order would have been due are the order's, any other is metered like all payments. So no stretch of time excuses more
from the caps than the order lets out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from policies.effects import Payment
from policies.kernel_rules import order_rule
from policies.orders import Order, amount, first_day_after
from policies.remembering import kept, once
from policies.terms import PolicyDocument
from strongroom.model import Address, Digest, Facts, Outflow, TokenId
from strongroom.quantities import format_day, format_moment

Terms = tuple[TokenId, Address, int]
"""What a payment and an order have in common: token, recipient, units."""


def terms_of(order: Order, document: PolicyDocument) -> Terms:
    return order.token, document.payees[order.payee].address, order.units


@once
def due_orders(facts: Facts, document: PolicyDocument) -> tuple[Order, ...]:
    """The orders that may be paid at the facts' block, in the policy's order, whatever waits in the queue."""
    paid = last_paid(facts, document)
    return tuple(each for each in document.orders.values() if not _early(each, paid.get(each.id, 0), facts, document))


def why_not_due(order: Order, facts: Facts, document: PolicyDocument) -> str:
    """Why the order may not be paid at the facts' block, in words; empty when it may."""
    return _early(order, last_paid(facts, document).get(order.id, 0), facts, document)


def _early(order: Order, paid_at: int, facts: Facts, document: PolicyDocument) -> str:
    now = facts.block.timestamp
    if not order.in_force(now):
        return f"standing order `{order.id}` is not in force"
    if not _is_known(order, facts, document):
        return f"when standing order `{order.id}` was paid last is not known"
    if not paid_at or now >= (due_at := paid_at + order.every_seconds):
        return ""
    paid, due = format_moment(paid_at), format_moment(due_at)
    return f"standing order `{order.id}` was paid on {paid} and is due again on {due}"


def _is_known(order: Order, facts: Facts, document: PolicyDocument) -> bool:
    """The Kernel knows; without one, transfers do, which the chain's own coin leaves none of."""
    if facts.kernel is None:
        return not document.is_native(order.token)
    return order_rule(order, document).leaf in facts.kernel.last_paid


@once
def last_paid(facts: Facts, document: PolicyDocument) -> Mapping[str, int]:
    """Unix seconds at which each order was paid last, by its name, whoever paid it; an order that never was is left
    out."""
    times, _ = _assigned(facts, document)
    return {name: max(paid) for name, paid in times.items() if paid}


def metered_outflows(facts: Facts, document: PolicyDocument) -> tuple[Outflow, ...]:
    """The outflows that are no order's payment: those that count against the caps."""
    _, others = _assigned(facts, document)
    return others


def like_orders(outflows: Iterable[Outflow], document: PolicyDocument) -> tuple[Outflow, ...]:
    """Those in exactly the token, payee and amount of a standing order: only they can be an order's payments."""
    ordered = ordered_terms(document)
    return tuple(each for each in outflows if terms_of_payment(each) in ordered)


@kept
def ordered_terms(document: PolicyDocument) -> frozenset[Terms]:
    return frozenset(terms_of(each, document) for each in document.orders.values())


@once
def _assigned(facts: Facts, document: PolicyDocument) -> tuple[Mapping[str, Sequence[int]], tuple[Outflow, ...]]:
    """The times at which each order was paid, and the outflows that are no order's, oldest first."""
    outflows = sorted(facts.outflows, key=attrgetter("timestamp"))
    times = {each.id: _remembered(each, facts, document) for each in document.orders.values()}
    ordered = ordered_terms(document)
    # Only these can be an order's, and a history has many others.
    rest = [each for each in outflows if (each.token, each.recipient, each.units) in ordered]
    if not rest:
        return times, tuple(outflows)
    others = [each for each in outflows if (each.token, each.recipient, each.units) not in ordered]
    for each in document.orders.values():
        _drop_remembered(terms_of(each, document), times[each.id], rest)
    for each in document.orders.values():
        _take_apart(each, terms_of(each, document), times[each.id], rest)
    return times, tuple(sorted((*others, *rest), key=attrgetter("timestamp")))


def _remembered(order: Order, facts: Facts, document: PolicyDocument) -> list[int]:
    kernel = facts.kernel
    paid_at = kernel.last_paid.get(order_rule(order, document).leaf, 0) if kernel else 0
    return [paid_at] if paid_at else []


def _drop_remembered(terms: Terms, times: Sequence[int], rest: list[Outflow]) -> None:
    """Takes out the transfer of the block in which the Kernel paid the order: one, for the order is paid once in it."""
    found = next((each for each in rest if terms_of_payment(each) == terms and each.timestamp in times), None)
    if found:
        rest.remove(found)


def _take_apart(order: Order, terms: Terms, times: list[int], rest: list[Outflow]) -> None:
    """Moves transfers of these terms from `rest` to `times`, oldest first as they became due, where they keep their
    distance from all others there. Before `from` a former Kernel may have paid."""
    for outflow in [each for each in rest if terms_of_payment(each) == terms]:
        is_over = order.not_after and outflow.timestamp > order.not_after
        if not is_over and all(abs(outflow.timestamp - at) >= order.every_seconds for at in times):
            times.append(outflow.timestamp)
            rest.remove(outflow)


def terms_of_payment(paid: Outflow | Payment) -> Terms:
    return paid.token, paid.recipient, paid.units


def claimed(
    payments: Iterable[Payment], orders: Sequence[Order], document: PolicyDocument
) -> tuple[tuple[Order, ...], tuple[Payment, ...]]:
    """The orders among `orders` that the payments are, each payment at most one and none twice; and the payments that
    are none."""
    payments = tuple(payments)
    if not orders or not payments:
        return (), payments
    left, found, others = defaultdict[Terms, list[Order]](list), list[Order](), list[Payment]()
    for order in orders:
        left[terms_of(order, document)].append(order)
    for payment in payments:
        if same := left.get(terms_of_payment(payment)):
            found.append(same.pop(0))
        else:
            others.append(payment)
    return tuple(found), tuple(others)


def due_at_once(
    document: PolicyDocument, last_paid_by_leaf: Mapping[Digest, int], outflows: Iterable[Outflow], now: int
) -> tuple[str, ...]:
    """A line for each order that the Kernel has never paid under these terms and could pay at once, though its payee
    got that token less than `every` ago: an order under changed terms is another one to the Kernel. For people to judge
    before a changed policy is announced; what somebody got may have been anything.

    `last_paid_by_leaf` is what the standing Kernel remembers of this document's orders, `outflows` reach back as far as
    `PolicyDocument.history_seconds`, `now` is the chain's time."""
    new = (each for each in document.orders.values() if not last_paid_by_leaf.get(order_rule(each, document).leaf))
    got = ((each, _newest(each, outflows, document)) for each in new)
    return tuple(_said_at_once(each, paid, document) for each, paid in got if paid and _may_be_early(each, paid, now))


def _newest(order: Order, outflows: Iterable[Outflow], document: PolicyDocument) -> Outflow | None:
    recipient = document.payees[order.payee].address
    own = (each for each in outflows if (each.token, each.recipient) == (order.token, recipient))
    return max(own, key=lambda outflow: outflow.timestamp, default=None)


def _may_be_early(order: Order, paid: Outflow, now: int) -> bool:
    return max(now, order.not_before) < paid.timestamp + order.every_seconds


def _said_at_once(order: Order, paid: Outflow, document: PolicyDocument) -> str:
    day = format_day(first_day_after(paid.timestamp + order.every_seconds))
    got = f"{order.payee} got {amount(paid.token, paid.units, document)} on {format_moment(paid.timestamp)}"
    new = f"[orders.{order.id}] is new to the Kernel and due at once"
    return f'{new}, but {got}; if that was it, write `from = "{day}"`'
