"""The clock on a real world: what is due is carried out once, for the month it was due in, or left out and said so."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from hypothesis import example as such_as
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.demo.scene import PASSWORD
from agent.demo.stage import end
from agent.schedule import (
    AGAIN,
    PUNCTUAL_SECONDS,
    STORE,
    JobsUnusable,
    Run,
    Runs,
    ask_for,
    keep_schedule,
    left_out,
    month_at,
    next_due,
    trigger_of,
)
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue
from strongroom.protocols.erc20 import read_balance
from strongroom.settings import Job, Missed, Mode, load_schedule
from strongroom.templates import render_schedule
from strongroom.world.people import ALICE, GUARDIANS
from strongroom.world.treasury import TREASURY, USDC
from tests.agent.house import House

DAY = 86_400
PATIENCE_SECONDS = 90.0
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"])
MOMENTS = st.integers(0, 2**32)


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


class Still(BackgroundScheduler):  # type: ignore[misc]
    """Reads and edits a job store, and fires nothing."""

    def _process_jobs(self) -> None:
        return None


@contextmanager
def stored_jobs(house: House) -> Iterator[BackgroundScheduler]:
    """The job store of a stopped treasurer, through APScheduler's own door."""
    store = SQLAlchemyJobStore(f"sqlite:///{house.home}/state/jobs.db")
    scheduler = Still(jobstores={STORE: store}, timezone=UTC)
    scheduler.start(paused=True)
    try:
        yield scheduler
    finally:
        scheduler.shutdown()


def miss(house: House, job: Job, due: datetime) -> None:
    """Leaves the house as a treasurer does that knew the job and was not running when it came due."""
    with keeping(house, job):
        pass
    with stored_jobs(house) as scheduler:
        scheduler.modify_job(job.id, STORE, next_run_time=due)


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
    with stored_jobs(house) as scheduler:
        found: datetime = scheduler.get_job(job_id, STORE).next_run_time
        return found


@given(
    missed=st.sampled_from(Missed), within=st.integers(1, 90 * DAY), due=MOMENTS, late=st.integers(0, 99 * DAY),
    waited=st.integers(0, 99 * DAY),
)  # fmt: skip
@such_as(Missed.ONCE, DAY, 0, DAY - 1, 0)
@such_as(Missed.ONCE, DAY, 0, 0, DAY)
@such_as(Missed.SKIP, DAY, 0, PUNCTUAL_SECONDS, 0)
@such_as(Missed.SKIP, DAY, 0, PUNCTUAL_SECONDS + 1, 0)
def test_a_run_is_carried_out_exactly_while_its_rule_wants_it(
    missed: Missed, within: int, due: int, late: int, waited: int
) -> None:
    job = replace(PAYROLL, missed=missed, within_seconds=within)
    why = left_out(job, Run("payroll", "2026-11", due, due + late), due + late + waited)
    young = late + waited < within
    punctual = late <= PUNCTUAL_SECONDS
    assert (why is None) == (young and (punctual or missed is Missed.ONCE))


@given(ZONES, MOMENTS)
def test_a_run_asks_for_the_month_it_was_due_in(zone: str, due: int) -> None:
    job = replace(PAYROLL, timezone=zone)
    ask = ask_for(job, month_at(job, due))
    first = datetime.fromtimestamp(ask["since"], ZoneInfo(zone))
    assert (first.day, first.hour, first.minute) == (1, 0, 0)
    assert f"{first:%Y-%m}" == ask["period"] == f"{datetime.fromtimestamp(due, ZoneInfo(zone)):%Y-%m}"
    assert ask["since"] <= due < ask["since"] + 31 * DAY + 3_600


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.datetimes(datetime(2026, 1, 1), datetime(2026, 4, 1))), max_size=12)
)
def test_whatever_was_noted_in_whatever_order_the_last_run_of_each_month_is_owed(
    dues: list[tuple[str, datetime]],
) -> None:
    with TemporaryDirectory() as folder:
        runs = Runs(Path(folder) / "jobs.db")
        for job, due in dues:
            runs.note(job, due.replace(tzinfo=UTC), 0)
        found = runs.owed()
        for run in found:
            runs.settle(run)
            runs.note(run.job, datetime.fromtimestamp(run.due, UTC), 1)
        assert runs.owed() == ()
    expected = {(job, f"{due:%Y-%m}"): int(due.replace(tzinfo=UTC).timestamp()) for job, due in sorted(dues)}
    assert {(run.job, run.month): run.due for run in found} == expected
    assert [run.due for run in found] == sorted(run.due for run in found)


