"""What is owed: which runs came due, for which month, and whether each is still carried out or left out by its rule.

A due run is noted on disk before the clockwork moves its job on, and stays owed until it is carried out or left out. A
run carried out twice pays once: the runner knows units by their ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.runs_ahead import runs_ahead
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
_TABLE = """create table if not exists runs (
    job text, month text, due integer, noticed integer, why text, settled integer, primary key (job, month)
) strict"""


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
        self._do(_TABLE)

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
        # A connection for each statement: none is left open behind an error or a late thread.
        with _translated(self._path), closing(sqlite3.connect(self._path)) as database, database:
            return database.execute(statement, values).fetchall()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JobsUnusable(str(path), str(error)) from error


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
            ahead = runs_ahead(job, self._treasurer.documents.mandate.pacing, self._clock.now())
            plan, rows = self._treasurer.runner.cycle(ask_for(job, run.month) | {"due": run.due} | ahead)
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
