"""A payroll is paid once a month, however often its job runs, in the forecast as by the agent."""

from __future__ import annotations

import pytest

from agent.forecasting import calendar_of
from agent.gas import units_a_year
from strongroom.quantities import parse_day
from strongroom.settings import Job, Missed

NEW_YEAR = parse_day("2026-01-01", "a day")
FIRSTS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def job(cron: str, zone: str = "UTC", id_: str = "pay") -> Job:
    return Job(id_, "payroll", cron, zone, Missed.ONCE, 5 * 86_400)


def paydays(*jobs: Job, days: int = 365) -> list[int]:
    return [day for day, pays in enumerate(calendar_of(jobs, NEW_YEAR, days).pays) if pays]


@pytest.mark.parametrize(
    "jobs",
    [
        (job("0 9 * * *"),),
        (job("*/30 * 1-5 * *"),),
        (job("0 9 1 * *"), job("0 9 3 * *", id_="again")),
        (job("0 9 15 * *", id_="late"), job("0 9 1 * *")),
    ],
    ids=["daily", "in case of need", "twice a month", "a later job first"],
)
def test_a_payroll_that_is_tried_again_within_its_month_is_paid_once(jobs: tuple[Job, ...]) -> None:
    assert paydays(*jobs) == list(FIRSTS)
    assert units_a_year(jobs, NEW_YEAR)["payroll"] == len(FIRSTS)


def test_a_month_that_was_due_before_the_forecast_began_is_not_due_again() -> None:
    """A job that looks every day: from the 23rd on, the first of each month to come."""
    calendar = calendar_of((job("0 9 * * *"),), parse_day("2026-11-23", "a day"), 60)
    assert [day for day, pays in enumerate(calendar.pays) if pays] == [8, 39]


def test_the_month_is_the_jobs_own() -> None:
    """Half past midnight on the first in Berlin is the last of the month in UTC, and January's was the day before."""
    assert paydays(job("30 0 * * *", "Europe/Berlin"), days=60) == [30, 58]
