"""Business hours: when value moves without a question, by whose clock, and what they bind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash, load
from policies.grants import granted_legs, off_chain_only
from policies.hours import WEEK, Hours
from policies.orders import Order
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import KernelCall, TokenId, Verdict
from strongroom.protocols.kernel_legs import encode_legs

OFFICE = Hours(WEEK[:5], 9 * 60, 18 * 60, "Europe/Berlin", Verdict.ASK, ("2026-12-25",))
TABLE = """
[hours]
days = ["Mon", "Tue", "Wed", "Thu", "Fri"]
open = "09:00"
close = "18:00"
timezone = "Europe/Berlin"
holidays = ["2026-12-25"]
otherwise = "ask"
"""
SUNDAY, MONDAY = "2026-11-22 14:00 UTC", "2026-11-23 14:00 UTC"


def kept(document: PolicyDocument, **changes: Any) -> PolicyDocument:
    """The document with business hours, read again from its own text."""
    return load(render(replace(document, hours=replace(OFFICE, **changes))))


def instant(text: str) -> int:
    """`2026-11-22 14:00:00`, UTC, as a Unix second."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_treasurer_s_table_says_what_it_means(document: PolicyDocument) -> None:
    assert load(render(document) + TABLE).hours == OFFICE
    assert document.hours is None


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ("2026-11-23 07:59:59 UTC", Verdict.ASK),
        ("2026-11-23 08:00 UTC", Verdict.ALLOW),
        ("2026-11-23 16:59:59 UTC", Verdict.ALLOW),
        ("2026-11-23 17:00 UTC", Verdict.ASK),
        ("2026-11-22 12:00 UTC", Verdict.ASK),
        ("2026-12-24 12:00 UTC", Verdict.ALLOW),
        ("2026-12-25 12:00 UTC", Verdict.ASK),
    ],
)
def test_payments_are_asked_for_from_the_very_second_at_which_business_ends(
    desk: Any, document: PolicyDocument, at: str, verdict: Verdict
) -> None:
    """Berlin is an hour ahead of UTC in winter."""
    office = desk.under(kept(document))
    judged = office.stage("pay 10 USDC to alice", at=at)
    assert office.decide(judged).verdict is verdict
    assert office.says(judged) == ({} if verdict is Verdict.ALLOW else {"hours": verdict})


def test_outside_business_hours_nothing_moves_where_the_policy_says_so(desk: Any, document: PolicyDocument) -> None:
    strict = desk.under(kept(document, otherwise=Verdict.DENY))
    assert strict.says(strict.stage("pay 10 USDC to alice", at=SUNDAY)) == {"hours": Verdict.DENY}
    assert strict.says(strict.stage("pay 10 USDC to alice", at=MONDAY)) == {}


def test_the_finding_says_when_it_is_and_when_business_begins_again(desk: Any, document: PolicyDocument) -> None:
    office = desk.under(kept(document))
    decision = office.decide(office.stage("pay 10 USDC to alice", at=SUNDAY))
    (finding,) = [each for each in decision.findings if each.rule == "hours"]
    assert finding.reason.endswith("they begin on Mon 2026-11-23 at 09:00")
    assert finding.measured == "Sun 2026-11-22 at 15:00:00 in Europe/Berlin"
    assert finding.limit == "Mon, Tue, Wed, Thu, Fri from 09:00 to 18:00"


@pytest.mark.parametrize(
    ("request_", "moves"),
    [
        ("pay 10 USDC to alice", True),
        ("swap 1 WETH to USDC", True),
        ("supply 10 USDC to aave", True),
        ("withdraw 10 USDC from aave", False),
    ],
)
def test_all_that_moves_value_keeps_hours_but_what_comes_home(
    desk: Any, document: PolicyDocument, request_: str, moves: bool
) -> None:
    office = desk.under(kept(document))
    keys = {"arrives": "99.7 %"} if request_.startswith("swap") else {"supplied": ["100 USDC"]}
    found = office.says(office.stage(request_, at=SUNDAY, **keys))
    assert found == ({"hours": Verdict.ASK} if moves else {})


