"""`policy explain`: of a unit it needs no node; of a request, a real rehearsal confirms what was estimated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.explained import explained_unit
from policies.document import load
from strongroom.documents import read
from strongroom.quantities import format_units
from strongroom.settings import Mode
from strongroom.world.treasury import DECIMALS
from tests.agent.conftest import Run
from tests.agent.house import House
from tests.agent.test_looking import _LOADED, CLOSED

_TOO_MUCH = "pay 14_999.5 USDC to alice"


@pytest.fixture
def config(house: House) -> Path:
    """A treasury in shadow mode."""
    with house.desk(Mode.SHADOW):
        return house.home / Mode.SHADOW


def ways(data: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The ways of one kind to be allowed."""
    (prospect,) = [each for each in data["prospects"] if each["verdict"] == "allow"]
    return [way for way in prospect["ways"] if way["change"]["kind"] == kind]


def asked(run: Run, config: Path, request: str) -> dict[str, Any]:
    code, out, err = run("policy", "explain", "--request", request, "--json", "--config", config)
    assert (code, err) == (0, "")
    answer: dict[str, Any] = json.loads(out)
    return answer


@pytest.mark.parametrize("request_", [_TOO_MUCH, "swap 30 WETH to USDC"])
def test_a_new_rehearsal_confirms_the_estimate_to_the_unit(config: Path, run: Run, request_: str) -> None:
    """On real contracts: the most that is said to be allowed is, and one unit more is not."""
    data = asked(run, config, request_)
    assert data["verdict"] == "ask"
    (way,) = ways(data, "Lower")
    assert way["estimate"] is True and way["verdict"] == "allow"
    verb, _, token, *rest = request_.split()
    for units, verdict in ((int(way["change"]["units"]), "allow"), (int(way["change"]["units"]) + 1, "ask")):
        amount = format_units(units, DECIMALS[way["change"]["token"]]).replace(",", "")
        assert asked(run, config, " ".join([verb, amount, token, *rest]))["verdict"] == verdict


def test_a_request_leaves_nothing_behind(config: Path, run: Run, house: House) -> None:
    code, out, err = run("policy", "explain", "--request", _TOO_MUCH, "--config", config)
    assert (code, err) == (0, "") and house.records.plans() == []
    lines = out.splitlines()
    assert lines[0] == f"{_TOO_MUCH}: ask" and "  to be allowed:" in lines
    assert any(" over]" in line for line in lines) and any(" left]" in line for line in lines)
    assert any("pay alice at most" in line and "by estimate; a new rehearsal decides" in line for line in lines)


def test_several_requests_are_one_unit(config: Path, run: Run) -> None:
    requests = ("--request", "pay 10 USDC to bob", "--request", _TOO_MUCH)
    out = run("policy", "explain", *requests, "--json", "--config", config)[1]
    assert [way["change"]["places"] for way in ways(json.loads(out), "LeaveOut")] == [[1]]


def test_what_cannot_be_compiled_says_so(config: Path, run: Run) -> None:
    code, out, err = run("policy", "explain", "--request", "pay 10 USDC to nobody", "--config", config)
    assert (code, err) == (0, "") and "payee `nobody` is not in the address book" in out
    assert out.splitlines()[-1] == "  it cannot be compiled, so no change of it is computed"


def test_a_unit_is_explained_from_its_record_alone(house: House, run: Run) -> None:
    """Without a node, a lock or the graph's libraries."""
    with house.desk(Mode.SHADOW) as desk:
        (unit,) = desk.chat("ana", "pay 14,999.5 USDC to alice")["units"]
    config = house.home / Mode.SHADOW
    document = config / "treasury.toml"
    document.write_text(document.read_text().replace(house.world.url, CLOSED).replace(house.service, CLOSED))
    command = [sys.executable, "-c", _LOADED, "policy", "explain", unit["id"], "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{unit['id']}: ask" and "  to be allowed:" in lines and lines[-1] == "[]"
    data = json.loads(run("policy", "explain", unit["id"], "--json", "--config", config)[1])
    assert ways(data, "Lower") and ways(data, "Amend") and data["untold"] == ""
    assert "lines" not in data and all("margin" in finding for finding in data["findings"])


def test_what_another_policy_judged_is_not_explained_by_this_one(house: House) -> None:
    with house.desk(Mode.SHADOW) as desk:
        (unit,) = desk.chat("ana", "pay 14,999.5 USDC to alice")["units"]
    state = house.records.show(unit["id"])["state"]
    text = read(house.home / Mode.SHADOW / "policy.toml")
    document = load(text)
    assert explained_unit(state, document)["prospects"]
    changed = explained_unit(state, load(text.replace('max_price = "150 gwei"', 'max_price = "151 gwei"')))
    assert (changed["verdict"], changed["prospects"]) == ("ask", []) and "not the one that judged" in changed["untold"]
    assert changed["findings"]
    otherwise = {**state, "decision": {**state["decision"], "verdict": "deny"}}
    assert "more than the policy's rules" in explained_unit(otherwise, document)["untold"]
    uncompiled = {"decision": state["decision"]}
    assert "never compiled" in explained_unit(uncompiled, document)["untold"]
    assert explained_unit({}, document)["verdict"] == "unjudged"


@pytest.mark.parametrize("arguments", [[], ["a-unit", "--request", _TOO_MUCH]])
def test_a_unit_or_a_request_and_not_both(config: Path, run: Run, arguments: list[str]) -> None:
    code, out, err = run("policy", "explain", *arguments, "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1) and "name a unit, or give `--request`" in err


def test_the_page_about_it_shows_what_is_printed(config: Path, run: Run) -> None:
    """docs/explain.md quotes these lines, and names every key of the JSON."""
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    printed = run("policy", "explain", "--request", _TOO_MUCH, "--config", config)[1].splitlines()
    start = page.index(f"    {_TOO_MUCH}: ask")
    quoted = [line.removeprefix("    ") for line in page[start : page.index("\n\n", start)].splitlines()]
    shown = [" ".join(line.split()) for line in printed]
    assert [line for line in quoted if line.strip() != "…" and " ".join(line.split()) not in shown] == []
    data = asked(run, config, _TOO_MUCH)
    for named in (*data["prospects"][0], *data["prospects"][0]["ways"][0], "untold", "margin", "measure"):
        assert f"`{named}`" in page or f".{named}`" in page or f"[].{named}" in page or f"{named}[]" in page, named
