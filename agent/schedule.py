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


def month_at(job: Job, due: int) -> str:
    """The calendar month, such as `2026-11`, of a moment (Unix seconds) in the job's own time zone."""
    return f"{datetime.fromtimestamp(due, UTC).astimezone(ZoneInfo(job.timezone)):%Y-%m}"


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
