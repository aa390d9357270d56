"""The clock on a real world: a job fires at its time, and no stop, change or broken store loses what came due."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import example
from agent.demo.scene import PASSWORD
from agent.demo.stage import end
from agent.owed import month_at
from agent.schedule import STORE, next_due, trigger_of
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue
from strongroom.protocols.erc20 import read_balance
from strongroom.settings import Mode, load_schedule
from strongroom.templates import render_schedule
from strongroom.world.people import ALICE, GUARDIANS
from strongroom.world.treasury import TREASURY, USDC
from tests.agent.house import House
from tests.agent.timetable import (
    DAY,
    LAST_MONTH,
    PATIENCE_SECONDS,
    PAYROLL,
    gaps,
    keeping,
    miss,
    next_run,
    owed,
    settled,
    units,
    until,
)


@given(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), st.integers(0, 2**32))
def test_a_named_weekday_is_that_weekday(day: str, now: int) -> None:
    due = next_due(replace(PAYROLL, cron=f"30 9 * * {day}"), now)
    assert f"{due:%a %H:%M}".lower() == f"{day} 09:30"
    assert 0 <= due.timestamp() - now <= 8 * DAY


@pytest.mark.parametrize(
    ("cron", "mend"),
    [
        ("0 9 * * 1", "name the weekdays"),
        ("0 9 * * 1-5", "name the weekdays"),
        ("0 9 * * mon-5", "name the weekdays"),
        ("0 9 * * */2", "name the weekdays"),
        ("0 9 * * fri-mon/2", "write for example"),
        ("0 9 * jan-jun/2 *", "`jan-jun/2` would be read as `jan-jun`"),
        ("0 9 last-3 * *", "`last-3` would be read as `last`"),
        ("0 9 L * *", "write for example"),
        ("61 9 * * *", "write for example"),
        ("0 9 31 2 *", "no such day ever comes"),
    ],
)
def test_a_cron_line_that_means_nothing_or_something_else_is_refused(cron: str, mend: str) -> None:
    with pytest.raises(BadValue, match=mend) as refused:
        trigger_of(replace(PAYROLL, cron=cron))
    assert f"`{cron}`" in str(refused.value)
    assert "[jobs.payroll] in schedule.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 9 last * *", "01-31 09:00"),
        ("07 09 * * *", "01-01 09:07"),
        ("0,30 9-17 2,15 JAN,jul *", "01-02 09:00"),
        ("*/20 12 1-7 * mon-Wed,sun", "01-04 12:00"),
    ],
)
def test_a_plain_cron_line_means_what_it_says(cron: str, first: str) -> None:
    """1970 began on a Thursday."""
    assert f"{next_due(replace(PAYROLL, cron=cron), 0):%m-%d %H:%M}" == first


@pytest.mark.parametrize("document", ["docs/schedule.md", "config/schedule.toml"])
def test_the_documented_schedule_can_be_kept(document: str) -> None:
    text = (Path(__file__).parents[2] / document).read_text()
    jobs = load_schedule(text.split("```toml\n")[-1].split("```")[0])
    assert "payroll" in [job.id for job in jobs]
    assert all(next_due(job, 0).timestamp() > 0 for job in jobs)


def test_a_job_that_comes_due_is_carried_out_and_moved_on(house: House) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    with keeping(house, PAYROLL) as (treasurer, scheduler):
        scheduler.modify_job("payroll", STORE, next_run_time=soon)
        until("payroll", lambda: bool(units(treasurer)))
        settled(house)
        (row,) = treasurer.units.all()
    assert row.id == f"payroll-{month_at(PAYROLL, int(soon.timestamp()))}"
    assert (row.actor, row.status) == ("job:payroll", "shadowed")
    assert next_run(house, "payroll") == next_due(PAYROLL, int(time.time()))
    (told,) = house.notices.told
    assert "5 payments" in told


def test_a_treasurer_that_stops_leaves_what_comes_due_to_the_next_one(house: House) -> None:
    due = datetime.now(UTC)
    with keeping(house, PAYROLL) as (_, scheduler):
        scheduler.pause()
        scheduler.modify_job("payroll", STORE, next_run_time=due)
    assert next_run(house, "payroll") == due


def test_a_changed_time_does_not_forget_what_the_old_one_owes(house: House) -> None:
    miss(house, PAYROLL, LAST_MONTH)
    moved = replace(PAYROLL, cron=PAYROLL.cron.replace("0 9", "30 10"))
    with keeping(house, moved) as (treasurer, _):
        settled(house)
        assert units(treasurer) == [f"payroll-{LAST_MONTH:%Y-%m}"]
    assert next_run(house, "payroll") == next_due(moved, int(time.time()))
    assert f"{next_run(house, 'payroll'):%H:%M}" == "10:30"


def test_an_unchanged_job_keeps_its_place_in_the_store(house: House) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    miss(house, PAYROLL, later)
    with keeping(house, PAYROLL):
        pass
    assert next_run(house, "payroll") == later


def test_a_job_taken_out_of_the_schedule_is_removed_and_what_it_owed_is_left_out(house: House) -> None:
    miss(house, PAYROLL, LAST_MONTH)
    other = replace(PAYROLL, id="look", operation="observe")
    with keeping(house, other) as (treasurer, scheduler):
        assert [job.id for job in scheduler.get_jobs(STORE)] == ["look"]
        assert (units(treasurer), owed(house)) == ([], ())
        assert gaps(treasurer) == ["job `payroll` is no longer in schedule.toml"]
    assert "no longer in schedule.toml" in house.notices.told[-1]


def test_a_stored_job_that_can_no_longer_be_read_is_caught_up_all_the_same(house: House) -> None:
    """APScheduler deletes such a job from its store; the run it owed is not deleted with it."""
    miss(house, PAYROLL, LAST_MONTH)
    with closing(sqlite3.connect(house.home / "state" / "jobs.db")) as database, database:
        database.execute("update apscheduler_jobs set job_state = x'80'")
    with keeping(house, PAYROLL) as (treasurer, _):
        settled(house)
        assert units(treasurer) == [f"payroll-{LAST_MONTH:%Y-%m}"]
    assert next_run(house, "payroll") > datetime.now(UTC)


def test_a_job_store_that_cannot_be_written_for_a_while_stops_nothing_for_good(house: House) -> None:
    due = datetime.now(UTC)
    with (
        keeping(house, PAYROLL) as (treasurer, scheduler),
        closing(sqlite3.connect(house.home / "state" / "jobs.db")) as database,
    ):
        scheduler.jobstore_retry_interval = 0.1
        scheduler.pause()
        scheduler.modify_job("payroll", STORE, next_run_time=due)
        refuse = "create trigger full before update on apscheduler_jobs begin select raise(abort, 'disk is full'); end"
        database.execute(refuse)
        scheduler.resume()
        until("payroll", lambda: bool(units(treasurer)))
        settled(house)
        assert scheduler.get_job("payroll", STORE).next_run_time == due
        database.execute("drop trigger full")
        until("moving on", lambda: scheduler.get_job("payroll", STORE).next_run_time > due)
        assert len(units(treasurer)) == 1


UPDATE = "apscheduler.jobstores.sqlalchemy:SQLAlchemyJobStore.update_job"
SETTLE = "agent.owed:Runs.settle"
# `strongroom run`, killed as by SIGKILL where the first method would begin; the others never get done.
DYING = """
import os, pkgutil, signal, sys, time
def put(method, act):
    where, _, name = method.rpartition(".")
    setattr(pkgutil.resolve_name(where), name, act)
