"""`strongroom doctor` on a treasury that is well, and with one document, machine or node broken; and the command."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.onboarding.checks import SAFE_QUESTIONS, TREASURY_QUESTIONS
from agent.onboarding.checks.node import clock
from agent.onboarding.examination import Grade
from agent.state_folder import Held
from strongroom.world.people import STRANGER
from strongroom.world.world import World
from tests.agent.onboarding.patient import Treasury

Strongroom = Callable[..., Any]
Unwell = Callable[[], dict[str, str]]
NodeWithout = Callable[[Callable[[Any], bool]], str]


def test_a_treasury_that_is_well_passes_every_check(strongroom: Strongroom, treasury: Treasury) -> None:
    answer = strongroom("doctor", "--config", treasury.folder, "--json")
    checks = answer.data["checks"]
    assert [check["name"] for check in checks] == [question.name for question in TREASURY_QUESTIONS]
    assert {check["grade"] for check in checks} == {"ok"}
    assert (answer.data["ok"], answer.exit_code) == (True, 0)


def test_shadow_mode_needs_neither_key_nor_delegate_nor_gas(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("treasury.toml", 'mode = "propose"', 'mode = "shadow"')
    shutil.rmtree(treasury.state.path)
    assert unwell() == {}


# DOCUMENTS


def test_a_broken_treasury_document_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("treasury.toml", "service =", "servise =")
    assert unwell() == {"treasury.toml": "fail"}


def test_a_broken_policy_document_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("policy.toml", 'max_loss = "1 %"', 'max_loss = "1"')
    assert unwell() == {"policy.toml": "fail"}


def test_a_policy_for_another_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("policy.toml", treasury.world.account.safe, STRANGER.address)
    assert unwell() == {"policy.toml": "fail"}


def test_a_broken_mandate_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("mandate.toml", "months = 6", 'months = "6"')
    assert unwell() == {"mandate.toml": "fail"}


@pytest.mark.parametrize(("old", "new"), [('"alice"', '"mallory"'), ("11_000 USDC", "15_001 USDC")])
def test_a_payroll_that_the_policy_will_never_pay_is_found(
    treasury: Treasury, unwell: Unwell, old: str, new: str
) -> None:
    treasury.edit("mandate.toml", old, new)
    assert unwell() == {"mandate.toml": "fail"}


def test_a_market_that_the_policy_does_not_list_is_found(treasury: Treasury, strongroom: Strongroom) -> None:
    """The very line that a cycle refuses with."""
    well = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    told = next(check["what"] for check in well if check["name"] == "mandate.toml")
    assert told.endswith("tokens weighted, 2 tokens lent when idle")
    treasury.edit("mandate.toml", 'venue = "aave"', 'venue = "aavee"')
    checks = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    found = next(check for check in checks if check["name"] == "mandate.toml")
    assert found["grade"] == "fail" and found["mend"].startswith("list it with ")
    assert found["what"].startswith("`aavee` cannot be used for `venue` of [idle.")


def test_a_broken_schedule_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("schedule.toml", "UTC", "Mars/Olympus")
    assert unwell() == {"schedule.toml": "fail"}


def test_an_empty_schedule_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    (treasury.folder / "schedule.toml").write_text("")
    assert unwell() == {"schedule.toml": "warn"}


# MACHINE


def test_a_foreign_package_with_one_of_our_names_is_found(
    treasury: Treasury, unwell: Unwell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "site" / "stray-1.0.dist-info"
    foreign.mkdir(parents=True)
    (foreign / "METADATA").write_text("Metadata-Version: 2.1\nName: stray\nVersion: 1.0\n")
    (foreign / "top_level.txt").write_text("policies\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert unwell() == {"packages": "fail"}


def test_a_state_folder_that_others_can_read_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.state.path.chmod(0o755)
    assert unwell() == {"state folder": "fail"}


def test_a_held_state_folder_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    held = Held(treasury.state)
    assert unwell() == {"state folder": "warn"}
    held.release()
    assert unwell() == {}


# NODE


def test_an_unreachable_node_is_found_and_nothing_else_is_guessed(
    treasury: Treasury, unwell: Unwell, strongroom: Strongroom, free_port: int
) -> None:
    treasury.edit("treasury.toml", treasury.world.url, f"http://127.0.0.1:{free_port}")
    assert unwell() == {"node": "fail"}
    grades = {c["name"]: c["grade"] for c in strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]}
    assert grades["safe"] == grades["feeds"] == grades["service"] == grades["delegate"] == "skipped"
    assert grades["agent key"] == grades["policy.toml"] == "ok"


def test_a_node_of_another_chain_is_found(treasury: Treasury, unwell: Unwell) -> None:
    for name, key in (("treasury.toml", "chain_id = 31337"), ("policy.toml", "chain_id = 31337")):
        treasury.edit(name, key, "chain_id = 1")
    assert unwell() == {"chain id": "fail"}


def test_a_node_without_simulation_is_found(treasury: Treasury, unwell: Unwell, node_without: NodeWithout) -> None:
    picky = node_without(lambda request: request["method"] in ("eth_simulateV1", "debug_traceCall"))
    treasury.edit("treasury.toml", treasury.world.url, picky)
    assert unwell() == {"simulation": "fail"}


def test_a_node_that_only_traces_will_do(treasury: Treasury, unwell: Unwell, node_without: NodeWithout) -> None:
    picky = node_without(lambda request: request["method"] == "eth_simulateV1")
    treasury.edit("treasury.toml", treasury.world.url, picky)
    assert unwell() == {}


def test_a_clock_that_is_far_ahead_of_the_chain_is_a_warning(unwell: Unwell, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3_600)
    assert unwell() == {"clock": "warn"}


def test_the_local_worlds_time_may_be_moved_on(treasury: Treasury, strongroom: Strongroom) -> None:
    treasury.world.advance(120)
    checks = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    told = next(check for check in checks if check["name"] == "clock")
    assert told["grade"] == "ok" and told["what"].startswith("the local world's time was moved on")


@pytest.mark.parametrize(("chain_id", "grade"), [(1, Grade.WARN), (31_337, Grade.OK)])
def test_on_any_other_chain_a_block_from_the_future_is_a_warning(chain_id: int, grade: Grade) -> None:
    block, chain = SimpleNamespace(timestamp=1_000_120), SimpleNamespace(chain_id=lambda: chain_id)
    premises: Any = SimpleNamespace(block=block, chain=chain, clock=SimpleNamespace(now=lambda: 1_000_000))
    assert clock(premises).grade is grade


# THE COMMAND


def test_a_failed_check_ends_with_exit_code_1_and_says_how_to_mend_it(
    strongroom: Strongroom, treasury: Treasury
) -> None:
    treasury.state.path.chmod(0o755)
    answer = strongroom("doctor", "--config", treasury.folder)
    assert answer.exit_code == 1
    assert "to mend: chmod 700" in answer.text


def test_a_warning_alone_ends_with_exit_code_0(strongroom: Strongroom, treasury: Treasury) -> None:
    treasury.edit("policy.toml", "approvals = 2", "approvals = 1")
    assert strongroom("doctor", "--config", treasury.folder).exit_code == 0


def test_a_bare_safe_is_looked_at_without_documents(
    strongroom: Strongroom, world: World, service: str, known: Path
) -> None:
    place = ["--safe", world.account.safe, "--rpc", world.url, "--chains", known, "--json"]
    checks = strongroom("doctor", *place).data["checks"]
    assert [check["name"] for check in checks] == [question.name for question in SAFE_QUESTIONS]
    assert {check["grade"] for check in checks} == {"ok"}
    served = strongroom("doctor", *place, "--service", service).data["checks"]
    assert (served[-1]["name"], served[-1]["grade"]) == ("service", "ok")


def test_a_bare_safe_without_a_node_is_one_clear_line(strongroom: Strongroom, world: World) -> None:
    assert strongroom("doctor", "--safe", world.account.safe).error.startswith("`doctor --safe` needs a node to ask")


def test_what_init_wrote_is_well(
    strongroom: Strongroom, world: World, service: str, known: Path, tmp_path: Path
) -> None:
    place = ["--rpc", world.url, "--service", service, "--folder", known.parent, "--state", tmp_path / "state"]
    assert strongroom("init", "--safe", world.account.safe, *place).error == ""
    checks = strongroom("doctor", "--config", known.parent, "--json").data["checks"]
    assert {check["grade"] for check in checks} == {"ok"}


def test_a_bare_safe_is_mended_by_options_and_not_in_documents_that_there_are_not(
    strongroom: Strongroom, world: World
) -> None:
    """A node that does not answer, and a chain that our own chains.toml does not know."""

    def told(rpc: str) -> dict[str, str]:
        answer = strongroom("doctor", "--safe", world.account.safe, "--rpc", rpc, "--json").data
        return {check["what"]: check["mend"] for check in answer["checks"] if check["grade"] == "fail"}

    silent = told("http://127.0.0.1:9")
    assert [mend for what, mend in silent.items() if "cannot be reached" in what] == ["check what `--rpc` names"]
    unknown = told(world.url)
    assert "give this command `--chains FILE` with it" in unknown.values()
    assert not any("treasury.toml" in mend or "beside the documents" in mend for mend in (silent | unknown).values())
