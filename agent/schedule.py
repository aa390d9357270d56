"""The clock: fires the jobs of schedule.toml, each at its time in its own zone.

APScheduler wakes up; it does not remember enough. It moves a job on before the run is done, forgets a run that failed,
and drops a late one with a log line. So each due run is noted in `agent.owed.Runs` before APScheduler moves on, and
what is fired is not the run but the job's `Duty` to settle all it owes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from agent.owed import RETRY_SECONDS, Duty, JobsUnusable, Runs
from strongroom.clock import WallClock
from strongroom.errors import BadValue
from strongroom.ports import Clock
from strongroom.settings import Job

if TYPE_CHECKING:
    from agent.app import Treasurer

STORE, AGAIN = "jobs", "again"
"""APScheduler's two stores: the jobs on disk, and in memory each job's second look at what it owes."""
_FIRE = "agent.schedule:fire"
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[a-z]")


def trigger_of(job: Job) -> CronTrigger:
    """When the job is due. Raises `BadValue` for a cron line that cannot be read, that no day ever meets, or that
    APScheduler would read otherwise than it is written."""
    where = f"`cron` of [jobs.{job.id}] in schedule.toml"
    try:
        trigger = CronTrigger.from_crontab(job.cron, timezone=job.timezone)
    except ValueError as error:
        raise BadValue(job.cron, where, f"write for example `0 9 1 * *` ({error})") from error
    if wrong := _misread(job.cron, {field.name: str(field) for field in trigger.fields}):
        raise BadValue(job.cron, where, wrong)
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise BadValue(job.cron, where, "no such day ever comes; write for example `0 9 last * *`")
    return trigger


def _misread(cron: str, fields: Mapping[str, str]) -> str | None:
    """APScheduler counts weekdays from Monday, cron from Sunday; it drops what follows a name, as in `mon-fri/2`."""
    written = dict(zip(("minute", "hour", "day", "month", "day_of_week"), cron.lower().split(), strict=True))
    if _DIGIT.search(written["day_of_week"]):
        return "name the weekdays, for example `0 9 * * mon-fri`"
    for name, field in written.items():
        if _LETTER.search(field) and field != fields[name]:
            return f"`{field}` would be read as `{fields[name]}`; write that, or list the values"
    return None


def next_due(job: Job, now: int) -> datetime:
    """The job's first run at or after a moment (Unix seconds), in its own time zone."""
    return trigger_of(job).get_next_fire_time(None, datetime.fromtimestamp(now, UTC))  # type: ignore[no-any-return]


def fire(job_id: str, duty: Duty | None = None) -> None:
    """What APScheduler calls; only this name and the job's id are pickled. `duty` comes from the executor."""
    if duty is None:
        raise ValueError("jobs are fired by the schedule's own executor")
    duty.settle(job_id)


class _Store(SQLAlchemyJobStore):  # type: ignore[misc]
    """Notes what is due before APScheduler may move it on; when that fails, APScheduler asks again a little later.

    Job states are pickles: whoever can write the state folder runs code here, as with any file of a program.
    """

    def __init__(self, path: Path, runs: Runs, clock: Clock, zones: Mapping[str, str]) -> None:
        # No pool: no connection is left open behind an error or a late thread.
        super().__init__(engine=create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool))
        self._runs, self._clock, self._zones = runs, clock, zones

    def get_due_jobs(self, now: datetime) -> list[Any]:
        before = self._due_columns(now)
        due: list[Any] = super().get_due_jobs(now)
        for job in due:
            for time in _last_of_each_month(job, now):
                self._runs.note(job.id, time, self._clock.now())
            before.pop(job.id, None)
        # APScheduler deletes a job whose pickle it can no longer read; its time stands in a column of its own.
        for job_id, at in before.items():
            time = datetime.fromtimestamp(at, ZoneInfo(self._zones.get(job_id, "UTC")))
            self._runs.note(job_id, time, self._clock.now())
        return due

    def _due_columns(self, now: datetime) -> dict[str, float]:
        columns = self.jobs_t.select().where(self.jobs_t.c.next_run_time <= now.timestamp())
        with self.engine.begin() as connection:
            return {row.id: row.next_run_time for row in connection.execute(columns)}