@given(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), MOMENTS)
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


MIDNIGHT = LAST_MONTH.replace(hour=23, minute=30)
"""Still last month in UTC, this month already in Berlin."""


@pytest.mark.parametrize(("due", "month"), [(LAST_MONTH, LAST_MONTH), (MIDNIGHT, MIDNIGHT + timedelta(days=1))])
def test_a_missed_run_is_caught_up_once_for_the_month_it_was_due_in(
    house: House, due: datetime, month: datetime
) -> None:
    miss(house, PAYROLL, due)
    for _ in range(2):
        with keeping(house, PAYROLL) as (treasurer, _):
            settled(house)
            asked = [e.body["ask"] for e in treasurer.ledger.entries() if e.body.get("tool") == "plan"]
            assert units(treasurer) == [f"payroll-{month:%Y-%m}"]
    (ask,) = asked
    assert (ask["period"], ask["due"]) == (f"{month:%Y-%m}", int(due.timestamp()))


def test_a_treasurer_that_stops_leaves_what_comes_due_to_the_next_one(house: House) -> None:
    due = datetime.now(UTC)
    with keeping(house, PAYROLL) as (_, scheduler):
        scheduler.pause()
        scheduler.modify_job("payroll", STORE, next_run_time=due)
    assert next_run(house, "payroll") == due


def test_a_month_that_is_paid_late_does_not_count_as_the_next_one(house: House) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        late, due = (ask_for(PAYROLL, month_at(PAYROLL, int(at.timestamp()))) for at in (LAST_MONTH, NOW))
        _, (row,) = treasurer.runner.cycle(late)
        house.sign(row.binding, *GUARDIANS[:2])
        treasurer.runner.poll()
        _, rows = treasurer.runner.cycle(due)
    assert [row.intents for row in rows] == [len(TREASURY.payees)]


def test_a_run_whose_process_died_before_it_began_is_taken_up_though_its_job_has_moved_on(house: House) -> None:
    with keeping(house, PAYROLL):
        pass
    Runs(house.home / "state" / "jobs.db").note("payroll", LAST_MONTH, int(LAST_MONTH.timestamp()))
    assert next_run(house, "payroll") > datetime.now(UTC)
    with keeping(house, PAYROLL) as (treasurer, _):
        settled(house)
        assert units(treasurer) == [f"payroll-{LAST_MONTH:%Y-%m}"]


def test_months_missed_are_each_caught_up_and_runs_within_a_month_together(house: House) -> None:
    """Down for the last days of one month and the first of the next, with a job of every hour."""
    hourly = replace(PAYROLL, cron="0 * * * *", timezone="UTC")
    first = LAST_MONTH - timedelta(hours=LAST_MONTH.hour + 48)
    miss(house, hourly, first.replace(minute=0, second=0, microsecond=0))
    with keeping(house, hourly) as (treasurer, _):
        settled(house)
        assert units(treasurer) == [f"payroll-{LAST_MONTH:%Y-%m}", f"payroll-{datetime.now(UTC):%Y-%m}"]
        asked = [e.body["ask"]["due"] for e in treasurer.ledger.entries() if e.body.get("tool") == "plan"]
    assert asked[0] == int(LAST_MONTH.replace(hour=23, minute=0, second=0, microsecond=0).timestamp())


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (replace(PAYROLL, missed=Missed.SKIP), 'missed = "skip"'),
        (replace(PAYROLL, within_seconds=DAY // 2), "not younger than 12 hours"),
    ],
)
def test_a_missed_run_that_its_rule_does_not_want_is_left_out_and_said_so(house: House, job: Job, why: str) -> None:
    due = datetime.now(UTC) - timedelta(days=1)
    miss(house, job, due)
    for _ in range(2):
        with keeping(house, job) as (treasurer, _scheduler):
            settled(house)
            assert units(treasurer) == []
            (gap,) = gaps(treasurer)
    (told,) = house.notices.told
    month = month_at(job, int(due.timestamp()))
    for said in (gap, told):
        assert why in said
        assert f"`strongroom cycle payroll --month {month}`" in said
    assert next_run(house, "payroll") > datetime.now(UTC)


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


