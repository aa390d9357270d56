"""The next runs of a job that may each sell a clip of a rebalancing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.pacing_settings import Pacing
from strongroom.settings import Job

REBALANCE = "rebalance"


def runs_ahead(job: Job, pacing: Pacing, now: int) -> dict[str, Any]:
    """What a job's ask says besides: for a rebalancing `runs_in`, seconds after `now` (Unix seconds) of its next runs,
    each a pause after the one before, as many as the mandate's clips and time allow; nothing for other operations."""
    if job.operation != REBALANCE:
        return {}
    runs, last = list[int](), 0
    for due in _due(job, now, pacing.within_seconds):
        if len(runs) == pacing.clips - 1:
            break
        if due - last >= pacing.pause_seconds:
            runs.append(due)
            last = due
    return {"runs_in": runs}


def _due(job: Job, now: int, within_seconds: int) -> list[int]:
    """Seconds until each run within this time. A cron line that cannot be read never runs, which `run` and `doctor`
    say."""
    from apscheduler.triggers.cron import CronTrigger

    start = datetime.fromtimestamp(now, UTC)
    try:
        trigger = CronTrigger.from_crontab(job.cron, timezone=job.timezone)
    except ValueError:
        return []
    found, end = list[int](), start + timedelta(seconds=within_seconds)
    due = trigger.get_next_fire_time(None, start + timedelta(seconds=1))
    while due is not None and due <= end:
        found.append(int(due.timestamp()) - now)
        due = trigger.get_next_fire_time(due, due)
    return found
