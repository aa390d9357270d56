"""The command line: quick help with examples, and one line for an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import COMMANDS
from strongroom.world.people import STRANGER
from tests.agent.conftest import Run

HEAVY = (
    "langgraph",
    "langchain_core",
    "web3",
    "safe_eth",
    "openai",
    "eth_account",
    "eth_abi",
    "sqlalchemy",
    "uvicorn",
    "numba",
    "scipy",
    "pandas",
)
# Each command and sub-command is asked for its help in one child; what it imported beyond those before it is noted.
_ASK_FOR_HELP = f"""
import contextlib, io, json, sys, time
import click
from agent.cli import COMMANDS, strongroom

def paths(command, path):
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from paths(command.get_command(click.Context(command), name), (*path, name))

answers = {{}}
for name in COMMANDS:
    began = time.process_time()
    command = strongroom.get_command(click.Context(strongroom), name)
    for path, each in paths(command, (name,)):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            strongroom([*path, "--help"], standalone_mode=False)
        heavy = [module for module in {HEAVY!r} if module in sys.modules]
        group = isinstance(each, click.Group)
        spent = time.process_time() - began
        answers[" ".join(path)] = dict(help=said.getvalue(), heavy=heavy, group=group, seconds=spent)
print(json.dumps(answers))
"""


# HELP


@pytest.fixture(scope="module")
def helps() -> dict[str, dict[str, Any]]:
    """Every command's and sub-command's help, as a fresh process gives it."""
    done = subprocess.run([sys.executable, "-c", _ASK_FOR_HELP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_help_with_an_example(helps: dict[str, dict[str, Any]], name: str) -> None:
    """A group has its examples at each of its commands."""
    below = {path: each for path, each in helps.items() if path.split()[0] == name and not each["group"]}
    assert below
    for path, each in below.items():
        assert "Example" in each["help"], path
        # `guardian` is also a program of its own and is shown as such.
        assert path in each["help"].partition("Example")[2], path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_starts_no_heavy_library(helps: dict[str, dict[str, Any]], name: str) -> None:
    """Half of them take more than a second to import: the command line must start at once."""
    below = [each for path, each in helps.items() if path.split()[0] == name]
    assert [each["heavy"] for each in below] == [[]] * len(below)
    assert max(each["seconds"] for each in below) < 2


def test_the_documentation_shows_every_command_and_no_other(helps: dict[str, dict[str, Any]]) -> None:
    """Each stands as the first words of an example line of docs/commands.md."""
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    examples = [line.split()[1:] for line in text.splitlines() if line.startswith("    strongroom ")]
    commands = {tuple(path.split()) for path, each in helps.items() if not each["group"]}
    shown = {next((path for path in commands if tuple(words[: len(path)]) == path), None) for words in examples}
    assert shown == commands


def test_the_overview_names_every_command(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line] == list(COMMANDS)


# ERRORS


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["status"], "no document at `"),
        (["plans", "--json"], "no document at `"),
        (["cycle", "payroll"], "no document at `"),
        (["policy", "check"], "no document at `"),
        (["ledger", "verify"], "no document at `"),
        (["policy", "test", "nonsense"], "`nonsense`"),
        (["rekey", "0x12"], "no document at `"),
        (["doctor", "--safe", STRANGER.address], "give `--rpc URL` too"),
        (["init"], "`init` needs a Safe"),
        (["world", "advance", "soon"], "`soon` cannot be used for DURATION; write a duration"),
        (["world", "fall", "WETH", "-5%"], "`-5%` cannot be used for PERCENT; name more than `0 %`"),
        (["doctor", "--safe", STRANGER.address, "--rpc", "foo"], "`foo` cannot be used for --rpc; write http://"),
        (["world", "advance", "1 day"], "start it with `strongroom world up`"),
        (["world", "advance", "1 day", "--folder", "x"], "/x` is up; start it with `strongroom world up --folder /"),
        (["status", "--nonsense"], "no such option '--nonsense'; see `strongroom status --help`"),
        (["show"], "missing argument 'ID'; see `strongroom show --help`"),
        (["policy", "explan"], "Did you mean 'explain'?"),
    ],
)
def test_an_error_is_one_line_on_stderr_and_exit_1(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and err.startswith("strongroom: ")
    assert told in err


def test_a_group_alone_lists_its_commands(run: Run) -> None:
    code, out, err = run("policy")
    assert (code, err) == (0, "") and "compile" in out


def test_an_unknown_command_names_the_nearest(run: Run) -> None:
    code, out, err = run("stauts")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "status" in err
