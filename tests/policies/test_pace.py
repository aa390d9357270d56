"""Pace: how far apart and how often a payee is paid before guardians are asked, in windows that roll."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.delays import longest_delay
from policies.document import document_hash, load
from policies.grants import granted_legs, off_chain_only
from policies.orders import Order
from policies.pacing import Pace
from policies.rules import pace as rule
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.addresses import keccak, to_digest
from strongroom.errors import InputError
from strongroom.model import AnnouncedRun, KernelCall, Outflow, TokenId, Verdict
from strongroom.protocols.kernel_legs import NO_LEAF, encode_legs

HOUR, DAY = 3_600, 86_400
USDC, DAI = TokenId("USDC"), TokenId("DAI")
ASKED, FREE = {"pace": Verdict.ASK}, dict[str, Verdict]()


def paced(document: PolicyDocument, pace: Pace, *names: str) -> PolicyDocument:
    """The document with this pace for these payees, `chidi` where none is named, read again from its own text."""
    payees = {
        id_: replace(each, pace=pace) if id_ in (names or ("chidi",)) else each for id_, each in document.payees.items()
    }
    return load(render(replace(document, payees=payees)))


@pytest.mark.parametrize(
    ("keys", "pace"),
    [
        ('apart = "1 day"', Pace(DAY)),
        ('often = "3 per 30 days"', Pace(0, 3, 30 * DAY)),
        ('often = "1 per week"', Pace(0, 1, 7 * DAY)),
        ('apart = "36 hours"\noften = "12 per 90 days"', Pace(36 * HOUR, 12, 90 * DAY)),
    ],
)
def test_a_treasurer_s_keys_say_what_they_mean(document: PolicyDocument, keys: str, pace: Pace) -> None:
    head = "[payees.chidi]\n"
    assert load(render(document).replace(head, f"{head}{keys}\n")).payees["chidi"].pace == pace
    assert document.payees["chidi"].pace == Pace()


@pytest.mark.parametrize(("seconds", "says"), [(DAY - 1, ASKED), (DAY, FREE), (DAY + 1, FREE)])
def test_two_payments_are_apart_to_the_second(desk: Any, document: PolicyDocument, seconds: int, says: Any) -> None:
    slow = desk.under(paced(document, Pace(DAY)))
    assert slow.says(slow.stage("pay 10 USDC to chidi", past=[f"10 USDC to chidi {seconds} seconds ago"])) == says


def test_the_first_payment_waits_for_nothing(desk: Any, document: PolicyDocument) -> None:
    slow = desk.under(paced(document, Pace(DAY, 1, 30 * DAY)))
    assert slow.says(slow.stage("pay 10 USDC to chidi")) == FREE


def test_the_pace_is_the_payee_s_own(desk: Any, document: PolicyDocument) -> None:
    """Payments to others, before and now, are no matter of it."""
    slow = desk.under(paced(document, Pace(DAY)))
    assert (
        slow.says(slow.stage("pay 10 USDC to chidi", "pay 10 USDC to bob", past=["9 USDC to bob 1 hour ago"])) == FREE
    )
    assert slow.says(slow.stage("pay 10 USDC to bob", past=["9 USDC to chidi 1 hour ago"])) == FREE


@pytest.mark.parametrize(
    ("ages", "says"),
    [
        ((3, 2), FREE),
        ((3, 2, 1), ASKED),
        ((30 * DAY, 2, 1), FREE),
        ((30 * DAY - 1, 2, 1), ASKED),
        ((30 * DAY + 1, 2, 1), FREE),
    ],
)
def test_the_window_rolls_and_holds_exactly_so_many(
    desk: Any, document: PolicyDocument, ages: tuple[int, ...], says: Any
) -> None:
    slow = desk.under(paced(document, Pace(0, 3, 30 * DAY)))
    past = [f"{10 + n} USDC to chidi {age} seconds ago" for n, age in enumerate(ages)]
    assert slow.says(slow.stage("pay 10 USDC to chidi", past=past)) == says


def test_a_month_s_end_resets_nothing(desk: Any, document: PolicyDocument) -> None:
    """One per 30 days, paid on the last of November: the first of December is no new month."""
    slow = desk.under(paced(document, Pace(0, 1, 30 * DAY)))
    unit = slow.stage("pay 10 USDC to chidi", past=["10 USDC to chidi 1 day ago"], at="2026-12-01 09:00 UTC")
    assert slow.says(unit) == ASKED


def test_the_finding_holds_the_numbers(desk: Any, document: PolicyDocument) -> None:
    slow = desk.under(paced(document, Pace(DAY, 2, 7 * DAY)))
    unit = slow.stage("pay 10 USDC to chidi", past=["5 USDC to chidi 20 hours ago", "6 USDC to chidi 2 days ago"])
    apart, often = (each for each in slow.decide(unit).findings if each.rule == "pace")
    assert (apart.measured, apart.limit) == ("20 hours", "1 day")
    assert (often.measured, often.limit) == ("3", "2")
    assert apart.measure and often.measure
    assert (apart.measure.margin, often.measure.margin) == (-4 * HOUR, -1)


@pytest.mark.parametrize("pace", [Pace(DAY), Pace(0, 1, 30 * DAY)])
def test_what_waits_in_the_queue_counts(desk: Any, document: PolicyDocument, pace: Pace) -> None:
    slow = desk.under(paced(document, pace))
    assert slow.says(slow.stage("pay 10 USDC to chidi", waiting=["10 DAI to chidi"])) == ASKED
    assert slow.says(slow.stage("pay 10 USDC to chidi", waiting=["10 USDC to bob"])) == FREE


@pytest.mark.parametrize("pace", [Pace(DAY), Pace(0, 1, 30 * DAY)])
def test_what_was_announced_counts(desk: Any, document: PolicyDocument, pace: Pace) -> None:
    payees = {**document.payees, "chidi": replace(document.payees["chidi"], delay_seconds=DAY)}
    slow = desk.under(paced(replace(document, payees=payees), pace))
    unit = slow.stage("pay 10 USDC to chidi")
    legs = granted_legs(unit.compiled.calls, slow.document)
    assert legs is not None
    assert longest_delay(legs) == DAY
    run = AnnouncedRun(NO_LEAF, encode_legs(legs), 0, 1, NO_LEAF)
    assert slow.says(unit) == FREE
    assert slow.says(slow.with_facts(unit, announced=(run,))) == ASKED


def test_either_lane_keeps_the_pace(desk: Any, document: PolicyDocument) -> None:
    slow = desk.under(paced(document, Pace(DAY)))
    unit = slow.stage("pay 10 USDC to chidi", past=["10 USDC to chidi 1 hour ago"])
    legs = granted_legs(unit.compiled.calls, slow.document)
    assert legs is not None
    call = KernelCall(document.account, document.account.safe, document.account.safe, encode_legs(legs))
    assert slow.says(replace(unit, action=call))["pace"] is Verdict.ASK
    assert slow.says(unit) == ASKED


def test_two_tokens_at_once_are_one_payment_and_one_token_twice_is_two(desk: Any, document: PolicyDocument) -> None:
    """A salary in two currencies is no hurry; a split payment is."""
    slow = desk.under(paced(document, Pace(DAY, 1, DAY)))
    assert slow.says(slow.stage("pay 10 USDC to chidi", "pay 10 DAI to chidi")) == FREE
    assert slow.says(slow.stage("pay 10 USDC to chidi", "pay 5 USDC to chidi")) == ASKED


def test_a_payment_in_two_tokens_is_one_in_the_past_as_well(desk: Any, document: PolicyDocument) -> None:
    """By the transaction they left in."""
    slow = desk.under(paced(document, Pace(0, 2, 30 * DAY)))
    unit = slow.stage("pay 10 USDC to chidi")
    chidi, at = document.payees["chidi"].address, unit.facts.block.timestamp - HOUR

    def paid(*tokens: TokenId, apart: bool) -> Any:
        hashes = [to_digest(keccak(bytes([n if apart else 0]))) for n in range(len(tokens))]
        past = tuple(Outflow(token, chidi, 10**6, at, tx) for token, tx in zip(tokens, hashes, strict=True))
        return slow.says(slow.with_facts(unit, outflows=past))

    assert paid(USDC, DAI, apart=False) == FREE
    assert paid(USDC, DAI, apart=True) == ASKED
    assert paid(USDC, USDC, apart=False) == ASKED


def test_standing_orders_keep_a_pace_of_their_own(desk: Any, document: PolicyDocument) -> None:
    """Neither is a salary held up by a refund yesterday, nor a refund by the salary."""
    salary = Order("salary", "chidi", USDC, 10**9, 21 * DAY)
    slow = desk.under(paced(replace(document, orders={salary.id: salary}), Pace(DAY, 1, 30 * DAY)))
    assert slow.says(slow.stage("pay 1_000 USDC to chidi", past=["10 USDC to chidi 1 hour ago"])) == FREE
    assert slow.says(slow.stage("pay 10 USDC to chidi", past=["1_000 USDC to chidi 1 hour ago"])) == FREE
    assert slow.says(slow.stage("pay 10 USDC to chidi", waiting=["1_000 USDC to chidi"])) == FREE
    # Paid two days ago, the same amount is no salary any more.
    early = slow.stage("pay 1_000 USDC to chidi", past=["1_000 USDC to chidi 2 days ago", "9 USDC to chidi 3 days ago"])
    assert slow.says(early) == ASKED


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=20),
    st.builds(Pace, st.sampled_from([0, HOUR, DAY]), st.integers(1, 4), st.integers(1, 5 * DAY)),
)
def test_no_window_ever_sees_more_than_the_policy_says(
    desk: Any, document: PolicyDocument, steps: list[int], pace: Pace
) -> None:
    """Whoever pays whenever it is let to, at whatever moments: any window that ends with a payment holds at most
    `count`, and no two are nearer than `apart`."""
    slow = desk.under(replace(document, payees={"bob": replace(document.payees["bob"], pace=pace)}))
    case = slow.open(slow.stage("pay 10 USDC to bob"))
    now, paid = case.facts.block.timestamp, list[int]()
    for number, step in enumerate(steps):
        now += step
        past = tuple(_outflow(document, at, n) for n, at in enumerate(paid))
        facts = replace(case.facts, block=replace(case.facts.block, timestamp=now), outflows=past)
        verdicts = {finding.verdict for finding in rule.judge(replace(case, facts=facts))}
        assert (verdicts == {Verdict.ALLOW}) == _fits([*paid, now], pace), number
        if verdicts == {Verdict.ALLOW}:
            paid.append(now)


def _fits(times: list[int], pace: Pace) -> bool:
    newest = times[-1]
    near = any(newest - at < pace.apart_seconds for at in times[:-1])
    return not near and sum(newest - at < pace.window_seconds for at in times) <= pace.count


def _outflow(document: PolicyDocument, at: int, number: int) -> Outflow:
    return Outflow(USDC, document.payees["bob"].address, 10**6, at, to_digest(keccak(number.to_bytes(4, "big"))))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9), st.integers(0, 1_000), st.integers(1, 10**9))
def test_every_pace_is_written_and_read_back_exactly(
    document: PolicyDocument, apart: int, count: int, window: int
) -> None:
    pace = Pace(apart, count, window if count else 0)
    written = paced(document, pace)
    assert written.payees["chidi"].pace == pace
    assert (document_hash(written) == document_hash(document)) == (pace == Pace())


def test_facts_look_back_as_far_as_a_pace_does(document: PolicyDocument) -> None:
    known = document.history_seconds()
    assert paced(document, Pace(known)).history_seconds() == known
    assert paced(document, Pace(known + 1)).history_seconds() == known + 1
    assert paced(document, Pace(0, 3, known + 2)).history_seconds() == known + 2


def test_the_kernel_is_not_said_to_keep_a_pace(document: PolicyDocument) -> None:
    assert "`apart` and `often` of payee `chidi`" in off_chain_only(paced(document, Pace(DAY)))
    assert not any("apart" in each for each in off_chain_only(document))


@pytest.mark.parametrize(
    ("payee", "key", "said"),
    [
        ("chidi", 'often = "3 a month"', "write for example `3 per 30 days`"),
        ("chidi", 'often = "0 per day"', "write for example `3 per 30 days`"),
        ("chidi", 'often = "-1 per day"', "write for example `3 per 30 days`"),
        ("chidi", 'often = "3 per month"', "`often` in [payees.chidi]"),
        ("chidi", 'apart = "0 days"', "`apart` in [payees.chidi]"),
        ("chidi", 'appart = "1 day"', "did you mean `apart`"),
        ("grants_safe", 'apart = "1 day"', "`ETH` cannot be used for `at_most` of payee `grants_safe`"),
    ],
)
def test_a_pace_that_cannot_be_kept_is_refused_with_a_mend(
    document: PolicyDocument, payee: str, key: str, said: str
) -> None:
    """Payments in the chain's own coin leave no trace, so nobody could count them."""
    head = f"[payees.{payee}]\n"
    with pytest.raises(InputError) as refusal:
        load(render(document).replace(head, f"{head}{key}\n"))
    assert said in str(refusal.value)