def test_what_comes_home_takes_no_payment_along(desk: Any, document: PolicyDocument) -> None:
    office = desk.under(kept(document))
    unit = office.stage("withdraw 10 USDC from aave", "pay 10 USDC to alice", supplied=["100 USDC"], at=SUNDAY)
    assert office.says(unit)["hours"] is Verdict.ASK


def test_what_nobody_can_read_keeps_hours_too(desk: Any, document: PolicyDocument) -> None:
    """A call of an unknown kind may move anything."""
    office = desk.under(kept(document))
    unit = office.stage("withdraw 10 USDC from aave", supplied=["100 USDC"], at=SUNDAY)
    strange = office.with_calls(unit, replace(unit.compiled.calls[0], data=b"\x12\x34\x56\x78"))
    assert office.says(strange)["hours"] is Verdict.ASK


@pytest.mark.parametrize("orders_too", [False, True])
def test_salaries_are_paid_on_sundays_unless_the_policy_binds_them(
    desk: Any, document: PolicyDocument, orders_too: bool
) -> None:
    salary = Order("salary", "alice", TokenId("USDC"), 10**9, 21 * 86_400)
    office = desk.under(kept(replace(document, orders={salary.id: salary}), orders_too=orders_too))
    assert office.says(office.stage("pay 1_000 USDC to alice", at=SUNDAY)) == (
        {"hours": Verdict.ASK} if orders_too else {}
    )
    beside = office.stage("pay 1_000 USDC to alice", "pay 1 USDC to bob", at=SUNDAY)
    assert office.says(beside) == {"hours": Verdict.ASK}


@pytest.mark.parametrize("ordered", [True, False])
def test_to_the_kernel_a_salary_is_what_its_rule_says(desk: Any, document: PolicyDocument, ordered: bool) -> None:
    """The same payment under the payee's own rule is a payment like any other, on Sundays too."""
    salary = Order("salary", "alice", TokenId("USDC"), 10**9, 21 * 86_400)
    office = desk.under(kept(replace(document, orders={salary.id: salary})))
    unit = office.stage("pay 1_000 USDC to alice", at=SUNDAY)
    legs = granted_legs(unit.compiled.calls, office.document, unit.facts if ordered else None)
    assert legs is not None
    call = KernelCall(document.account, document.account.safe, document.account.safe, encode_legs(legs))
    assert office.says(replace(unit, action=call)).get("hours") is (None if ordered else Verdict.ASK)


def test_no_hour_is_missing_or_doubled_where_clocks_jump() -> None:
    """In Berlin 02:30 never comes on 2026-03-29, and comes twice on 2026-10-25: shops open at 02:00 are open for as
    long as the clock shows it."""
    night = replace(OFFICE, days=("Sun",), open_minutes=2 * 60, close_minutes=3 * 60)
    spring = [night.are_open(instant("2026-03-29 00:00:00") + 60 * minute) for minute in range(240)]
    autumn = [night.are_open(instant("2026-10-24 23:00:00") + 60 * minute) for minute in range(240)]
    assert sum(spring) == 0
    assert sum(autumn) == 120
    assert autumn[60:180] == [True] * 120


@pytest.mark.parametrize(("day", "utc_hour"), [("2026-03-27", 8), ("2026-03-30", 7), ("2026-10-23", 7)])
def test_business_begins_at_nine_on_the_wall_in_summer_and_winter(day: str, utc_hour: int) -> None:
    opening = instant(f"{day} {utc_hour:02d}:00:00")
    assert OFFICE.are_open(opening)
    assert not OFFICE.are_open(opening - 1)