def test_an_operation_without_anything_to_do_is_done(house: House) -> None:
    look = replace(PAYROLL, id="look", operation="observe")
    miss(house, look, LAST_MONTH)
    with keeping(house, look) as (treasurer, _):
        settled(house)
        assert units(treasurer) == []
    assert house.notices.told[-1].endswith("nothing to do")


def test_a_job_that_fails_is_told_once_kept_and_tried_again(house: House) -> None:
    job = replace(PAYROLL, missed=Missed.SKIP)
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    with Line(house.world.url) as line:
        texts["treasury.toml"] = texts["treasury.toml"].replace(house.world.url, line.url)
        texts["schedule.toml"] = render_schedule([job])
        documents = open_documents(example.write(texts, house.home / "line"))
        with open_treasurer(documents, house.notices) as treasurer, keep_schedule(treasurer) as scheduler:
            line.cut = True
            scheduler.modify_job("payroll", STORE, next_run_time=datetime.now(UTC))
            until("the first failure", lambda: any(run.why for run in owed(house)))
            tries = len(gaps(treasurer))
            until("the next failure", lambda: again(scheduler) and len(gaps(treasurer)) > tries)
            assert treasurer.runner.poll() == ()
            line.cut = False
            until("success", lambda: again(scheduler) and not owed(house))
            assert len(units(treasurer)) == 1
    failed, done = house.notices.told
    assert "cannot be reached" in failed or "503" in failed
    assert failed.endswith("tried again every 5 minutes")
    assert "5 payments" in done


def again(scheduler: BackgroundScheduler) -> bool:
    """Brings the second look forward; one that is under way already is not doubled."""
    scheduler.modify_job("payroll again", AGAIN, next_run_time=datetime.now(UTC))
    return True


def test_a_job_store_that_cannot_be_written_for_a_while_stops_nothing_for_good(house: House) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    with (
        keeping(house, PAYROLL) as (treasurer, scheduler),
        closing(sqlite3.connect(house.home / "state" / "jobs.db")) as database,
    ):
        scheduler.jobstore_retry_interval = 0.1
        scheduler.modify_job("payroll", STORE, next_run_time=soon)
        refuse = "create trigger full before update on apscheduler_jobs begin select raise(abort, 'disk is full'); end"
        database.execute(refuse)
        until("payroll", lambda: bool(units(treasurer)))
        settled(house)
        assert scheduler.get_job("payroll", STORE).next_run_time == soon
        database.execute("drop trigger full")
        until("moving on", lambda: scheduler.get_job("payroll", STORE).next_run_time > soon)
        assert len(units(treasurer)) == 1


def test_a_job_store_that_is_no_database_is_one_clear_line(house: House) -> None:
    (house.home / "state" / "jobs.db").write_text("this is not a database, and long enough to be read as one")
    told = r"jobs\.db` cannot be used \(file is not a database\); mend"
    with pytest.raises(JobsUnusable, match=told), keeping(house, PAYROLL):
        pass


UPDATE = "apscheduler.jobstores.sqlalchemy:SQLAlchemyJobStore.update_job"
SETTLE = "agent.schedule:Runs.settle"
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


class Line:
    """The line to a node, as an address of its own. While `cut`, whoever asks over it is told 503."""

    def __init__(self, url: str) -> None:
        self.cut = False
        line = self

        class Forward(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = b"" if line.cut else _asked(url, body)
                self.send_response(503 if line.cut else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Line:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _asked(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())
