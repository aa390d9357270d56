"""`strongroom policy` with files and words that nobody can use: one line and exit 1, whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.cases import sample
from tests.agent.conftest import Run

POLICY, CASES = sample("payroll_only")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"policy.toml": POLICY, "cases.toml": CASES, "empty.json": '[1, {"safe": 2}]'}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def refused(run: Run, *arguments: object) -> str:
    code, out, err = run("policy", *arguments)
    assert (code, out) == (1, "") and err.count("\n") == 1
    return err


@pytest.mark.parametrize("command", ["check", "compile", "test", "diff", "backtest"])
def test_a_policy_that_is_no_text_is_refused(run: Run, folder: Path, command: str) -> None:
    """Such as one saved by a word processor."""
    (folder / "policy.toml").write_bytes(b"\xff\xfe\x00p")
    named: tuple[object, ...] = ("--config", folder)
    if command == "diff":
        named = (folder / "policy.toml", folder / "policy.toml")
    if command == "backtest":
        named = (folder / "empty.json", *named)
    assert "`policy.toml` is not TOML (it is not UTF-8 text)" in refused(run, command, *named)


def test_cases_that_pay_nobody_known_or_are_none_pass_for_nothing(run: Run, folder: Path) -> None:
    (folder / "cases.toml").write_text(CASES.replace("to alice", "to alise"))
    assert "`alise` cannot be used for a payee; name one of" in refused(run, "test", "--config", folder)
    (folder / "cases.toml").write_text("")
    assert "cases.toml names no `cases`; write rows: [[cases]]" in refused(run, "test", "--config", folder)


def test_to_print_needs_a_sample(run: Run) -> None:
    for option in ("--print", "--print-policy"):
        assert "no SAMPLE; name one of `active_treasury`" in refused(run, "test", option)


def test_a_history_of_which_no_row_can_be_read_is_refused(run: Run, folder: Path) -> None:
    said = refused(run, "backtest", folder / "empty.json", "--config", folder)
    assert "empty.json row 1 is no transaction, and no other row can be read either" in said


def test_prices_that_are_not_there_are_asked_for_by_their_name(run: Run, folder: Path) -> None:
    said = refused(run, "backtest", folder / "empty.json", "--config", folder, "--prices", folder / "none.csv")
    assert "row 1" in said
    (folder / "empty.json").write_text('[1, {"safe": 2}, {"txHash": "0x1"}]')
    said = refused(run, "backtest", folder / "empty.json", "--config", folder, "--prices", folder / "none.csv")
    assert "name the file with the prices" in said
