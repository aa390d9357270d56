"""The clock: which runs of schedule.toml came due, which of them are still owed, and who carries them out.

APScheduler wakes up; it does not remember enough. It moves a job on before the run is done, forgets a run that failed,
and drops a late one with a log line. So each due run is noted in `runs` before APScheduler moves on, and stays owed
until it is carried out or left out by its rule. A run fired twice pays once: the runner knows units by their ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import URL, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from strongroom.clock import WallClock
from strongroom.errors import BadValue, SetupError, StrongroomError
from strongroom.ports import Clock
from strongroom.quantities import format_seconds
from strongroom.settings import Job, Missed

if TYPE_CHECKING:
    from agent.app import Treasurer

RETRY_SECONDS = 300
"""What is owed is looked at this often, and when the process starts."""
PUNCTUAL_SECONDS = 60
"""A run noticed no later than this after its time was not missed."""
STORE, AGAIN = "jobs", "again"
"""APScheduler's two stores: the jobs on disk, and in memory each job's second look at what it owes."""
_FIRE = "agent.schedule:fire"
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[a-z]")


def find_job(jobs: Iterable[Job], job_id: str) -> Job:
    """The job of this name. Raises `BadValue` naming those there are."""
    known = {job.id: job for job in jobs}
    if job_id not in known:
        raise BadValue(job_id, "a job", "choose one of schedule.toml: " + ", ".join(f"`{each}`" for each in known))
    return known[job_id]


def month_at(job: Job, due: int) -> str:
    """The calendar month, such as `2026-11`, of a moment (Unix seconds) in the job's own time zone."""
    return f"{datetime.fromtimestamp(due, ZoneInfo(job.timezone)):%Y-%m}"


def ask_for(job: Job, month: str) -> dict[str, Any]:
    """The job's ask for a calendar month; `since` is the month's first second in the job's own time zone. Raises
    `BadValue` for text that is no month."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(job.timezone))
    except ValueError as error:
        raise BadValue(month, "a month", "write for example `2026-11`") from error
    return {
        "operation": job.operation,
        "actor": f"job:{job.id}",
        "period": f"{first:%Y-%m}",
        "since": int(first.timestamp()),
    }


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


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is owed: when it was due and when that was noticed (Unix seconds), and why it failed last."""

    job: str
    month: str
    due: int
    noticed: int
    why: str = ""


def left_out(job: Job, run: Run, now: int) -> str | None:
    """Why a run is not to be carried out at `now` (Unix seconds), or `None`. Pure. `missed = "skip"` is for a run that
    nobody noticed at its time; one that began and failed is owed like any other while it is younger than `within`."""
    if job.missed is Missed.SKIP and run.noticed - run.due > PUNCTUAL_SECONDS:
        return 'nothing was running at its time, and the job says missed = "skip"'
    if now - run.due >= job.within_seconds:
        return f"it is not younger than {format_seconds(job.within_seconds)}"
    return None


class JobsUnusable(SetupError):
    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"job store `{path}` cannot be used ({why}); mend the disk, or restore it from a backup")


class Runs:
    """The runs that came due, by job and month: two runs of one month ask for the same thing, so the later one stands
    for both. Lies in APScheduler's own database. Methods raise `JobsUnusable`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # No pool: no connection is left open behind an error or a late thread.
        self.engine: Engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
        columns = "job text, month text, due integer, noticed integer, why text, settled integer"
        self._do(f"create table if not exists runs ({columns}, primary key (job, month)) strict")

    def note(self, job: str, due: datetime, noticed: int) -> None:
        """Durably: a run is owed for the month that `due` has in its own zone. Noting it again changes nothing."""
        self._do(
            "insert into runs values (:job, :month, :due, :noticed, '', 0) on conflict (job, month) do update set"
            " due = excluded.due, noticed = excluded.noticed, why = '', settled = 0 where excluded.due > due",
            job=job, month=f"{due:%Y-%m}", due=int(due.timestamp()), noticed=noticed,
        )  # fmt: skip

    def owed(self) -> tuple[Run, ...]:
        """Oldest first."""
        rows = self._do("select job, month, due, noticed, why from runs where settled = 0 order by due")
        return tuple(Run(*row) for row in rows)

    def settle(self, run: Run) -> None:
        self._do("update runs set settled = 1 where job = :job and due = :due", job=run.job, due=run.due)

    def failed(self, run: Run, why: str) -> None:
        self._do("update runs set why = :why where job = :job and due = :due", why=why, job=run.job, due=run.due)

    def _do(self, statement: str, **values: str | int) -> list[Any]:
        with translated(self._path), self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return list(done) if done.returns_rows else []


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Database errors as `JobsUnusable`."""
    try:
        yield
    except DBAPIError as error:
        raise JobsUnusable(str(path), str(error.orig)) from error


