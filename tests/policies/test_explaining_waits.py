"""The second that a wait is told of is the first, though hours and freezes come and go meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.explaining.calendar import hours_turns, last_seconds
from policies.explaining.counterfactuals import Wait
from policies.explaining.timing import at
from policies.freezes import Freeze
from policies.hours import WEEK, Hours
from policies.moments import parse_moment
from policies.newcomers import Newcomers
from policies.outflow import OutflowLimit
from policies.pacing import Pace
from policies.sanctions import SanctionTerms
from policies.scenario import NOW, Judged
from policies.terms import PolicyDocument
from policies.trading import VolatilityTerms
from strongroom.model import TokenId, Verdict
from tests.policies.exactness import ALLOW, ASK, DENY, USDC, require_all_exact, said

HOUR, DAY = 3_600, 86_400
MONDAY = parse_moment("2030-03-18", "here")
"""The day after the cases' now, a Sunday at 17:46:40 UTC."""

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
_MINUTES = st.lists(st.integers(0, 48).map(lambda half_hours: half_hours * 30), min_size=2, max_size=2, unique=True)


def _hours(otherwise: Verdict = ASK, **changes: Any) -> Hours:
    return replace(Hours(WEEK[:5], 9 * 60, 18 * 60, "UTC", otherwise), **changes)


def _first_wait(judged: Judged, document: PolicyDocument) -> int | None:
    """What is told, seen on both sides."""
    prospect = require_all_exact(judged, document).prospects[0]
    waits = [way.change.until for way in prospect.ways if isinstance(way.change, Wait)]
    assert len(waits) <= 1
    return waits[0] if waits else None


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    days=st.lists(st.sampled_from(WEEK), min_size=1, unique=True),
    minutes=_MINUTES,
    begin=st.sampled_from(["2030-03-08", "2030-03-29", "2030-10-25", "2030-11-01", "2030-04-05", "2030-10-04"]),
)
def test_hours_turn_exactly_where_a_look_at_every_minute_sees_it(
    zone: str, days: list[str], minutes: list[int], begin: str
) -> None:
    """Also on the days on which clocks are changed, by an hour or by half of one."""
    opens, closes = sorted(minutes)
    terms = Hours(tuple(days), opens, closes, zone, ASK, holidays=(begin,))
    first = parse_moment(begin, "here") + 17
    every = range(first - first % 60 + 60, first + 4 * DAY, 60)
    seen = [each for each in every if terms.are_open(each) != terms.are_open(each - 60)]
    assert list(hours_turns(terms, first, first + 4 * DAY - 1)) == seen


_FREEZE = st.builds(
    lambda begins, lasts, class_: Freeze(MONDAY + begins * HOUR, MONDAY + (begins + lasts) * HOUR, "vote", class_),
    st.integers(-24, 120),
    st.integers(1, 72),
    st.sampled_from([(), ("team",), ("grants",)]),
)
_PAST = st.builds("{} USDC to alice {} hours ago".format, st.integers(1_000, 12_000), st.integers(1, 60))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    opens=st.integers(0, 10),
    lasts=st.integers(1, 13),
    days=st.lists(st.sampled_from(WEEK), min_size=1, unique=True),
    freezes=st.lists(_FREEZE, max_size=2),
    past=st.lists(_PAST, max_size=2),
)
def test_no_earlier_second_would_do(
    desk: Any, opens: int, lasts: int, days: list[str], freezes: list[Freeze], past: list[str]
) -> None:
    """The engine is asked at every hour and a second before it, for nine days."""
    terms = Hours(tuple(days), opens * 60, (opens + lasts) * 60, "UTC", ASK)
    document = replace(desk.document, hours=terms, freezes=tuple(freezes), sanctions=None)
    judged = desk.under(document).stage("pay 2_000 USDC to alice", past=past)
    if said(judged, document) is ALLOW:
        return
    until = _first_wait(judged, document)
    looks = (MONDAY + hour * HOUR - before for hour in range(-6, 216) for before in (1, 0))
    fine = [each for each in looks if each > NOW and said(at(judged, each), document) is ALLOW]
    assert until is not None and (not fine or until <= fine[0])
    assert until <= MONDAY + 400 * HOUR


def test_a_payment_on_sunday_waits_for_monday_morning(desk: Any) -> None:
    document = replace(desk.document, hours=_hours(timezone="Europe/Berlin"))
    assert _first_wait(desk.stage("pay 5_000 USDC to alice"), document) == MONDAY + 8 * HOUR


def test_an_opening_under_a_freeze_is_none(desk: Any) -> None:
    """The freeze ends on Monday night, when hours are shut again."""
    document = replace(desk.document, hours=_hours(), freezes=(Freeze(MONDAY, MONDAY + 20 * HOUR, "vote"),))
    assert _first_wait(desk.stage("pay 5_000 USDC to alice"), document) == MONDAY + DAY + 9 * HOUR


def test_a_tier_that_lets_through_out_of_hours_waits_for_the_morning(desk: Any) -> None:
    """On Monday afternoon the day of the tier has rolled past what was paid; hours are over by then."""
    document = replace(desk.document, hours=_hours(close_minutes=12 * 60))
    judged = desk.stage("pay 8_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"])
    assert _first_wait(judged, replace(document, hours=None)) == NOW + 23 * HOUR
    assert _first_wait(judged, document) == MONDAY + DAY + 9 * HOUR