first, *others = sys.argv.pop(1).split()
put(first, lambda *_, **__: (time.sleep(1), os.kill(os.getpid(), signal.SIGKILL)))
for other in others:
    put(other, lambda *_, **__: time.sleep(3600))
from agent.cli import main
main()
"""


def test_a_missed_payroll_is_paid_once_though_its_process_is_killed_over_it(house: House, chain: RpcChain) -> None:
    """Proposed, then killed before it is known to be done and before the job store moves on: the job is due again."""
    due = datetime.now(UTC) - timedelta(days=1)
    miss(house, PAYROLL, due)
    before = held(house, chain)
    die(house, SETTLE, UPDATE)
    assert next_run(house, "payroll") == due
    (run,) = owed(house)
    assert len(house.queue.pending(0)) == 1
    with child(house, "-W", "error", "-m", "agent.cli") as running:
        until("settling", lambda: not owed(house))
        (queued,) = house.queue.pending(0)
        house.sign(queued.safe_tx_hash, *GUARDIANS[:2])
        until("payment", lambda: held(house, chain) > before)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_SECONDS) == 0
    assert held(house, chain) - before == TREASURY.payees[0].monthly.units
    with house.treasurer(Mode.PROPOSE) as treasurer:
        assert [(row.id, row.status) for row in treasurer.units.all()] == [(f"payroll-{run.month}", "executed")]


def die(house: House, *where: str) -> None:
    with child(house, "-c", DYING, " ".join(where)) as dying:
        assert dying.wait(PATIENCE_SECONDS) == -signal.SIGKILL, (house.home / "child" / "output").read_text()


@contextmanager
def child(house: House, *program: str) -> Iterator[subprocess.Popen[str]]:
    """`strongroom run` as its own process, its output in a file of the house."""
    texts = example.documents(house.world, house.service, house.home / "state", Mode.PROPOSE)
    texts["schedule.toml"] = render_schedule([PAYROLL])
    config = example.write(texts, house.home / "child")
    command = [sys.executable, *program, "run", "--every", "0.1", "--config", str(config)]
    environment = os.environ | {"STRONGROOM_PASSWORD": PASSWORD}
    with (config / "output").open("w") as output:
        started = subprocess.Popen(command, stdout=output, stderr=output, text=True, env=environment)
        try:
            yield started
        finally:
            end(started)


def held(house: House, chain: RpcChain) -> int:
    return int(chain.read([read_balance(house.world.contracts.tokens[USDC], ALICE.address)], chain.head())[0])
