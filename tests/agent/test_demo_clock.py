"""The story's dates: whatever the day it is told on, its jobs were due the day before, and none fires meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.demo.clock import jobs_due, month_before, yesterday
from agent.owed import Run, ask_for, left_out
from agent.schedule import next_due
from strongroom.settings import load_schedule
from strongroom.templates import render_schedule

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
LONGEST_MONTH_SECONDS = 31 * 86_400


@given(MOMENTS)
def test_the_jobs_were_due_the_day_before_and_are_not_due_soon(now: datetime) -> None:
    due = yesterday(now)
    for job in load_schedule(render_schedule(jobs_due(due))):
        assert next_due(job, int(due.timestamp())) == due
        assert next_due(job, int(now.timestamp())) > now + timedelta(days=5)


@given(MOMENTS)
def test_of_what_was_missed_payroll_is_caught_up_and_all_else_left_out(now: datetime) -> None:
    due, noticed = yesterday(now), int(now.timestamp())
    whys = {job.id: left_out(job, Run(job.id, "", int(due.timestamp()), noticed), noticed) for job in jobs_due(due)}
    assert whys.pop("payroll") is None
    assert whys.keys() == {"rebalance", "lend"}
    assert None not in whys.values()


@given(MOMENTS)
def test_the_month_before_can_be_asked_for_by_hand(now: datetime) -> None:
    """Only a month whose payments can still be read may be asked for."""
    due = yesterday(now)
    payroll = jobs_due(due)[0]
    since = ask_for(payroll, month_before(due))["since"]
    assert month_before(due) < f"{due:%Y-%m}"
    assert since >= now.timestamp() - LONGEST_MONTH_SECONDS - payroll.within_seconds
