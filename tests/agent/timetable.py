"""A treasurer with its clock running, on a real world, and what its job store holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from agent.app import Treasurer
from agent.demo import clock
from agent.owed import Run, Runs
from agent.schedule import AGAIN, keep_schedule
from strongroom.settings import Job, Missed, Mode
from tests.agent.house import House

DAY = 86_400
PATIENCE_SECONDS = 90.0


def far_away(now: datetime) -> str:
    """A cron line that is not due for five months at least: what these tests see, they made due themselves."""
    return f"0 9 1 {(now.month + 5) % 12 + 1} *"


NOW = datetime.now(UTC)
PAYROLL = Job("payroll", "payroll", far_away(NOW), "Europe/Berlin", Missed.ONCE, 70 * DAY)
LAST_MONTH = NOW.replace(day=1, hour=12) - timedelta(days=1)
"""The last day of the month before this one."""


@contextmanager
def keeping(house: House, *jobs: Job) -> Iterator[tuple[Treasurer, BackgroundScheduler]]:
    """A shadow treasurer with these jobs and its clock running. A shadow unit may be tried again at any time, so that a
    run carried out twice leaves two units."""
    with house.treasurer(Mode.SHADOW) as treasurer:
        treasurer = replace(treasurer, documents=replace(treasurer.documents, jobs=jobs))
        with keep_schedule(treasurer) as scheduler:
            yield treasurer, scheduler


def miss(house: House, job: Job, due: datetime) -> None:
    """Leaves the house as a treasurer does that knew the job and was not running when it came due."""
    with keeping(house, job):
        pass
    clock.miss(house.home / "state" / "jobs.db", [job.id], due)


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


def settled(house: House) -> None:
    """Waits until nothing is owed."""
    until("settling", lambda: not owed(house))


def owed(house: House) -> tuple[Run, ...]:
    return Runs(house.home / "state" / "jobs.db").owed()


def units(treasurer: Treasurer) -> list[str]:
    return [row.id for row in treasurer.units.all()]


def gaps(treasurer: Treasurer) -> list[str]:
    return [str(entry.body["why"]) for entry in treasurer.ledger.entries() if entry.type == "gap"]


def next_run(house: House, job_id: str) -> datetime:
    with clock.stored_jobs(house.home / "state" / "jobs.db") as (scheduler, store):
        found: datetime = scheduler.get_job(job_id, store).next_run_time
        return found


def again(scheduler: BackgroundScheduler) -> bool:
    """Brings the second look forward; one that is under way already is not doubled."""
    scheduler.modify_job("payroll again", AGAIN, next_run_time=datetime.now(UTC))
    return True