def test_what_passes_before_a_freeze_begins_does_not_wait_for_its_end(desk: Any) -> None:
    document = replace(desk.document, freezes=(Freeze(NOW + DAY, NOW + 200 * DAY, "migration"),))
    judged = desk.stage("pay 8_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"])
    assert _first_wait(judged, document) == NOW + 23 * HOUR


def test_hours_ask_and_a_freeze_denies_so_to_be_asked_needs_less(desk: Any) -> None:
    document = replace(desk.document, hours=_hours(), freezes=(Freeze(NOW, MONDAY, "audit"),))
    prospects = require_all_exact(desk.stage("pay 5_000 USDC to alice"), document).prospects
    waits = [way.change for each in prospects for way in each.ways if isinstance(way.change, Wait)]
    assert waits == [Wait(MONDAY + 9 * HOUR), Wait(MONDAY)]


def test_a_freeze_longer_than_a_year_is_not_waited_for_but_told(desk: Any) -> None:
    document = replace(desk.document, freezes=(Freeze(NOW, NOW + 400 * DAY, "wind-down"),), hours=_hours())
    (prospect,) = require_all_exact(desk.stage("pay 5_000 USDC to alice"), document).prospects
    assert prospect.ways == () and "wind-down" in prospect.why_none


def test_a_newcomer_has_cooled_off_on_the_second(desk: Any) -> None:
    payees = {id_: replace(each, since=NOW - 2 * DAY) for id_, each in desk.document.payees.items()}
    terms = Newcomers(100 * DAY, {USDC: 500 * 10**6}, ASK)
    document = replace(desk.document, payees=payees, newcomers=terms)
    assert _first_wait(desk.stage("pay 5_000 USDC to alice"), document) == NOW + 98 * DAY


@pytest.mark.parametrize(("pace", "wait"), [(Pace(10 * DAY), 9 * DAY), (Pace(0, 1, 50 * DAY), 49 * DAY)])
def test_a_pace_is_waited_for(desk: Any, pace: Pace, wait: int) -> None:
    alice = replace(desk.document.payees["alice"], pace=pace)
    document = replace(desk.document, payees={**desk.document.payees, "alice": alice})
    judged = desk.stage("pay 1_000 USDC to alice", past=["1_000 USDC to alice 1 day ago"])
    assert _first_wait(judged, document) == NOW + wait


def test_room_in_usd_flows_back_to_the_second(desk: Any) -> None:
    limit = OutflowLimit(20_000 * 10**8, 30 * DAY, 10_000 * 10**8, 50_000 * 10**8, (TokenId("HALL"),))
    document = replace(desk.document, outflow=limit)
    judged = desk.stage("pay 5_000 USDC to alice", past=["9_000 USDC to bob 1 hour ago"])
    until = _first_wait(judged, document)
    assert until is not None and NOW + 10 * DAY < until < NOW + 13 * DAY


def test_a_deny_list_grows_too_old_to_wait(desk: Any) -> None:
    """The bucket has room in days; the list is no longer valid then, and only people renew it."""
    judged = desk.stage("pay 8_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"])
    assert _first_wait(judged, desk.document) == NOW + 23 * HOUR
    for lasts, wait in ((23, NOW + 23 * HOUR), (22, None)):
        document = replace(desk.document, sanctions=SanctionTerms(("OFAC",), 40 * DAY))
        dated = NOW - 40 * DAY + lasts * HOUR
        listed = desk.under(document).stage("pay 8_000 USDC to alice", past=["8_000 USDC to alice 1 hour ago"])
        listing = replace(listed.facts.listings[0], dated_at=dated)
        aged = desk.with_facts(listed, listings=(listing,))
        assert _first_wait(aged, document) == wait, lasts
        assert said(at(aged, NOW + 30 * HOUR), document) is DENY


def test_all_that_passes_has_passed_at_the_last_second(desk: Any) -> None:
    """Events later than the caps' windows move the end of the search, and none moves it past a year."""
    plain = last_seconds(desk.stage("pay 1 USDC to alice").facts, desk.document)[-1]
    frozen = replace(desk.document, freezes=(Freeze(NOW, NOW + 200 * DAY, "vote"),))
    swinging = replace(desk.document, volatility=VolatilityTerms(100 * DAY, 300))
    closed = replace(desk.document, freezes=(Freeze(NOW, NOW + 900 * DAY, "vote"),))
    facts = desk.stage("pay 1 USDC to alice").facts
    ends = [last_seconds(facts, each)[-1] - NOW for each in (frozen, swinging, closed)]
    assert plain - NOW < 200 * DAY and ends == [200 * DAY + 1, 100 * DAY + 1, 366 * DAY + 1]


def test_the_zone_of_the_test_is_what_it_says() -> None:
    """Berlin is an hour ahead on that Monday: no summer time yet."""
    assert datetime.fromtimestamp(MONDAY, ZoneInfo("Europe/Berlin")).hour == 1