def _last_of_each_month(job: Any, now: datetime) -> Iterable[datetime]:
    """Of all times at which a stored job was due up to now, the last one of each month in its trigger's zone."""
    months: dict[str, datetime] = {}
    time = job.next_run_time
    while time and time <= now:
        local = time.astimezone(job.trigger.timezone)
        months[f"{local:%Y-%m}"] = local
        time = job.trigger.get_next_fire_time(time, now)
    return months.values()


class _Executor(ThreadPoolExecutor):  # type: ignore[misc]
    """One thread: the account has one lock. Hands `duty` to the call, not to the stored job, which is pickled."""

    def __init__(self, duty: Duty) -> None:
        super().__init__(max_workers=1)
        self._duty = duty

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        handed = copy(job)
        handed._scheduler, handed._jobstore_alias = job._scheduler, job._jobstore_alias
        handed.kwargs = {**job.kwargs, "duty": self._duty}
        super()._do_submit_job(handed, run_times)


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]
    def _process_jobs(self) -> float | None:
        # APScheduler's thread looks once more after it was shut down, and would move on what nobody can run now.
        if not self.running:
            return None
        # A job store that cannot be written would end APScheduler's thread for good, and nobody would notice.
        try:
            return super()._process_jobs()  # type: ignore[no-any-return]
        except DBAPIError as error:
            self._logger.warning("job store cannot be used (%s), tried again", error.orig)
            return float(self.jobstore_retry_interval)


@contextmanager
def keep_schedule(treasurer: Treasurer, clock: Clock | None = None) -> Iterator[BackgroundScheduler]:
    """Fires the jobs of schedule.toml, in a thread of its own, while the context is open; leaving it waits for the run
    under way. `clock` decides how late a run is. Raises `InputError` or `JobsUnusable`: nothing was fired."""
    now, jobs = clock or WallClock(), treasurer.documents.jobs
    triggers = {job.id: trigger_of(job) for job in jobs}
    runs = Runs(treasurer.folder.jobs)
    store = _Store(treasurer.folder.jobs, runs, now, {job.id: job.timezone for job in jobs})
    duty = Duty(treasurer, runs, now)
    scheduler = _Scheduler(
        timezone=UTC,
        jobstores={STORE: store, AGAIN: {"type": "memory"}},
        executors={"default": _Executor(duty)},
        # APScheduler's own grace drops a late run with a log line: how late is too late is judged by `left_out`.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    try:
        _begin(scheduler, store, triggers, treasurer.folder.jobs)
        duty.drop_gone()
        scheduler.resume()
        yield scheduler
    finally:
        if scheduler.running:
            scheduler.shutdown()


def _begin(scheduler: BackgroundScheduler, store: _Store, triggers: Mapping[str, CronTrigger], path: Path) -> None:
    try:
        scheduler.start(paused=True)
        _agree(scheduler, store, triggers)
    except DBAPIError as error:
        raise JobsUnusable(str(path), str(error.orig)) from error


def _agree(scheduler: BackgroundScheduler, store: _Store, triggers: Mapping[str, CronTrigger]) -> None:
    """Makes the store hold the schedule's jobs. What they owe is noted first, at the times that were in force."""
    store.get_due_jobs(datetime.now(UTC))
    stored = {job.id: job for job in scheduler.get_jobs(STORE)}
    for gone in stored.keys() - triggers.keys():
        scheduler.remove_job(gone, STORE)
    for job_id, trigger in triggers.items():
        if job_id not in stored:
            scheduler.add_job(_FIRE, trigger, args=[job_id], id=job_id, name=job_id, jobstore=STORE)
        elif repr(stored[job_id].trigger) != repr(trigger):
            scheduler.reschedule_job(job_id, STORE, trigger)
        _look_again(scheduler, job_id)


def _look_again(scheduler: BackgroundScheduler, job_id: str) -> None:
    now = datetime.now(UTC)
    scheduler.add_job(
        _FIRE, "interval", seconds=RETRY_SECONDS, args=[job_id], id=f"{job_id} again", jobstore=AGAIN, next_run_time=now
    )
