"""Whatever a model answers, the deterministic plan comes of it, and the ledger says why, once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.clock import SetClock
from strongroom.inference.endpoint import Endpoint
from strongroom.inference.secret import Secret
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.recorder import Recorder
from strongroom.ledger.verification import verify
from strongroom.model_settings import LanguageModel
from tests.adversarial.hostile_answers import ENVELOPES, PAYROLL_THEFTS, REFUSED, SWAP_THEFTS, THEFTS, WORDS, Hostile
from tests.adversarial.hostile_model import WIRE, HostileModel
from tests.planners.study import DOCUMENT, NOW, RULES, Study, ask, facts, study

KEY = "sk-hostile-0123456789"
SAID = ENVELOPES | WORDS | THEFTS


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileModel]:
    model = HostileModel({**SAID, **REFUSED, **PAYROLL_THEFTS, **SWAP_THEFTS})
    yield model
    model.close()


def endpoint(hostile: HostileModel, name: str, seconds: int = 30) -> Endpoint:
    return Endpoint(LanguageModel(hostile.url(name), "worst", seconds, 500), Secret(KEY))


def require_fallback(study: Study, operation: str, why: str, entry: str) -> None:
    """The plan is the rules' own; the request and its one answer are recorded, with the reason, which people hear."""
    before = len(study.entries())
    seen = facts()
    assert study.plan(operation, seen) == RULES.plan(ask(operation), seen)
    request, answer = study.entries()[before:]
    assert (request.type, answer.type, answer.link.cause) == ("model.req", entry, request.index)
    assert re.search(why, answer.body["why"]), answer.body["why"]
    assert answer.body["why"].isascii() and answer.body["why"].isprintable()
    assert answer.body.get("used", False) is False
    assert study.notices.told[-1].endswith(answer.body["why"])
    assert not study.ledger.is_open(request.index)


def require_told_exactly(study: Study, hostile: HostileModel, name: str, received: bytes) -> None:
    """Byte for byte what went over the wire, and the key in none of it."""
    request, answer = study.entries()[-2:]
    sent = study.ledger.disclose(request.index, "sent").value
    assert sent == hostile.bodies[name][-1]
    assert KEY.encode() not in sent
    assert hostile.headers[name][-1]["authorization"] == f"Bearer {KEY}"
    if received:
        assert study.ledger.disclose(answer.index, "received").value == received


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        *((name, "payroll") for name in ENVELOPES),
        *((name, "rebalance") for name in WORDS),
        *((name, operation) for name in THEFTS for operation in ("payroll", "rebalance")),
    ],
)
def test_no_answer_is_bad_enough_to_change_the_plan(hostile: HostileModel, name: str, operation: str) -> None:
    fallen = study(endpoint(hostile, name))
    asked = hostile.asked[name]
    require_fallback(fallen, operation, SAID[name].why, SAID[name].entry)
    require_told_exactly(fallen, hostile, name, SAID[name].body)
    assert hostile.asked[name] == asked + 1, "an answer is never asked for again"


@pytest.mark.parametrize(
    ("name", "operation"),
    [*((name, "payroll") for name in PAYROLL_THEFTS), *((name, "rebalance") for name in SWAP_THEFTS)],
)
def test_no_plan_in_the_schema_s_own_words_steals(hostile: HostileModel, name: str, operation: str) -> None:
    answer = (PAYROLL_THEFTS | SWAP_THEFTS)[name]
    fallen = study(endpoint(hostile, name))
    require_fallback(fallen, operation, answer.why, "model.res")
    require_told_exactly(fallen, hostile, name, answer.body)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_answer_is_not_asked_for_again_nor_followed(hostile: HostileModel, name: str) -> None:
    fallen, asked, begun = study(endpoint(hostile, name)), sum(hostile.asked.values()), time.monotonic()
    require_fallback(fallen, "payroll", REFUSED[name].why, "gap")
    assert sum(hostile.asked.values()) == asked + 1
    assert time.monotonic() - begun < 10, "nobody tells the treasurer to wait"
    received = REFUSED[name].body[: 256 * 1024]
    require_told_exactly(fallen, hostile, name, received)


@pytest.mark.parametrize("name", WIRE)
def test_a_broken_wire_is_tried_at_most_once_more_and_within_its_time(hostile: HostileModel, name: str) -> None:
    fallen, begun = study(endpoint(hostile, name, 1 if "within" in WIRE[name] else 30)), time.monotonic()
    require_fallback(fallen, "payroll", WIRE[name], "gap")
    cut = WIRE[name] == "RemoteProtocolError"
    assert hostile.asked[name] == (2 if cut else 1)
    assert len(set(hostile.bodies[name])) == 1
    assert time.monotonic() - begun < 15
    require_told_exactly(fallen, hostile, name, b"")


def test_a_model_that_is_not_there_is_a_gap() -> None:
    nowhere = Endpoint(LanguageModel("http://127.0.0.1:9/v1", "none", 5, 500), Secret(""))
    require_fallback(study(nowhere), "payroll", "ConnectError", "gap")


def test_the_ledger_on_disk_stays_sound_under_all_of_it(hostile: HostileModel, tmp_path: Path) -> None:
    with_disk = FileLedger.open(tmp_path / "ledger", DOCUMENT.account, SetClock(NOW), {"mode": "shadow"})
    try:
        _fall_for_all(hostile, with_disk)
    finally:
        with_disk.close()
    report = verify(tmp_path / "ledger")
    assert report.ok, report.fault
    assert report.waiting == ()


def _fall_for_all(hostile: HostileModel, ledger: Recorder) -> None:
    answers: dict[str, Hostile] = {**ENVELOPES, **THEFTS, **REFUSED}
    for name, answer in list(answers.items())[::4]:
        require_fallback(study(endpoint(hostile, name), ledger), "payroll", answer.why, answer.entry)
