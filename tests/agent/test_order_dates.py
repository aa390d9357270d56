"""When a standing order may be paid next is when the Kernel lets it, to the second."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.order_dates import order_dates, order_row
from policies.cases import sample
from policies.document import load
from policies.kernel_rules import order_rule
from policies.orders import Order
from policies.scenario import Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Digest, Facts, KernelState

DAY = 86_400
DOCUMENT = load(sample("payroll_only")[0])
(FIRST, *_) = DOCUMENT.orders.values()
NO_ROOT = Digest("0x" + "00" * 32)


def seen(order: Order, paid_at: int | None) -> tuple[PolicyDocument, Facts]:
    """A Kernel that remembers this payment of the order; `None`: it does not tell."""
    document = replace(DOCUMENT, orders={order.id: order})
    facts = facts_of(Scenario((), dict.fromkeys(document.tokens, 0), {}), document)
    last = {} if paid_at is None else {order_rule(order, document).leaf: paid_at}
    kernel = KernelState(NATIVE, NATIVE, True, NATIVE, 0, 1, False, NO_ROOT, NO_ROOT, 3_600, {}, last)
    return document, replace(facts, kernel=kernel)


NOW = seen(FIRST, 0)[1].block.timestamp
times = st.integers(NOW - 90 * DAY, NOW + 90 * DAY)


@given(times.filter(lambda at: at <= NOW) | st.just(0), times, times | st.just(0), st.integers(DAY, 60 * DAY))
def test_the_next_second_is_the_first_at_which_the_kernel_would_pay(
    paid_at: int, not_before: int, not_after: int, every: int
) -> None:
    """Its own three conditions, from now on: the pace, the first and the last second."""
    order = replace(FIRST, every_seconds=every, not_before=not_before, not_after=not_after)
    document, facts = seen(order, paid_at)
    (date,) = order_dates(facts, document)

    def pays(at: int) -> bool:
        due = not paid_at or at >= paid_at + every
        return at >= NOW and due and at >= not_before and (not not_after or at <= not_after)

    if date.next_at:
        assert pays(date.next_at) and not pays(date.next_at - 1)
    else:
        assert not any(pays(at) for at in (NOW, not_before, paid_at + every, not_after))


def test_each_order_is_told_in_a_line() -> None:
    said = {
        0: "may be paid now",
        NOW - DAY: "from 20",
        None: "the Kernel does not tell when it was paid",
    }
    order = replace(FIRST, not_before=0, not_after=0, every_seconds=30 * DAY)
    for paid_at, words in said.items():
        document, facts = seen(order, paid_at)
        name, what, when = order_row(next(order_dates(facts, document)), NOW)
        assert name == f"  {order.id}" and what.endswith(f" to {order.payee}") and when.startswith(words)
    document, facts = seen(replace(order, not_after=NOW - 1), 0)
    assert order_row(next(order_dates(facts, document)), NOW)[2] == "not any more: its time is over"


def test_without_a_kernel_nobody_keeps_the_pace_and_no_line_is_shown() -> None:
    document, facts = seen(FIRST, 0)
    assert list(order_dates(replace(facts, kernel=None), document)) == []
