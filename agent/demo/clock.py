"""The wall's clock in the story. Unlike the chain's it cannot be moved on, so dates on disk are moved back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from agent.example import JOBS
from strongroom.settings import Job

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WITHIN_SECONDS = 35 * 86_400
"""What was paid is read as far back as a run may be late: far enough here to ask for last month's payroll by hand."""


def yesterday(now: datetime) -> datetime:
    """Nine in the morning, UTC, of the day before `now`."""
    return (now.astimezone(UTC) - timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)


def month_before(month: datetime) -> str:
    """The calendar month before that of a moment, such as `2026-10`."""
    return f"{month.replace(day=1) - timedelta(days=1):%Y-%m}"


def jobs_due(due: datetime) -> tuple[Job, ...]:
    """The example's jobs, payroll monthly and the others weekly, at times of which `due` is one."""
    hour = f"{due.minute} {due.hour}"
    weekly = f"{hour} * * {_WEEKDAYS[due.weekday()]}"
    crons = {"payroll": f"{hour} {due.day} * *"}
    return tuple(
        replace(job, cron=crons.get(job.id, weekly), timezone="UTC", within_seconds=_WITHIN_SECONDS) for job in JOBS
    )


def miss(jobs_db: Path, jobs: Iterable[str], due: datetime) -> None:
    """Leaves the job store of a stopped treasurer as it is when nothing ran at `due`: those jobs have yet to fire."""
    with stored_jobs(jobs_db) as (scheduler, store):
        for job_id in jobs:
            scheduler.modify_job(job_id, store, next_run_time=due)


@contextmanager
def stored_jobs(jobs_db: Path) -> Iterator[tuple[BackgroundScheduler, str]]:
    """The job store of a stopped treasurer, through APScheduler's own door, and its name there. Nothing fires."""
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    from agent.schedule import STORE

    class Still(BackgroundScheduler):  # type: ignore[misc]
        def _process_jobs(self) -> None:
            return None

    scheduler = Still(jobstores={STORE: SQLAlchemyJobStore(f"sqlite:///{jobs_db}")}, timezone=UTC)
    scheduler.start(paused=True)
    try:
        yield scheduler, STORE
    finally:
        scheduler.shutdown()
