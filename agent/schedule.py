"""Jobs: what a scheduled operation asks for, and for which period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from strongroom.errors import BadValue
from strongroom.settings import Job


def find_job(jobs: Iterable[Job], job_id: str) -> Job:
    """The job of this name. Raises `BadValue` naming those there are."""
    known = {job.id: job for job in jobs}
    if job_id not in known:
        raise BadValue(job_id, "a job", "choose one of schedule.toml: " + ", ".join(f"`{each}`" for each in known))
    return known[job_id]


def ask_for(job: Job, due: int) -> dict[str, Any]:
    """The ask of a run that was due at `due` (Unix seconds). Its period is the calendar month there and then, in the
    job's own time zone; `since` is the month's first second."""
    local = datetime.fromtimestamp(due, UTC).astimezone(ZoneInfo(job.timezone))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "operation": job.operation,
        "actor": f"job:{job.id}",
        "period": f"{first:%Y-%m}",
        "since": int(first.timestamp()),
    }
