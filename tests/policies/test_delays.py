"""Payees who are paid only after an announcement: what a policy may say, what the Kernel gets of it, what counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.delays import announced_seconds, longest_delay
from policies.document import document_hash, load
from policies.grants import compile_policy, granted_legs
from policies.metering import in_flight, promised, total
from policies.orders import Order
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import AnnouncedRun, TokenId, Verdict
from strongroom.protocols.abi import selector
from strongroom.protocols.kernel_legs import NO_LEAF, RUN, encode_legs
from strongroom.protocols.kernel_orders import OrderRule
from strongroom.protocols.kernel_runs import delay_seconds

HOUR, DAY = 3_600, 86_400
USDC = TokenId("USDC")


def slowed(document: PolicyDocument, seconds: int, *names: str) -> PolicyDocument:
    """The document with this delay for these payees, read again from its own text."""
    payees = {
        id_: replace(each, delay_seconds=seconds) if id_ in names else each for id_, each in document.payees.items()
    }
    return load(render(replace(document, payees=payees)))


@settings(deadline=None, max_examples=25)
@given(st.integers(HOUR, 30 * DAY))
def test_every_delay_is_written_and_read_back_exactly(document: PolicyDocument, seconds: int) -> None:
    assert slowed(document, seconds, "alice").payees["alice"].delay_seconds == seconds


@pytest.mark.parametrize("seconds", [1, HOUR - 1, 30 * DAY + 1])
def test_a_delay_nobody_could_veto_in_or_would_wait_for_is_refused(document: PolicyDocument, seconds: int) -> None:
    with pytest.raises(BadValue, match=r"`delay` of payee `alice`.*`1 hour` to `30 days`"):
        slowed(document, seconds, "alice")


def test_every_rule_that_pays_a_payee_carries_its_delay_and_no_other_does(document: PolicyDocument) -> None:
    """Standing orders too: else whoever has the agent's key would pay by the order at once."""
    order = Order("salary", "alice", USDC, 10**9, 21 * DAY)
    before = compile_policy(document).rules.values()
    slow = slowed(replace(document, orders={order.id: order}), DAY, "alice")
    compiled = compile_policy(slow)
    alice = document.payees["alice"].address
    delayed = [rule for rule in compiled.rules.values() if getattr(rule, "delay_seconds", 0)]
    assert {rule.recipient for rule in delayed} == {alice}
    assert {rule.delay_seconds for rule in delayed} == {DAY}
    assert any(isinstance(rule, OrderRule) for rule in delayed)
    others = [rule for rule in before if getattr(rule, "recipient", None) != alice]
    assert all(compiled.rules[rule.leaf] == rule for rule in others)


def test_a_delay_changes_hash_and_root_and_is_told_in_the_rule_s_name(document: PolicyDocument) -> None:
    slow = slowed(document, DAY, "alice")
    assert document_hash(slow) != document_hash(document)
    compiled = compile_policy(slow)
    assert compiled.root != compile_policy(document).root
    (name,) = [name for name in compiled.names.values() if name.startswith("pay alice in USDC")]
    assert name.endswith("may veto it for 1 day")


def test_facts_look_back_as_far_as_an_announcement_can_stand(document: PolicyDocument) -> None:
    assert announced_seconds(document) == 0
    slow = slowed(document, 3 * DAY, "alice", "bob")
    assert announced_seconds(slow) == 3 * DAY + document.kernel.window_seconds


def test_a_single_payment_that_waits_is_a_run_and_one_that_does_not_is_a_plain_payment(
    desk: Any, document: PolicyDocument
) -> None:
    """`pay` takes no rule with a delay."""
    slow = slowed(document, DAY, "alice")
    for name, delay in (("alice", DAY), ("bob", 0)):
        legs = granted_legs(desk.under(slow).stage(f"pay 5 USDC to {name}").compiled.calls, slow)
        assert legs is not None
        data = encode_legs(legs)
        assert longest_delay(legs) == delay_seconds(data) == delay
        assert (data[:4] == selector(RUN)) == bool(delay)


def test_one_slow_payee_makes_a_whole_payroll_wait(desk: Any, document: PolicyDocument) -> None:
    slow = slowed(document, DAY, "alice")
    calls = desk.under(slow).stage("pay 5 USDC to bob", "pay 5 USDC to alice").compiled.calls
    assert longest_delay(granted_legs(calls, slow) or ()) == DAY


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 9_000 * 10**6))
def test_what_is_announced_takes_room_from_caps_and_holdings_until_it_is_run(
    desk: Any, document: PolicyDocument, units: int
) -> None:
    slow = slowed(document, DAY, "alice")
    other = desk.under(slow).stage("pay 1 USDC to bob")
    mine = desk.under(slow).stage(f"pay {units / 10**6:.6f} USDC to alice")
    announced = _announced(mine, slow)
    cap = slow.caps["team"][USDC]
    counted = desk.with_facts(other, announced=(announced,))
    flying = total(in_flight(desk.under(slow).open(counted)), cap) - total(in_flight(desk.under(slow).open(other)), cap)
    assert flying == units == promised(counted.facts, slow)[USDC] - promised(other.facts, slow)[USDC]


def test_what_does_not_fit_beside_an_announced_run_is_for_guardians(desk: Any, document: PolicyDocument) -> None:
    """Within the caps alone, over them together."""
    slow = desk.under(slowed(document, DAY, "alice"))
    unit = slow.stage("pay 10_000 USDC to chidi")
    announced = _announced(slow.stage("pay 9_000 USDC to alice"), slow.document)
    assert slow.says(unit) == {}
    beside = slow.with_facts(unit, announced=(announced,) * 5)
    assert slow.says(beside)["caps"] is Verdict.ASK


def _announced(judged: Any, document: PolicyDocument) -> AnnouncedRun:
    legs = granted_legs(judged.compiled.calls, document)
    assert legs is not None
    return AnnouncedRun(NO_LEAF, encode_legs(legs), 0, 1, NO_LEAF)
