"""The runs that a sale in clips may count on, and the units that the planner is told of."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runs_ahead import runs_ahead
from agent.units import OPEN, SPENT, Row, lately_spent
from strongroom.pacing_settings import MOST_CLIPS, Pacing
from strongroom.settings import Job, Missed

MONDAY = int(datetime(2026, 11, 23, 10, 0, 7, tzinfo=UTC).timestamp())
HOUR = 3_600
USUAL = Pacing()


def job(cron: str, operation: str = "rebalance", zone: str = "UTC") -> Job:
    return Job("rebalance", operation, cron, zone, Missed.SKIP, 86_400)


def runs(cron: str, pacing: Pacing = USUAL, now: int = MONDAY) -> list[int]:
    return list(runs_ahead(job(cron), pacing, now)["runs_in"])


def test_an_hourly_job_has_a_run_for_each_later_clip() -> None:
    assert runs("0 10-16 * * mon") == [HOUR - 7, 2 * HOUR - 7, 3 * HOUR - 7]


@pytest.mark.parametrize("cron", ["0 10 * * mon", "0 18 * * mon", "0 9 * *", "61 * * * *"])
def test_a_job_that_runs_too_late_or_never_has_none(cron: str) -> None:
    assert runs(cron) == []


def test_only_a_rebalancing_is_told_of_its_runs() -> None:
    assert runs_ahead(job("0 * * * *", "payroll"), USUAL, MONDAY) == {}


@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=8),
    now=st.integers(MONDAY, MONDAY + 30 * 86_400),
    clips=st.integers(1, MOST_CLIPS),
    within=st.integers(60, 86_400),
    share=st.floats(0, 1),
)
def test_runs_keep_the_pause_the_time_and_the_number_and_are_the_job_s_own(
    minutes: set[int], now: int, clips: int, within: int, share: float
) -> None:
    pacing = Pacing(clips=clips, within_seconds=within, pause_seconds=max(int(share * within), 60))
    found = runs(f"{','.join(map(str, sorted(minutes)))} * * * *", pacing, now)
    assert len(found) < clips or not found
    assert all(each <= within for each in found)
    assert all(later - earlier >= pacing.pause_seconds for earlier, later in pairwise([0, *found]))
    assert {datetime.fromtimestamp(now + each, UTC).minute for each in found} <= minutes
    assert all((now + each) % 60 == 0 for each in found)


def row(id_: str, plan: str, status: str, tx_hash: str = "") -> Row:
    return Row(id_, "{}", "job:rebalance", plan, 1, status, "", "", None, tx_hash, "")


def test_the_planner_is_told_of_the_units_of_the_two_latest_plans_that_are_not_tried_again() -> None:
    """Another attempt at a unit counts under the unit's own id; what was denied may be tried again."""
    rows = [
        row("rebalance-2026-11-21-A-B", "rebalance-2026-11-21", "executed", "0x1"),
        row("rebalance-2026-11-22-1-A-B", "rebalance-2026-11-22", "executed", "0x2"),
        row("payroll-2026-11", "payroll-2026-11", "executed", "0x3"),
        row("rebalance-2026-11-22-2-A-B", "rebalance-2026-11-23", "denied"),
        row("rebalance-2026-11-22-2-A-B.2", "rebalance-2026-11-23", "executed", "0x4"),
        row("rebalance-2026-11-23-1-B-A", "rebalance-2026-11-23", "rejected"),
        row("rebalance-2026-11-23-C-A", "rebalance-2026-11-23", "reverted", "0x5"),
        row("dry-run-rebalance-2026-11-23-C-B", "dry-run-rebalance-2026-11-23", "executed", "0x6"),
    ]
    assert lately_spent(rows, "rebalance") == {
        "rebalance-2026-11-22-1-A-B": "0x2",
        "rebalance-2026-11-22-2-A-B": "0x4",
        "rebalance-2026-11-23-1-B-A": "",
    }


@given(status=st.sampled_from(SPENT))
def test_only_what_was_executed_comes_with_a_transaction(status: str) -> None:
    """A unit that waits, or that guardians rejected, may bear the hash of another's transaction."""
    (found,) = lately_spent(
        [row("rebalance-2026-11-23-1-A-B", "rebalance-2026-11-23", status, "0x1")], "rebalance"
    ).values()
    assert (found == "0x1") == (status == "executed")
    assert status != "executed" or status not in OPEN
