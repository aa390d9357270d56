"""Standing orders: what a policy may say of them, when one is due, and that nobody counts them but the Kernel."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.dues import due_at_once, last_paid, metered_outflows, why_not_due
from policies.grants import compile_policy, granted_legs, shortage
from policies.kernel.calls import Run
from policies.kernel.evaluator import evaluate
from policies.kernel.rules import Leg
from policies.kernel.rules import Order as OrderOnChain
from policies.kernel.rules import Pay as PayOnChain
from policies.kernel.values import Facts as Around
from policies.kernel.values import Outcome, Refusal, State, Terms
from policies.kernel_rules import order_rule
from policies.metering import all_of_unit, in_flight, of_unit, orders_paid
from policies.orders import Order, bounds, due_after_replacement, let_out, most_payments
from policies.scenario import NOW, Scenario, facts_of
from policies.template import render
from policies.terms import Cap, PolicyDocument
from strongroom.addresses import keccak, to_digest
from strongroom.errors import InputError
from strongroom.model import Address, Bucket, Call, Facts, KernelCall, KernelState, Outflow, TokenId, Verdict
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import bucket_key
from strongroom.protocols.kernel_legs import AnyLeg, Payment, decode_all_legs, encode_legs
from strongroom.protocols.kernel_orders import OrderPayment, order_leg
from strongroom.quantities import parse_day

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC, DAY = TokenId("USDC"), 86_400
AGENT = Address("0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
KERNEL = Address("0x2222222222222222222222222222222222222222")
SALARY = '[orders.alice_salary]\npayee = "alice"\namount = "6_000 USDC"\nevery = "3 weeks"\n'


def policy(*orders: Order) -> PolicyDocument:
    """The small sample with these orders and no others."""
    return replace(load(sample("payroll_only")[0]), orders={each.id: each for each in orders})


def large(*orders: Order) -> PolicyDocument:
    """The larger sample with these orders and no others, and without its rules of value."""
    shipped = replace(load(sample("active_treasury")[0]), outflow=None, holdings=None, runway=None)
    return replace(shipped, orders={each.id: each for each in orders})


def salary(**changes: Any) -> Order:
    return replace(Order("alice_salary", "alice", USDC, 6_000 * 10**6, 21 * DAY), **changes)


def text_with(orders: str) -> str:
    return render(policy()) + orders


# What a policy says


def test_an_order_is_read_with_its_days_in_utc() -> None:
    order = load(text_with(f'{SALARY}from = "2026-01-01"\nuntil = "2027-01-01"\n')).orders["alice_salary"]
    assert (order.payee, order.token, order.units, order.every_seconds) == ("alice", USDC, 6_000 * 10**6, 21 * DAY)
    assert (order.not_before, order.not_after) == (1_767_225_600, 1_798_761_600 - 1)
    assert order.in_force(order.not_before) and order.in_force(order.not_after)
    assert not order.in_force(order.not_before - 1) and not order.in_force(order.not_after + 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('payee = "alice"', 'payee = "mallory"', "name a payee: `alice`, `bob`, `auditor`"),
        ("6_000 USDC", "6_000 GOLD", "a listed token"),
        ("6_000 USDC", "0 USDC", "`at_most` of payee `alice` allows 12,000.00 USDC"),
        ("6_000 USDC", "12_000.000001 USDC", "`at_most` of payee `alice` allows 12,000.00 USDC"),
        ("3 weeks", "0 days", "write a duration"),
        ("3 weeks", "50_000 days", "136 years"),
        ("3 weeks", "1 month", "write a duration"),
        ('every = "3 weeks"', 'every = "3 weeks"\nfrom = "2026-02-30"', "write a day, for example `2026-11-01`"),
        ('every = "3 weeks"', 'every = "3 weeks"\nfrom = "1. 2. 2026"', "write a day"),
        ('every = "3 weeks"', 'every = "3 weeks"\nuntil = "1969-12-31"', "write a day"),
        ('every = "3 weeks"', 'every = "3 weeks"\nuntil = "1970-01-01"', "lies after `from`"),
        (
            'every = "3 weeks"',
            'every = "3 weeks"\nfrom = "2026-02-01"\nuntil = "2026-02-01"',
            "`2026-02-01` cannot be used for `until` in [orders.alice_salary]",
        ),
        ('every = "3 weeks"', 'every = "3 weeks"\nform = "2026-02-01"', "did you mean `from`"),
    ],
)
def test_an_order_that_the_kernel_or_the_payee_s_maximum_contradicts_is_refused(old: str, new: str, said: str) -> None:
    assert old in SALARY
    with pytest.raises(InputError, match=re.escape(said)):
        load(text_with(SALARY.replace(old, new)))


_DAYS = st.integers(1, 20_000).map(lambda day: day * DAY)
_ORDERS = st.builds(
    lambda name, units, every, days, ends: Order(
        name, "alice", USDC, units, every, min(days), max(days) - 1 if ends and max(days) > min(days) else 0
    ),
    st.from_regex(r"[a-z]{1,12}", fullmatch=True),
    st.integers(1, 12_000 * 10**6),
    st.integers(1, 2**32 - 1),
    st.tuples(_DAYS, _DAYS),
    st.booleans(),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(_ORDERS, max_size=4, unique_by=lambda order: order.id))
def test_orders_are_written_as_they_are_read_and_each_is_a_leaf_of_its_own(orders: list[Order]) -> None:
    document = policy(*orders)
    assert load(render(document)) == document
    assert len(compile_policy(document).rules) == len(compile_policy(policy()).rules) + len(orders)


@settings(deadline=None, max_examples=50)
@given(_ORDERS, _ORDERS)
def test_any_change_of_an_order_changes_leaf_root_and_hash(one: Order, other: Order) -> None:
    same = one == other
    assert (compile_policy(policy(one)).root == compile_policy(policy(other)).root) is same
    assert (document_hash(policy(one)) == document_hash(policy(other))) is same


def test_equal_orders_of_two_names_are_two_and_said_to_be() -> None:
    document = policy(salary(), salary(id="bonus"))
    one, other = bounds(document)
    assert one.endswith("in any 30 days; as much again by `bonus`")
    assert other.endswith("as much again by `alice_salary`")


def test_the_bound_of_a_policy_counts_every_order_once_more_than_it_is_due() -> None:
    document = policy(salary(), salary(id="weekly", units=10**6, every_seconds=7 * DAY))
    (sums,) = let_out(document, 30 * DAY)
    assert sums.by_orders_units == 2 * 6_000 * 10**6 + 5 * 10**6
    assert sums.by_caps_units == 30_000 * 10**6


@given(st.lists(st.integers(0, 400 * DAY), max_size=60), st.integers(1, 60 * DAY), st.integers(0, 100 * DAY))
def test_no_stretch_of_time_sees_more_payments_than_the_bound(tries: list[int], every: int, stretch: int) -> None:
    """Whoever tries at these times gets an order paid at most so often."""
    order, paid = salary(every_seconds=every), list[int]()
    for at in sorted(tries):
        if not paid or at >= paid[-1] + every:
            paid.append(at)
    for first in paid:
        assert sum(first <= at <= first + stretch for at in paid) <= most_payments(order, stretch)


# Monthly paydays and a time in seconds


@given(st.integers(0, 2**20), st.lists(st.integers(0, 7 * DAY - 1), min_size=24, max_size=24))
def test_three_weeks_never_hold_up_a_monthly_payday_even_a_week_late(first_month: int, late: list[int]) -> None:
    """Whatever the calendar, and however late, up to a week, each payday was: the next one is due."""
    year, month = 1970 + first_month % 120, first_month % 12
    from datetime import UTC, datetime

    paid_at = 0
    for seconds in late:
        payday = int(datetime(year + month // 12, month % 12 + 1, 1, 9, tzinfo=UTC).timestamp()) + seconds
        assert not paid_at or payday >= paid_at + salary().every_seconds
        paid_at, month = payday, month + 1


def test_three_weeks_let_a_thief_have_one_payment_too_many_in_a_month_and_not_two() -> None:
    assert most_payments(salary(), 31 * DAY) == 2
    assert most_payments(salary(every_seconds=15 * DAY), 31 * DAY) == 3


# When one is due


@dataclass
class Treasury:
    """A Kernel as its evaluator knows it, the transfers that left the Safe, and what the engine sees of both."""

    document: PolicyDocument
    now: int = NOW
    outflows: list[tuple[Outflow, bool]] = field(default_factory=list)
    """With each whether it was an order's."""
    state: State = field(init=False)

    def __post_init__(self) -> None:
        compiled = compile_policy(self.document)
        buckets = {
            (each.token, each.bucket_class): Bucket(each.capacity_units, 0, self.now, each.drain_seconds)
            for each in compiled.buckets
        }
        self.state = State(AGENT, compiled.root, frozenset(), buckets)

    @property
    def facts(self) -> Facts:
        compiled = compile_policy(self.document)
        quiet = facts_of(Scenario((), {USDC: 10**15}, {}), self.document)
        kernel = KernelState(
            KERNEL, self.document.account.safe, True, AGENT, 0, 1, False, compiled.root,
            document_hash(self.document), DAY, {bucket_key(*key): each for key, each in self.state.buckets.items()},
            {order_rule(o, self.document).leaf: self.state.last_paid.get(order_rule(o, self.document).leaf, 0)
             for o in self.document.orders.values()},
        )  # fmt: skip
        outflows = tuple(outflow for outflow, _ in self.outflows)
        return replace(quiet, block=replace(quiet.block, timestamp=self.now), kernel=kernel, outflows=outflows)

    def legs(self, payments: list[tuple[str, int]]) -> tuple[AnyLeg, ...] | None:
        return granted_legs(tuple(call(self.document, *each) for each in payments), self.document, self.facts)

    def run(self, legs: tuple[AnyLeg, ...]) -> bool:
        """Whether the evaluator, which asks nobody, lets the legs go; then they have gone."""
        terms = Terms(KERNEL, self.document.account.safe, frozenset(), DAY, DAY, 7 * DAY)
        around = Around(self.now, tuple(Outcome(spent_units=leg.units) for leg in legs))
        after = evaluate(self.state, Run(tuple(map(on_chain, legs))), AGENT, around, terms)
        if isinstance(after, Refusal):
            return False
        self.state = after
        self.outflows += [(self.outflow(leg.rule.recipient, leg.units), isinstance(leg, OrderPayment)) for leg in legs]
        return True

    def outflow(self, recipient: Address, units: int) -> Outflow:
        made = to_digest(keccak(str((self.now, len(self.outflows))).encode()))
        return Outflow(USDC, recipient, units, self.now, made)


