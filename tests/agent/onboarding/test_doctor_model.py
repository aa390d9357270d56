"""`strongroom doctor` on the language model: one question that tells nothing, and how to mend what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strongroom.inference.memory import completion
from tests.adversarial.hostile_answers import Hostile, choice, drafted
from tests.adversarial.hostile_model import HostileModel
from tests.agent.onboarding.patient import Treasury

Check = dict[str, str]
TYPE = (("Content-Type", "application/json"),)
ANSWERS = {
    "well": Hostile("", drafted(choice("swap", "RED", "BLUE", 5_000))),
    "nothing chosen": Hostile("", completion('{"choices": []}')),
    "no schema": Hostile("schema", completion('{"plan": "sell"}')),
    "prose": Hostile("JSON", completion("I would sell half.")),
    "refusal": Hostile("refuses", completion(None, refusal="no")),
    "ends early": Hostile("did not finish", completion('{"cho', "length")),
    "wants a key": Hostile("HTTP 401", b"{}", 401, TYPE),
    "wants another key": Hostile("HTTP 403", b"{}", 403, TYPE),
    "unknown": Hostile("HTTP 404", b"{}", 404, TYPE),
    "busy": Hostile("HTTP 429", b"{}", 429, TYPE),
    "moved": Hostile("HTTP 307", b"", 307, (("Location", "http://127.0.0.1:9/v1"),)),
}
KEY = "sk-doctor-0123456789"


@pytest.fixture(scope="module")
def server() -> Iterator[HostileModel]:
    model = HostileModel(ANSWERS)
    yield model
    model.close()


@pytest.fixture
def ask(treasury: Treasury, strongroom: Callable[..., Any]) -> Callable[..., Check]:
    """The doctor's check of the model at this address; nothing else of the treasury is unwell."""

    def look(url: str, seconds: int = 30) -> Check:
        with (treasury.folder / "treasury.toml").open("a") as file:
            file.write(f'\n[model]\nurl = "{url}"\nname = "small"\ntimeout = "{seconds} seconds"\n')
        answer = strongroom("doctor", "--config", treasury.folder, "--json")
        assert {each["grade"] for each in answer.data["checks"] if each["name"] != "model"} == {"ok"}
        return dict(next(each for each in answer.data["checks"] if each["name"] == "model"))

    return look


@pytest.mark.parametrize("name", ["well", "nothing chosen"])
def test_a_model_that_answers_in_the_schema_is_well(ask: Callable[..., Check], server: HostileModel, name: str) -> None:
    port = server.url(name).split("/")[2]
    check = ask(server.url(name))
    assert (check["grade"], check["what"], check["mend"]) == ("ok", f"`small` at http://{port}/… answers as asked", "")


def test_no_model_is_well_too_and_the_rules_plan(strongroom: Callable[..., Any], treasury: Treasury) -> None:
    checks = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    (check,) = [each for each in checks if each["name"] == "model"]
    assert (check["grade"], check["what"]) == ("ok", "none is named, the mandate's rules plan")


@pytest.mark.parametrize("name", ["no schema", "prose", "refusal", "ends early"])
def test_an_answer_that_no_planner_could_use_is_a_warning(
    ask: Callable[..., Check], server: HostileModel, name: str
) -> None:
    check = ask(server.url(name))
    assert check["grade"] == "warn"
    assert "does not answer as asked" in check["what"] and ANSWERS[name].why in check["what"]
    assert check["mend"].endswith("the mandate's rules plan until then")


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("wants a key", "put its key into STRONGROOM_MODEL_KEY"),
        ("wants another key", "put a key that may use it into STRONGROOM_MODEL_KEY"),
        ("unknown", "let `url` end where `/chat/completions` begins"),
        ("busy", "raise its limits"),
        ("moved", "correct [model] in treasury.toml"),
    ],
)
def test_a_refusal_is_a_warning_that_says_what_to_mend(
    ask: Callable[..., Check], server: HostileModel, name: str, mend: str
) -> None:
    check = ask(server.url(name))
    assert check["grade"] == "warn" and f"({ANSWERS[name].why})" in check["what"]
    assert mend in check["mend"] and check["mend"].endswith("the mandate's rules plan until then")


def test_a_model_that_is_not_there_or_never_ends_is_a_warning(
    ask: Callable[..., Check], server: HostileModel, treasury: Treasury, free_port: int
) -> None:
    before = (treasury.folder / "treasury.toml").read_text()
    assert "(ConnectError)" in ask(f"http://127.0.0.1:{free_port}/v1")["what"]
    (treasury.folder / "treasury.toml").write_text(before)
    assert "(no whole answer within 1 s)" in ask(server.url("drips"), 1)["what"]


def test_the_question_holds_nothing_of_the_treasury_and_the_key_is_not_shown(
    ask: Callable[..., Check], server: HostileModel, treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_MODEL_KEY", KEY)
    asked = server.asked["well"]
    check = ask(server.url("well"))
    assert server.asked["well"] == asked + 1
    assert server.headers["well"][-1]["authorization"] == f"Bearer {KEY}" and KEY not in json.dumps(check)
    said = json.loads(server.bodies["well"][-1])["messages"][-1]["content"]
    assert "RED" in said and len(said) < 300
    assert not any(word in said for word in ("USDC", "WETH", "alice", treasury.world.account.safe))


def test_a_key_that_no_header_can_carry_fails_since_no_treasurer_starts_with_it(
    treasury: Treasury, unwell: Callable[[], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_MODEL_KEY", "two words")
    with (treasury.folder / "treasury.toml").open("a") as file:
        file.write('\n[model]\nurl = "http://127.0.0.1:9/v1"\nname = "small"\n')
    assert unwell() == {"model": "fail"}


def test_a_model_reached_in_the_clear_is_refused_where_it_is_written(
    treasury: Treasury, unwell: Callable[[], dict[str, str]]
) -> None:
    """Prompts carry what the treasury holds: the document is not even loaded, so nothing is asked."""
    with (treasury.folder / "treasury.toml").open("a") as file:
        file.write('\n[model]\nurl = "http://models.example/v1"\nname = "small"\n')
    assert unwell() == {"treasury.toml": "fail"}


@pytest.mark.parametrize(
    ("name", "grade", "said"),
    [
        (
            "well",
            "ok",
            "`small` at http://127.0.0.1:{}/… answers as asked; `other` at http://127.0.0.1:{}/… answers as asked",
        ),
        ("refusal", "warn", "`other` at http://127.0.0.1:{}/… does not answer as asked"),
        ("wants a key", "warn", "STRONGROOM_SECOND_MODEL_KEY"),
    ],
)
def test_a_second_model_is_asked_too(
    ask: Callable[..., Check], server: HostileModel, treasury: Treasury, name: str, grade: str, said: str
) -> None:
    port = server.url(name).split("/")[2].split(":")[1]
    text = (treasury.folder / "treasury.toml").read_text()
    second = f'\n[model.second]\nurl = "{server.url(name)}"\nname = "other"\n'
    (treasury.folder / "treasury.toml").write_text(text + second)
    check = ask(server.url("well"))
    assert check["grade"] == grade
    assert said.format(port, port) in f"{check['what']} {check['mend']}"