MOMENTS = st.integers(instant("2024-01-01 00:00:00"), instant("2030-01-01 00:00:00"))
HOURS = st.builds(
    lambda days, times, zone, verdict, holidays, too: Hours(
        tuple(day for day in WEEK if day in days), *sorted(times), zone, verdict, tuple(sorted(holidays)), too
    ),
    st.sets(st.sampled_from(WEEK), min_size=1),
    st.lists(st.integers(0, 1_440), min_size=2, max_size=2, unique=True),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]
    ),
    st.sampled_from([Verdict.ASK, Verdict.DENY]),
    st.sets(st.dates(datetime(2024, 1, 1).date(), datetime(2030, 1, 1).date()).map(str), max_size=12),
    st.booleans(),
)


@settings(deadline=None, max_examples=60)
@given(HOURS)
def test_all_hours_are_written_and_read_back_exactly(document: PolicyDocument, hours: Hours) -> None:
    timed = replace(document, hours=hours)
    assert load(render(timed)) == timed
    assert document_hash(timed) != document_hash(document)


@settings(deadline=None, max_examples=300)
@given(HOURS, MOMENTS)
def test_the_next_opening_is_one_and_nothing_was_open_before_it(hours: Hours, now: int) -> None:
    """Where clocks leave the opening out, they open with the first minute after it."""
    if hours.are_open(now):
        return
    said = hours.next_opening(now)
    _, day, _, clock = said.split()
    opening = datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(hours.timezone))
    at = int(opening.timestamp())
    gap = opening.astimezone(UTC).astimezone(ZoneInfo(hours.timezone)).time() != opening.time()
    assert gap or hours.are_open(at)
    assert at > now or opening + timedelta(hours=2) > hours.local(now)
    assert not any(hours.are_open(moment) for moment in range(now, at, 600))


def test_the_kernel_is_not_said_to_keep_hours(document: PolicyDocument) -> None:
    assert any("business hours" in each for each in off_chain_only(kept(document)))
    assert not any("business hours" in each for each in off_chain_only(document))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["Mon", "Tue", "Wed", "Thu", "Fri"]', '["Monday"]', "`Monday` cannot be used for `days` in [hours]"),
        ('["Mon", "Tue", "Wed", "Thu", "Fri"]', "[]", "name each day once"),
        ('["Mon", "Tue", "Wed", "Thu", "Fri"]', '["Mon", "Mon"]', "name each day once"),
        ('"09:00"', '"9"', "write a time such as `09:00`"),
        ('"09:00"', '"09:60"', "write a time such as `09:00`"),
        ('"18:00"', '"24:01"', "at most `24:00`"),
        ('"18:00"', '"09:00"', "it lies after `open`"),
        ('"Europe/Berlin"', '"Berlin"', "write a zone such as `Europe/Berlin`"),
        ('"Europe/Berlin"', '"../etc/passwd"', "write a zone such as `Europe/Berlin`"),
        ('"2026-12-25"', '"25.12."', "write a day"),
        ('"2026-12-25"', '"2026-12-25", "2026-12-25"', "name each day once"),
        ('"ask"', '"allow"', "choose one of `ask`, `deny`"),
        ('otherwise = "ask"', "", "`otherwise`"),
        ("holidays", "holiday", "did you mean `holidays`"),
    ],
)
def test_hours_that_cannot_be_kept_are_refused_with_a_mend(
    document: PolicyDocument, old: str, new: str, said: str
) -> None:
    assert TABLE.count(old) == 1
    with pytest.raises(InputError) as refusal:
        load(render(document) + TABLE.replace(old, new))
    assert said in str(refusal.value)


def test_a_zone_that_nobody_knows_any_more_denies(desk: Any, document: PolicyDocument) -> None:
    """The zone database is a fact like others: what it does not say is refused."""
    lost = desk.under(replace(document, hours=replace(OFFICE, timezone="Atlantis/Capital")))
    assert lost.says(lost.stage("pay 10 USDC to alice", at=MONDAY)) == {"hours": Verdict.DENY}
