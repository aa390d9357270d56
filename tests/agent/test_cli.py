"""The command line: quick help with examples, one line for an error, the local world, and what `status` tells."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import example
from agent.app import Documents, open_documents
from agent.cli import COMMANDS, main
from agent.cli.reach import FarDesk
from agent.cli.world import Started
from agent.demo.stage import free_port
from agent.desk import OwnDesk
from agent.standing import Standing, read_standing
from agent.web import Door
from strongroom.chain.rpc import RpcChain
from strongroom.mandate import trades_wanted
from strongroom.model import Address, Facts, Operation, Round, TokenId
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.kernel import available_read, bucket_key, class_number
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, STRANGER
from strongroom.world.treasury import TREASURY, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.house import House

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


Run = Callable[..., tuple[int, str, str]]


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


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program in this process, by its own entry: exit code, standard output, standard error."""

    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["strongroom", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return once


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
        (["world", "advance", "1 day"], "start it with `strongroom world up`"),
        (["status", "--nonsense"], "No such option"),
        (["policy", "chek"], "Did you mean 'check'?"),
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


def test_an_unknown_command_names_the_nearest(run: Run) -> None:
    code, out, err = run("stauts")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "status" in err


# WORLD


@contextmanager
def _world_up(folder: Path) -> Iterator[dict[str, Any]]:
    """`world up` in a process of its own, which ends; the chain stays until the context does."""
    service = f"http://127.0.0.1:{free_port()}"
    command = ["world", "up", "--folder", str(folder), "--port", str(free_port()), "--service", service, "--json"]
    done = subprocess.run([sys.executable, "-m", "agent.cli", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    try:
        yield json.loads(done.stdout)
    finally:
        started = Started(**json.loads((folder / "world.json").read_text()))
        if started.lives():
            os.kill(started.pid, 9)


def test_a_world_stays_up_between_commands_moves_in_time_and_goes_down(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "world"
    with _world_up(folder) as up:
        documents = open_documents(folder)
        assert (documents.treasury.rpc, documents.treasury.mode) == (up["url"], Mode.SHADOW)
        again = json.loads(run("world", "up", "--folder", folder, "--json")[1])
        assert again | {"new": True} == up
        moved = json.loads(run("world", "advance", "7 days", "--folder", folder, "--json")[1])
        assert moved["time"] - up["time"] == 7 * 86_400
        told = json.loads(run("world", "status", "--folder", folder, "--json")[1])
        assert (told["up"], told["block"], told["safe"]) == (True, moved["block"], up["safe"])
        assert run("world", "down", "--folder", folder, "--json")[1] == f'{{"ended":{up["pid"]}}}\n'
    assert run("world", "down", "--folder", folder) == (0, "the world is down already\n", "")
    assert run("world", "status", "--folder", folder, "--json")[1] == '{"up":false}\n'
    assert not Started(**json.loads((folder / "world.json").read_text())).lives()


def test_a_new_world_keeps_what_was_written_and_starts_with_fresh_state(tmp_path: Path) -> None:
    """The old chain is gone: its ledger would tell of payments that the new one never saw."""
    folder = tmp_path / "world"
    (folder / "state-of-old").mkdir(parents=True)
    (folder / "world.json").write_text(json.dumps({"pid": os.getpid(), "port": 1, "command": "anvil --timestamp 1"}))
    (folder / "treasury.toml").write_text("state_dir = 'state-of-old'\n")
    (folder / "schedule.toml").write_text("# mine\n")
    with _world_up(folder):
        documents = open_documents(folder)
    assert documents.jobs == ()
    assert documents.treasury.state_dir.is_relative_to(folder) and documents.treasury.state_dir.is_dir()
    assert documents.treasury.state_dir != folder / "state-of-old" and (folder / "state-of-old").is_dir()


def test_down_never_ends_a_process_that_is_not_ours(run: Run, tmp_path: Path) -> None:
    """The world's number was given to somebody else since."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as foreign:
        noted = {"pid": foreign.pid, "port": free_port(), "command": "anvil --host 127.0.0.1 --timestamp 1"}
        (tmp_path / "world.json").write_text(json.dumps(noted))
        try:
            assert run("world", "down", "--folder", tmp_path) == (0, "the world is down already\n", "")
            assert foreign.poll() is None
        finally:
            foreign.kill()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_up_overwrites_nobody_s_documents(run: Run, tmp_path: Path, taken_port: int) -> None:
    (tmp_path / "treasury.toml").write_text("name = 'ours'\n")
    code, out, err = run("world", "up", "--folder", tmp_path, "--port", taken_port)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "it holds the documents of another treasury; name a new folder" in err
    assert (tmp_path / "treasury.toml").read_text() == "name = 'ours'\n"


def test_up_on_a_taken_port_says_so_and_writes_nothing(run: Run, tmp_path: Path, taken_port: int) -> None:
    code, _, err = run("world", "up", "--folder", tmp_path / "world", "--port", taken_port)
    assert code == 1
    assert f"`{taken_port}` cannot be used for the world's port; another process listens there" in err
    assert not (tmp_path / "world").exists()


# STATUS


def _documents(house: House, mode: Mode, kernel: Address | None = None) -> Documents:
    texts = example.documents(house.world, house.service, house.home / "state", mode, kernel)
    return open_documents(example.write(texts, house.home / mode))


def _standing(house: House, mode: Mode) -> Standing:
    with house.treasurer(mode) as treasurer:
        return read_standing(OwnDesk(treasurer).status(), treasurer.documents)


def test_status_values_the_treasury_at_low_prices(house: House) -> None:
    standing = _standing(house, Mode.SHADOW)
    assert {each.token: each.units for each in standing.holdings} == dict(TREASURY.holdings)
    # 4,000,000 HALL at 0.80, 410 ETH and WETH at 3,000, 399,000 USDC at 0.9999, 182,000 DAI at 0.9998
    assert standing.nav_e8 == 501_092_370_000_000 == sum(each.usd_e8 or 0 for each in standing.holdings)
    assert (standing.runway_months, standing.runway_wanted) == (14, 6)
    assert (standing.rooms, standing.waiting, standing.foreign) == ((), (), 0)


@pytest.fixture(scope="module")
def looked(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Documents]:
    """One real answer and its documents, for properties over other holdings."""
    from tests.agent.house import open_house

    home = tmp_path_factory.mktemp("looked")
    with open_house(module_world, home) as house, house.treasurer(Mode.SHADOW) as treasurer:
        return OwnDesk(treasurer).status(), treasurer.documents


def _apart(facts: Facts, token: TokenId) -> dict[TokenId, tuple[Round, ...]]:
    """The token's two sources 1.4 % apart: which end, or what between, is taken then makes a difference."""
    first, second = facts.rounds[token]
    return {token: (first, replace(second, answer=second.answer * 1_014 // 1_000))}


def _exact_bps(facts: Facts, prices: Mapping[TokenId, Any]) -> dict[TokenId, Fraction]:
    values = {
        token: Fraction(facts.balances[token] * (prices[token].low_e8 + prices[token].high_e8))
        / 10 ** facts.tokens[token].decimals
        for token in TREASURY.weights
    }
    return {token: value * 10_000 / sum(values.values()) for token, value in values.items()}


@given(st.fixed_dictionaries({token: st.integers(8_500, 11_500) for token in TREASURY.weights}))
def test_a_weight_is_outside_its_band_exactly_when_the_planner_would_trade(
    looked: tuple[dict[str, Any], Documents], held_bps: dict[TokenId, int]
) -> None:
    """What people are shown and what is planned are one judgement, on holdings up to 15 % off the start's."""
    from policies.pricing import prices

    answer, documents = looked
    facts = from_plain(Facts, answer["facts"])
    held = {token: TREASURY.holdings[token] * bps // 10_000 for token, bps in held_bps.items()}
    facts = replace(facts, balances={**facts.balances, **held}, rounds={**facts.rounds, **_apart(facts, WETH)})
    standing = read_standing(answer | {"facts": to_plain(facts)}, documents)
    found: Any = prices(facts, documents.policy)
    decimals = {token: each.decimals for token, each in facts.tokens.items()}
    exact, shares = _exact_bps(facts, found), {each.token: each.share for each in standing.holdings if each.share}
    assert all(abs(shares[token].bps - exact[token]) <= 1 for token in exact)
    outside = [each.token for each in standing.holdings if each.share and not each.share.inside]
    anywhere = {frozenset(pair) for pair in combinations(documents.mandate.weights, 2)}
    assert bool(outside) == bool(trades_wanted(documents.mandate, facts.balances, decimals, found, anywhere))


def test_a_stale_price_is_named_and_weighs_nothing(house: House) -> None:
    house.world.advance(2 * 86_400, feeds=False)
    standing = _standing(house, Mode.SHADOW)
    assert standing.nav_e8 == 0
    for each in standing.holdings:
        assert (each.price_e8, each.usd_e8, each.share) == (None, None, None)
        assert "s old, at most 4500 s are allowed" in each.why


def test_a_balance_that_does_not_answer_leaves_the_total_unknown(
    looked: tuple[dict[str, Any], Documents],
) -> None:
    """A part is never shown as the whole."""
    answer, documents = looked
    facts = from_plain(Facts, answer["facts"])
    cut = {token: held for token, held in facts.balances.items() if token != USDC}
    standing = read_standing(answer | {"facts": to_plain(replace(facts, balances=cut))}, documents)
    assert (standing.nav_e8, standing.runway_months) == (None, None)
    assert all(each.share is None for each in standing.holdings)


def test_status_says_who_has_signed_and_who_has_not(house: House, run: Run) -> None:
    with house.desk(Mode.PROPOSE) as desk:
        unit = desk.cycle("payroll")["units"][0]
    house.sign(unit["proposal"], GUARDIANS[0])
    (waiting,) = _standing(house, Mode.PROPOSE).waiting
    assert (waiting.unit, waiting.nonce, waiting.safe_tx_hash) == (unit["id"], unit["nonce"], unit["proposal"])
    assert (waiting.needed, waiting.signed) == (2, (GUARDIANS[0].address,))
    assert set(waiting.unsigned) == {guardian.address for guardian in GUARDIANS[1:]}
    code, out, err = run("status", "--config", house.home / Mode.PROPOSE)
    assert (code, err) == (0, "")
    assert f"{unit['id']} waits at nonce 0: 1 of 2 have signed" in out
    assert f"signed  {GUARDIANS[0].address}" in out and f"not yet {GUARDIANS[1].address}" in out
    assert "the agent's key holds 10.00 for gas, enough for 5000 units at this gas price" in out


def test_a_running_treasurer_answers_the_same_over_its_socket(house: House, run: Run) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer, Door(OwnDesk(treasurer), treasurer.folder):
        door = json.loads(treasurer.folder.socket.read_text())
        assert FarDesk(door).status() == OwnDesk(treasurer).status()
        code, out, err = run("status", "--config", house.home / Mode.SHADOW, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["nav_e8"] == 501_092_370_000_000


def test_a_policy_changed_under_a_running_treasurer_is_warned_of(house: House) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer:
        answer = OwnDesk(treasurer).status()
        documents = treasurer.documents
    changed = replace(documents, policy=replace(documents.policy, max_loss_bps=documents.policy.max_loss_bps + 1))
    assert read_standing(answer, documents).warnings == ()
    assert "has changed since the treasurer started" in read_standing(answer, changed).warnings[0]


def test_the_room_shown_is_what_the_kernel_says_is_available(house: House, run: Run, chain: RpcChain) -> None:
    config = house.home / Mode.PROPOSE
    _documents(house, Mode.PROPOSE)
    plan = json.loads(run("policy", "deploy", "--agent", AGENT.address, "--config", config, "--json")[1])
    tx, data = plan["transaction"], bytes.fromhex(plan["transaction"]["data"][2:])
    operation = Operation(tx["operation"])
    assert house.world.safe_exec(house.world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, operation).success
    documents = _documents(house, Mode.GUARDED, Address(plan["kernel"]))
    config = house.home / Mode.GUARDED
    paid = json.loads(run("chat", "--as", "ana", "-m", "pay 2,500 USDC to alice", "--config", config, "--json")[1])
    assert paid["units"][0]["status"] == "executed"
    shown = json.loads(run("status", "--config", config, "--json")[1])
    room = next(room for room in shown["rooms"] if (room["name"], room["token"]) == (example.TEAM, USDC))
    key = bucket_key(documents.policy.tokens[USDC].token.address, class_number(example.TEAM))
    (available,) = chain.read([available_read(documents.treasury.kernel or Address(""), key)], chain.head())
    assert room["available_units"] == available < room["at_once_units"] == units(USDC, 45_000)
    assert f"Kernel {plan['kernel']} is live, epoch" in run("status", "--config", config)[1]