class Duty:
    """Carries out what is owed, or leaves it out by the job's rule and says so in ledger and notices."""

    def __init__(self, treasurer: Treasurer, runs: Runs, clock: Clock) -> None:
        self._treasurer, self._runs, self._clock = treasurer, runs, clock
        self._jobs = {job.id: job for job in treasurer.documents.jobs}

    def settle(self, job_id: str) -> None:
        """Every run the job owes, oldest first. One that fails is told once a reason, and stays owed."""
        for run in self._runs.owed():
            if run.job == job_id:
                self._settle(self._jobs[job_id], run)

    def drop_gone(self) -> None:
        """Leaves out what jobs owe that are no longer in schedule.toml."""
        for run in self._runs.owed():
            if run.job not in self._jobs:
                self._leave_out(run, f"job `{run.job}` is no longer in schedule.toml", "UTC")

    def _settle(self, job: Job, run: Run) -> None:
        why = left_out(job, run, self._clock.now())
        if why:
            mend = f"; `strongroom cycle {job.id} --month {run.month}` runs it all the same"
            self._leave_out(run, why + mend, job.timezone)
            return
        try:
            plan, rows = self._treasurer.runner.cycle(ask_for(job, run.month) | {"due": run.due})
        except StrongroomError as error:
            self._fail(run, str(error), job.timezone)
            return
        self._runs.settle(run)
        became = "".join(f"; {row.id}: {row.status}" for row in rows)
        self._tell(run, job.timezone, plan.rationale + became)

    def _leave_out(self, run: Run, why: str, timezone: str) -> None:
        ledger = self._treasurer.ledger
        body = {"tool": "schedule", "job": run.job, "period": run.month, "due": run.due}
        asked = ledger.append("tool.req", body)
        ledger.append("gap", {"why": why}, cause=asked.index)
        self._runs.settle(run)
        self._tell(run, timezone, f"left out: {why}")

    def _fail(self, run: Run, why: str, timezone: str) -> None:
        self._runs.failed(run, why)
        if why != run.why:
            self._tell(run, timezone, f"{why}; tried again every {format_seconds(RETRY_SECONDS)}")

    def _tell(self, run: Run, timezone: str, what: str) -> None:
        due = datetime.fromtimestamp(run.due, ZoneInfo(timezone))
        self._treasurer.context.notices.tell(f"{run.job}, due {due:%Y-%m-%d %H:%M} {timezone}: {what}")


def fire(job_id: str, duty: Duty | None = None) -> None:
    """What APScheduler calls; only this name and the job's id are pickled. `duty` comes from the executor."""
    if duty is None:
        raise ValueError("jobs are fired by the schedule's own executor")
    duty.settle(job_id)


class _Store(SQLAlchemyJobStore):  # type: ignore[misc]
    """Notes what is due before APScheduler may move it on; when that fails, APScheduler asks again a little later.

    Job states are pickles: whoever can write the state folder runs code here, as with any file of a program.
    """

    def __init__(self, runs: Runs, clock: Clock, zones: Mapping[str, str]) -> None:
        super().__init__(engine=runs.engine)
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
    store = _Store(runs, now, {job.id: job.timezone for job in jobs})
    duty = Duty(treasurer, runs, now)
    scheduler = _Scheduler(
        timezone=UTC,
        jobstores={STORE: store, AGAIN: {"type": "memory"}},
        executors={"default": _Executor(duty)},
        # APScheduler's own grace drops a late run with a log line: how late is too late is judged by `left_out`.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    try:
        with translated(treasurer.folder.jobs):
            scheduler.start(paused=True)
            _agree(scheduler, store, triggers)
        duty.drop_gone()
        scheduler.resume()
        yield scheduler
    finally:
        if scheduler.running:
            scheduler.shutdown()


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
