"""What may leave without guardians: in one moment, and so in any rolling window. Past it guardians are asked.

Counted is what left, what waits in the queue, and this unit, each without what standing orders pay. The Kernel's leaky
bucket is mirrored; it alone already keeps every window within the cap, which is measured besides because it is what the
policy promises. The chain's own bucket has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_most
from policies.dues import claimed, ordered_terms, terms_of, terms_of_payment, why_not_due
from policies.metering import caps_touched, in_flight, kinds_of, of_unit, orders_paid, total
from policies.spent import spent_level, spent_units
from policies.terms import Cap
from strongroom.model import Finding, KernelCall, Verdict
from strongroom.quantities import format_seconds

RULE = "caps"


def judge(case: Case) -> Iterator[Finding]:
    yield from _uncapped(case)
    for cap in caps_touched(case):
        yield from _cap(case, cap)
    yield from _orders(case)
    if not of_unit(case) and not orders_paid(case):
        yield Finding(RULE, Verdict.ALLOW, "nothing leaves")


def _orders(case: Case) -> Iterator[Finding]:
    """Which standing orders are paid, and why a payment that looks like another one counts in the caps."""
    paid, ordered = orders_paid(case), case.document.orders
    for order in paid:
        shown = case.show(order.token, order.units)
        yield Finding(RULE, Verdict.ALLOW, f"standing order `{order.id}` is outside the caps", shown, shown)
    others = {terms_of_payment(each) for each in claimed(case.payments, paid, case.document)[1]} if ordered else set()
    for order in ordered.values() if not others.isdisjoint(ordered_terms(case.document)) else ():
        if order not in paid and terms_of(order, case.document) in others:
            why = why_not_due(order, case.facts, case.document) or f"standing order `{order.id}` is paid already"
            yield Finding(RULE, Verdict.ALLOW, f"{why}; the payment counts in the caps")


def _uncapped(case: Case) -> Iterator[Finding]:
    for token, name in kinds_of(of_unit(case)):
        if not any(cap.token == token and name in (None, cap.bucket_class) for cap in caps_touched(case)):
            closed = f"no cap for {token} in {name or 'any class'}; a class without one is closed"
            yield Finding(RULE, Verdict.DENY, closed)


def _cap(case: Case, cap: Cap) -> Iterator[Finding]:
    now = total(in_flight(case), cap) + total(of_unit(case), cap)
    spent, used = spent_units(case, cap, cap.window_seconds) + now, spent_level(case, cap) + now
    window = f"{cap.token} in {cap.bucket_class} within {format_seconds(cap.window_seconds)}, past and waiting"
    yield at_most(RULE, spent, cap.cap_units, Verdict.ASK, window, partial(case.show, cap.token))
    moment = f"{cap.token} in {cap.bucket_class} at one moment, less what has flowed back since"
    yield at_most(RULE, used, cap.at_once_units, Verdict.ASK, moment, partial(case.show, cap.token))
    if case.document.is_native(cap.token) and not isinstance(case.action, KernelCall):
        # The Kernel meters ether itself (rule `grants`); the owner lane has nobody but the guardians.
        yield Finding(RULE, Verdict.ASK, f"{cap.token} leaves no transfer log, so its past cannot be counted")