def call(document: PolicyDocument, payee: str, units: int) -> Call:
    data = encode_transfer(document.payees[payee].address, units)
    return Call(document.account, document.tokens[USDC].token.address, 0, data)


def on_chain(leg: AnyLeg) -> Leg:
    """The leg as the Kernel would read it, written down a second time."""
    if isinstance(leg, OrderPayment):
        times = (leg.rule.cooldown_seconds, leg.rule.not_before, leg.rule.not_after, leg.rule.delay_seconds)
        read = OrderOnChain(leg.rule.name, leg.rule.token, leg.rule.recipient, leg.rule.units, *times)
        return Leg(read, leg.proof, leg.units)
    assert isinstance(leg, Payment)
    return Leg(PayOnChain(*leg.rule.fields), leg.proof, leg.units)


_AMOUNTS = (5_000 * 10**6, 6_000 * 10**6)
_PAID = st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from(_AMOUNTS))
_TIMES = st.sampled_from([7 * DAY - 1, 7 * DAY, 14 * DAY, 21 * DAY - 1, 21 * DAY])
"""Often to the second: there an order is due, or not yet."""
_STEPS = st.lists(
    st.tuples(st.integers(1, 12 * DAY) | _TIMES, st.lists(_PAID, min_size=1, max_size=3)), min_size=1, max_size=10
)
_KNOWN = st.lists(
    st.builds(
        lambda payee, units, every, begins, lasts: Order(
            "", payee, USDC, units, every, NOW + begins if begins else 0, NOW + begins + lasts if lasts else 0
        ),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(_AMOUNTS),
        st.integers(1, 30 * DAY) | _TIMES,
        st.sampled_from([0, 0, 14 * DAY]),
        st.sampled_from([0, 0, 20 * DAY]),
    ),
    max_size=4,
).map(lambda orders: [replace(order, id=f"order{n}") for n, order in enumerate(orders)])


