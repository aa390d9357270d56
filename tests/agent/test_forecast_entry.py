"""`--record`: seed, data and digest of a forecast are in the ledger, and the printed line is what they are of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent import example
from agent.cli.reach import FarDesk
from agent.desk import OwnDesk
from agent.forecast_entry import forecast_entry, record_forecast
from agent.state_folder import Held, StateFolder
from agent.web import Door
from strongroom.clock import WallClock
from strongroom.errors import BadValue
from strongroom.ledger.memory_ledger import MemoryLedger
from strongroom.ledger.reading import read_entries
from strongroom.ledger.verification import verify
from strongroom.settings import Mode
from tests.agent.conftest import Run
from tests.agent.house import House

ORIGIN = {"data_hash": "ab" * 32, "seed": 3, "version": "0.1.0+1234abcd", "command": "strongroom simulate treasury"}
ASKED = ("--example", "--paths", 20, "--days", 20, "--seed", 7, "--record", "--json")


def entries(config: Path, house: House) -> list[Any]:
    return [each for each in read_entries(house.home / "state" / "ledger") if each.type in ("tool.req", "tool.res")]


@pytest.fixture
def config(house: House) -> Path:
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    return example.write(texts, house.home / "documents")


def test_the_entry_holds_the_origin_and_the_digest_of_the_printed_line(house: House, config: Path, run: Run) -> None:
    code, out, err = run("simulate", "treasury", *ASKED, "--config", config)
    assert code == 0, err
    asked, done = entries(config, house)
    origin = json.loads(out)["origin"]
    assert asked.body == {"tool": "simulate", **origin} and origin["seed"] == 7 and "--record" not in origin["command"]
    assert done.body == {"answer_sha256": hashlib.sha256(out.rstrip("\n").encode()).hexdigest()}
    assert (done.link.cause, err) == (asked.index, f"recorded: entry {done.index} of the ledger\n")
    report = verify(house.home / "state" / "ledger")
    report.demand(house.home / "state" / "ledger")


def test_a_running_treasurer_writes_it_into_its_own_log(house: House, run: Run) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer, Door(OwnDesk(treasurer), treasurer.folder):
        code, out, err = run("simulate", "treasury", *ASKED, "--config", house.home / Mode.SHADOW)
        assert code == 0, err
        (done,) = [each for each in treasurer.ledger.entries() if "answer_sha256" in each.body]
        assert done.body["answer_sha256"] == hashlib.sha256(out.rstrip("\n").encode()).hexdigest()
        far = FarDesk(json.loads(treasurer.folder.socket.read_text()))
        assert far.record(forecast_entry(ORIGIN, "{}"))["entry"] > done.index


def test_without_the_option_nothing_is_written(house: House, config: Path, run: Run) -> None:
    assert run("simulate", "treasury", *(each for each in ASKED if each != "--record"), "--config", config)[0] == 0
    assert not (house.home / "state" / "ledger").exists()


def test_a_ledger_that_another_process_holds_loses_no_forecast(house: House, config: Path, run: Run) -> None:
    held = Held(StateFolder(house.home / "state"))
    try:
        code, out, err = run("simulate", "treasury", *ASKED, "--config", config)
    finally:
        held.release()
    assert code == 1 and json.loads(out)["origin"]["seed"] == 7
    assert str(house.home / "state") in err and len(err.splitlines()) == 1


@pytest.fixture
def ledger(house: House) -> Iterator[MemoryLedger]:
    yield MemoryLedger(house.world.account, WallClock(), {})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": "3"}, "`seed`"),
        ({"seed": True}, "`seed`"),
        ({"command": 5}, "`command` of a forecast"),
        ({"command": "x" * 4_001}, "at most 4,000 characters"),
        ({"data_hash": None}, "`data_hash` of a forecast"),
        ({"more": "words"}, "alone"),
    ],
)
def test_what_is_no_forecast_is_refused_and_not_written(
    ledger: MemoryLedger, changed: Mapping[str, Any], said: str
) -> None:
    size = ledger.size
    with pytest.raises(BadValue, match=said):
        record_forecast(ledger, {**forecast_entry(ORIGIN, "{}"), **changed})
    assert ledger.size == size
