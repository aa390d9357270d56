"""What is owed is carried out once, for the month it was due in, or left out by its rule and said so."""

from __future__ import annotations

import threading
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example as such_as
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import example
from agent.app import open_documents, open_treasurer
from agent.owed import PUNCTUAL_SECONDS, JobsUnusable, Run, Runs, ask_for, left_out, month_at
from agent.schedule import STORE, keep_schedule
from strongroom.settings import Job, Missed, Mode
from strongroom.templates import render_schedule
from strongroom.world.people import GUARDIANS
from strongroom.world.treasury import TREASURY
from tests.agent.house import House
from tests.agent.timetable import (
    DAY,
    LAST_MONTH,
    NOW,
    PAYROLL,
    again,
    gaps,
    keeping,
    miss,
    next_run,
    owed,
    settled,
    units,
    until,
)

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"])
MOMENTS = st.integers(0, 2**32)


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


def test_a_job_store_that_is_no_database_is_one_clear_line(house: House) -> None:
    (house.home / "state" / "jobs.db").write_text("this is not a database, and long enough to be read as one")
    told = r"jobs\.db` cannot be used \(file is not a database\); mend"
    with pytest.raises(JobsUnusable, match=told), keeping(house, PAYROLL):
        pass


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