@settings(deadline=None, max_examples=100)
@given(_KNOWN, _STEPS)
def test_what_the_engine_grants_and_finds_room_for_is_exactly_what_the_evaluator_lets_go(
    orders: list[Order], steps: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    """Both ways, at every step of a history; a run that is refused changes nothing."""
    treasury = Treasury(policy(*orders))
    for seconds, payments in steps:
        treasury.now += seconds
        legs = treasury.legs(payments)
        assert legs is not None and decode_all_legs(encode_legs(legs)) == legs
        is_granted = not shortage(legs, treasury.facts, treasury.document)
        assert is_granted is treasury.run(legs)


@settings(deadline=None, max_examples=100)
@given(_KNOWN.map(lambda orders: [replace(o, not_before=0) for o in orders]), _STEPS)
def test_the_caps_count_exactly_what_the_kernel_charged_to_buckets(
    orders: list[Order], steps: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    treasury = Treasury(policy(*orders))
    for seconds, payments in steps:
        treasury.now += seconds
        legs = treasury.legs(payments)
        assert legs is not None
        treasury.run(legs)
        charged = Counter((o.recipient, o.units, o.timestamp) for o, is_order in treasury.outflows if not is_order)
        counted = metered_outflows(treasury.facts, treasury.document)
        assert Counter((o.recipient, o.units, o.timestamp) for o in counted) == charged


@settings(deadline=None, max_examples=100)
@given(_KNOWN, st.lists(st.tuples(st.integers(0, 90 * DAY), _PAID), max_size=20), st.integers(0, 60 * DAY))
def test_no_history_excuses_more_from_the_caps_than_the_orders_let_out(
    orders: list[Order], history: list[tuple[int, tuple[str, int]]], stretch: int
) -> None:
    """Whoever made the transfers, and with no Kernel that remembers: the policy's promise holds over any stretch."""
    document = policy(*orders)
    made = [
        Outflow(USDC, document.payees[payee].address, units, NOW - age, to_digest(keccak(str(n).encode())))
        for n, (age, (payee, units)) in enumerate(history)
    ]
    facts = replace(facts_of(Scenario((), {USDC: 10**15}, {}), document), outflows=tuple(made))
    counted = {each.tx_hash for each in metered_outflows(facts, document)}
    excused = [each for each in made if each.tx_hash not in counted]
    most = sum(most_payments(each, stretch) for each in orders)
    for first in excused:
        assert sum(first.timestamp <= each.timestamp <= first.timestamp + stretch for each in excused) <= most


def test_payments_exactly_as_far_apart_as_must_be_are_all_the_order_s() -> None:
    """And one a second too early is not; whether a Kernel remembers or only transfers tell."""
    treasury = Treasury(policy(salary()))
    for seconds in (0, 21 * DAY, 21 * DAY - 1, 1, 21 * DAY):
        treasury.now += seconds
        assert treasury.run(treasury.legs([("alice", 6_000 * 10**6)]) or ())
    (early,) = [outflow for outflow, is_order in treasury.outflows if not is_order]
    facts = treasury.facts
    for seen in (facts, replace(facts, kernel=None)):
        assert metered_outflows(seen, treasury.document) == (early,)
        assert last_paid(seen, treasury.document) == {"alice_salary": treasury.now}


# When the Kernel, or an order's terms, are replaced


@given(st.integers(1, 2**33), st.integers(1, 60 * DAY), st.integers(0, 80 * DAY))
def test_what_a_replacement_is_told_to_write_is_never_too_early_and_never_refused_again(
    paid_at: int, every: int, later: int
) -> None:
    order, now = salary(every_seconds=every), paid_at + later
    lines = due_after_replacement(policy(order), {"alice_salary": paid_at}, now)
    assert bool(lines) is (now < paid_at + every)
    for line in lines:
        (day,) = re.findall(r'write `from = "([0-9-]{10,})"`', line)
        begins = parse_day(day, "here")
        assert paid_at + every <= begins < paid_at + every + DAY
        mended = policy(replace(order, not_before=begins))
        assert due_after_replacement(mended, {"alice_salary": paid_at}, now) == ()


def test_an_order_that_ends_before_it_is_due_again_is_to_be_taken_out() -> None:
    order = salary(not_after=NOW + 5 * DAY)
    (line,) = due_after_replacement(policy(order), {"alice_salary": NOW}, NOW)
    assert line.endswith("its `until` comes before it is due again: take it out")
    assert due_after_replacement(policy(order), {"alice_salary": 0, "gone": NOW}, NOW) == ()


def test_a_raise_is_a_new_order_to_the_kernel_and_said_to_be_before_it_is_announced() -> None:
    old, new = policy(salary()), policy(salary(units=7_000 * 10**6))
    alice = old.payees["alice"].address
    paid = Outflow(USDC, alice, 6_000 * 10**6, NOW - DAY, to_digest(keccak(b"paid")))
    remembered = {order_rule(salary(), old).leaf: NOW - DAY}
    assert due_at_once(old, remembered, [paid], NOW) == ()
    (line,) = due_at_once(new, remembered, [paid], NOW)
    assert line == (
        "[orders.alice_salary] is new to the Kernel and due at once, but alice got 6,000.00 USDC on "
        '2030-03-16 at 17:46 UTC; if that was it, write `from = "2030-04-07"`'
    )
    waits = policy(salary(units=7_000 * 10**6, not_before=parse_day("2030-04-07", "here")))
    assert due_at_once(waits, remembered, [paid], NOW) == due_at_once(new, remembered, [paid], NOW + 21 * DAY) == ()


# Before the engine, which may have no Kernel to ask: then transfers say when an order was paid last


def says(desk: Any, document: PolicyDocument, *requests: str, **keys: Any) -> dict[str, Verdict]:
    own = desk.under(document)
    return dict(own.says(own.stage(*requests, **keys)))


def narrow(document: PolicyDocument) -> PolicyDocument:
    """With caps and a tier that no salary fits in."""
    cap = document.caps["team"][USDC]
    tiers = (replace(cap.tiers[0], above_units=10**6),)
    small = replace(cap, cap_units=2 * 10**6, at_once_units=10**6, tiers=tiers)
    return with_team(document, small)


def with_team(document: PolicyDocument, cap: Cap) -> PolicyDocument:
    return replace(document, caps={**document.caps, "team": {**document.caps["team"], USDC: cap}})


def test_an_order_needs_neither_caps_nor_tiers_and_only_its_exact_terms_do(desk: Any) -> None:
    document = narrow(large(salary()))
    assert says(desk, document, "pay 6_000 USDC to alice", by="mandate") == {}
    refused = {"caps": ASK, "approvals": ASK}
    assert says(desk, document, "pay 6_000.000001 USDC to alice") == refused
    assert says(desk, document, "pay 5_999.999999 USDC to alice") == refused
    assert says(desk, document, "pay 6_000 USDC to bob") == refused
    assert says(desk, replace(document, orders={}), "pay 6_000 USDC to alice") == refused


def test_an_order_excuses_one_payment_be_it_the_kernels_or_one_that_waits(desk: Any) -> None:
    """The owners queued alice's salary, and the Kernel is about to pay it: both may execute, so one takes room. A
    second order of the same terms excuses the other."""
    requests = ("pay 6_000 USDC to alice", "pay 100 USDC to bob")
    for orders, waits in (((salary(),), 6_000 * 10**6), ((salary(), salary(id="bonus")), 0)):
        own = desk.under(large(*orders))
        free = own.stage(*requests)
        legs = granted_legs(free.compiled.calls, own.document, free.facts)
        assert legs is not None and isinstance(legs[0], OrderPayment)
        by_kernel = KernelCall(own.document.account, AGENT, KERNEL, encode_legs(legs))
        beside = replace(own.stage(*requests, waiting=["6_000 USDC to alice"]), action=by_kernel)
        case = own.open(beside)
        assert [each.id for each in orders_paid(case)] == ["alice_salary"]
        assert sum(each.units for each in of_unit(case)) == 100 * 10**6
        assert sum(each.units for each in in_flight(case)) == waits
        by_owners = own.open(own.stage(*requests, waiting=["6_000 USDC to alice"]))
        excused = len(orders_paid(by_owners)) + (not in_flight(by_owners))
        assert excused == len(orders)


@pytest.mark.parametrize(
    ("changes", "in_force"),
    [
        ({"not_before": NOW}, True),
        ({"not_before": NOW + 1}, False),
        ({"not_after": NOW}, True),
        ({"not_after": NOW - 1}, False),
    ],
)
def test_an_order_begins_and_ends_with_its_seconds(desk: Any, changes: dict[str, int], in_force: bool) -> None:
    found = says(desk, narrow(large(salary(**changes))), "pay 6_000 USDC to alice")
    assert found == ({} if in_force else {"caps": ASK, "approvals": ASK})


def test_of_two_equal_payments_one_is_the_order_s_and_of_two_equal_orders_each_has_one(desk: Any) -> None:
    requests = ["pay 6_000 USDC to alice"] * 2
    for orders, others in (((salary(),), 1), ((salary(), salary(id="bonus")), 0)):
        own = desk.under(large(*orders))
        case = own.open(own.stage(*requests))
        assert [each.id for each in orders_paid(case)] == [each.id for each in orders]
        assert [each.units for each in of_unit(case)] == [6_000 * 10**6] * others
        assert len(all_of_unit(case)) == 2


def test_an_order_still_counts_in_what_no_signature_lifts(desk: Any) -> None:
    """The payee's `at_most`, and the class's `never_above`, of one unit."""
    document = large(salary())
    assert says(desk, document, "pay 6_000 USDC to alice", "pay 9_001 USDC to alice") == {"payments": DENY}
    cap = replace(document.caps["team"][USDC], never_units=16_000 * 10**6)
    low = with_team(document, cap)
    assert says(desk, low, "pay 6_000 USDC to alice", "pay 10_000 USDC to bob") == {}
    assert says(desk, low, "pay 6_000 USDC to alice", "pay 10_000.000001 USDC to bob") == {"approvals": DENY}


def test_what_waits_for_signatures_is_the_order_s_payment_and_no_other_one_s(desk: Any) -> None:
    """Once queued by whomever it takes no room, and a second one is not due beside it."""
    document, waiting = narrow(large(salary())), ["6_000 USDC to alice"]
    assert says(desk, document, "pay 1 USDC to bob", waiting=waiting) == {}
    refused = {"caps": ASK, "approvals": ASK}
    assert says(desk, document, "pay 6_000 USDC to alice", waiting=waiting) == refused
    assert says(desk, document, "pay 1 USDC to bob", waiting=[*waiting, *waiting]) == {"caps": ASK}


def test_a_salary_that_was_paid_takes_no_room_and_a_second_one_does(desk: Any) -> None:
    document, past = narrow(large(salary())), ["6_000 USDC to alice 2 hours ago"]
    assert says(desk, document, "pay 1 USDC to bob", past=past) == {}
    assert says(desk, document, "pay 1 USDC to bob", past=[*past, "6_000 USDC to alice 1 hour ago"]) == {"caps": ASK}


def test_the_second_of_two_equal_payments_is_granted_by_the_pay_rule() -> None:
    legs = Treasury(policy(salary())).legs([("alice", 6_000 * 10**6)] * 2)
    assert [type(leg) for leg in legs or ()] == [OrderPayment, Payment]


def test_why_a_salary_is_not_due_is_said_where_it_counts_in_the_caps(desk: Any) -> None:
    own = desk.under(large(salary()))
    judged = own.stage("pay 6_000 USDC to alice", past=["6_000 USDC to alice 5 days ago"])
    (said,) = [f for f in own.decide(judged).findings if "standing order" in f.reason]
    assert (said.rule, said.verdict) == ("caps", ALLOW)
    assert said.reason == (
        "standing order `alice_salary` was paid on 2030-03-12 at 17:46 UTC and is due again on "
        "2030-04-02 at 17:46 UTC; the payment counts in the caps"
    )


def test_a_kernel_that_did_not_say_when_it_paid_an_order_pays_none_by_it() -> None:
    treasury = Treasury(policy(salary()))
    facts = treasury.facts
    assert facts.kernel is not None
    silent = replace(facts, kernel=replace(facts.kernel, last_paid={}))
    legs = treasury.legs([("alice", 6_000 * 10**6)])
    assert legs is not None and isinstance(legs[0], OrderPayment)
    assert shortage(legs, facts, treasury.document) == ""
    assert shortage(legs, silent, treasury.document).endswith("was paid last is not known")
    assert granted_legs((call(treasury.document, "alice", 6_000 * 10**6),), treasury.document, silent) != legs
    twice = shortage(legs * 2, facts, treasury.document)
    assert twice == "standing order `alice_salary` is paid twice at once, here or by what waits in the queue"


@pytest.mark.parametrize(
    "other", [salary(units=7_000 * 10**6), salary(every_seconds=DAY), salary(id="other"), salary(not_after=NOW + DAY)]
)
def test_a_leg_of_an_order_that_is_none_of_the_policy_s_has_no_room(other: Order) -> None:
    treasury, stranger = Treasury(policy(salary())), Treasury(policy(other))
    legs = stranger.legs([("alice", other.units)])
    assert legs is not None and isinstance(legs[0], OrderPayment)
    assert shortage(legs, treasury.facts, treasury.document) == "a standing order is none of the policy's"


def test_a_leg_that_does_not_fit_its_order_is_not_read() -> None:
    (leg,) = Treasury(policy(salary())).legs([("alice", 6_000 * 10**6)]) or ()
    assert isinstance(leg, OrderPayment)
    rule, units = leg.rule.encoded, leg.units
    assert order_leg(rule, leg.proof, (units, 0, 0), b"") == leg
    for typed, data in (((units + 1, 0, 0), b""), ((units, 1, 0), b""), ((units, 0, 1), b""), ((units, 0, 0), b"1")):
        with pytest.raises(ValueError, match="does not fit"):
            order_leg(rule, leg.proof, typed, data)
    with pytest.raises(ValueError, match="does not fit"):
        order_leg(rule + bytes(32), leg.proof, (units, 0, 0), b"")


@given(_KNOWN, st.lists(st.tuples(st.integers(0, 90 * DAY), _PAID), max_size=12))
@settings(deadline=None, max_examples=100)
def test_an_order_s_last_payment_is_never_older_than_the_kernel_remembers(
    orders: list[Order], history: list[tuple[int, tuple[str, int]]]
) -> None:
    """Owners may have paid since; they never make an order due that the Kernel would refuse."""
    treasury = Treasury(policy(*orders))
    document = treasury.document
    treasury.state = replace(
        treasury.state, last_paid={order_rule(o, document).leaf: NOW - o.every_seconds + 1 for o in orders}
    )
    for age, (payee, units) in history:
        made = treasury.outflow(document.payees[payee].address, units)
        treasury.outflows.append((replace(made, timestamp=NOW - age), False))
    facts = treasury.facts
    for order in orders:
        assert last_paid(facts, document)[order.id] >= NOW - order.every_seconds + 1
        assert why_not_due(order, facts, document)
