"""Bad input, each kind through the real command line: exactly one clear line, exit 1, nothing sent and nothing lost.

One treasury serves the whole module, with a proposal that waits: since no case may change anything, sharing it is part
of the test.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cli import main
from agent.demo.scene import PASSWORD, write_key
from agent.demo.stage import free_port
from agent.desk import OwnDesk
from agent.state_folder import Held, StateFolder
from strongroom.chain.rpc import RpcChain
from strongroom.ledger.verification import verify
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.settings import Mode
from strongroom.world.people import AGENT, ALICE, GUARDIANS, OPERATOR, STRANGER, Person
from strongroom.world.world import World
from tests.adversarial.lodge import Lodge
from tests.agent.house import open_house

SENTINEL = Address("0x0000000000000000000000000000000000000001")
CYCLE = ("cycle", "payroll", "--month", "2031-01")


@pytest.fixture(scope="module")
def lodge(
    kernel: Address, module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lodge]:
    """Every mode has its documents, and this month's payroll waits for guardians."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_PASSWORD", PASSWORD)
        with open_house(module_world, tmp_path_factory.mktemp("lodge")) as house:
            made = Lodge(house, module_chain, kernel)
            with made.treasurer(Mode.PROPOSE) as treasurer:
                assert OwnDesk(treasurer).cycle("payroll")["units"][0]["status"] == "waiting"
            yield made


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Try = Callable[..., Said]


@pytest.fixture
def strongroom(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Try:
    """The program in this process, by its own entry."""

    def once(config: Path, *arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["strongroom", *arguments, "--config", str(config)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return once


T, P, M, S = "treasury.toml", "policy.toml", "mandate.toml", "schedule.toml"
NOTHING: tuple[str, ...] = ()
A_GAP = ("tool.req", "gap")


@dataclass(frozen=True)
class Case:
    """`old` becomes `new` in the documents named; `told` is in the one line; `recorded` enters the ledger beside the
    run's own opening and closing. Braces are filled in by `Lodge` values."""

    old: str
    new: str
    documents: tuple[str, ...]
    told: str
    recorded: tuple[str, ...] = NOTHING
    mode: Mode = Mode.PROPOSE
    arguments: tuple[str, ...] = CYCLE


def said(text: str) -> tuple[str, ...]:
    return ("chat", "--as", OPERATOR.name, "-m", text)


_MISTYPED = ALICE.address[:-1] + ALICE.address[-1].swapcase()

CASES = {
    "a mistyped key": Case("state_dir =", "stat_dir =", (T,), "`stat_dir` in treasury.toml; did you mean `state_dir`"),
    "a key too many": Case(
        'mode = "', 'moed = "x"\nmode = "', (T,), "unknown key `moed` in treasury.toml; did you mean"
    ),
    "a mistyped key of the policy": Case(
        "at_most = [", "at_mots = [", (P,), "unknown key `at_mots` in [payees.alice] of policy"
    ),
    "a mistyped key of the mandate": Case("payee =", "paye =", (M,), "unknown key `paye` in [[payroll]] 1 of mandate"),
    "a mistyped key of the schedule": Case("timezone =", "timezon =", (S,), "`timezon` in "),
    "broken TOML": Case("[account]", "[account", (T,), "`treasury.toml` is not TOML (Expected ']'"),
    "a mode that is none": Case('"propose"', '"live"', (T,), "choose one of `shadow`, `propose`, `guarded`"),
    "a wrong checksum": Case("{safe}", "{mistyped}", (T,), "not a checksummed address; its checksum does not fit"),
    "an address too short": Case(
        "{safe}", "0x12", (T,), "`0x12` for `safe` in [account] of treasury.toml is not a checksummed address; give 0x"
    ),
    "an account that is no Safe": Case("{safe}", STRANGER.address, (T, P), "no Safe at `" + STRANGER.address),
    "another chain in one document": Case(
        "= 31337", "= 1", (T,), "`31337` cannot be used for `chain_id` in policy.toml"
    ),
    "another chain than the node's": Case("= 31337", "= 1", (T, P), "serves chain `31337`, treasury.toml says `1`"),
    "no node": Case("{node}", "{closed}", (T,), "node `{closed}` cannot be reached (ConnectionError); check `rpc`"),
    "a node that is none": Case("{node}", "{service}", (T,), "node `{service}` cannot be reached (HTTP 404); check"),
    "no service": Case("{service}", "{closed}", (T,), "service `{closed}` cannot be reached (Conn", A_GAP),
    "a service that is none": Case("{service}", "{node}", (T,), "`{node}` answers, but ", A_GAP),
    "guarded without a Kernel": Case('"propose"', '"guarded"', (T,), "name `kernel` in [account]"),
    "no Kernel there": Case("{kernel}", STRANGER.address, (T,), "no Kernel of this version at", mode=Mode.GUARDED),
    "another rule than the Kernel's": Case(
        "above 12_000 USDC", "above 11_000 USDC", (P,), "the policy's root is `0x", mode=Mode.GUARDED
    ),
    "another document than the Kernel's": Case(
        'at_most = ["15_000', 'at_most = ["15_001', (P,), "the policy's hash is `0x", mode=Mode.GUARDED
    ),
    "an unknown job": Case(
        "", "", (), "`payrol` cannot be used for a job; choose one of", arguments=("cycle", "payrol")
    ),
    "a month that is none": Case("", "", (), "`2031-13` cannot be used for a month", arguments=(*CYCLE[:3], "2031-13")),
    "an unknown unit": Case("", "", (), "`nope` cannot be used for a unit", arguments=("show", "nope")),
    "an unknown operator": Case(
        'names = ["ana"]', 'names = ["bo"]', (T,), "`ana` cannot be used for an operator", arguments=said("pay all")
    ),
    "words without meaning": Case(
        "", "", (), "`pay all` is not understood; write `pay 2,", A_GAP, arguments=said("pay all")
    ),
    "an amount that is none": Case(
        "", "", (), "`-10` cannot be used for the amount", A_GAP, arguments=said("pay -10 USDC to alice")
    ),
    "a payee's address with one wrong letter": Case(
        "",
        "",
        (),
        f"`{_MISTYPED}` for the payee is not a checksummed address; its checksum does not fit",
        A_GAP,
        arguments=said(f"pay 10 USDC to {_MISTYPED}"),
    ),
    "a list that is never closed": Case(
        'names = ["ana"]', 'names = ["ana"', (T,), "is not TOML (Unclosed array (at line 31, the end))"
    ),
    "a token that is not listed": Case(
        "", "", (), "`10 EURC` cannot be used for the amount", A_GAP, arguments=said("pay 10 EURC to alice")
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line_and_changes_nothing(lodge: Lodge, strongroom: Try, tmp_path: Path, name: str) -> None:
    case, fill = CASES[name], _filled(lodge)
    config = _edited(lodge, tmp_path, case, fill)
    with untouched(lodge, config, case.recorded):
        answer = strongroom(config, *case.arguments)
    require_one_line(answer, fill(case.told))


def _filled(lodge: Lodge) -> Callable[[str], str]:
    safe, world = lodge.house.world.account.safe, lodge.house.world
    values = {
        "{safe}": safe,
        "{mistyped}": "0x" + safe[2:].swapcase(),
        "{node}": world.url,
        "{service}": lodge.house.service,
        "{kernel}": lodge.kernel,
        "{closed}": f"http://127.0.0.1:{free_port()}",
    }

    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    return fill


def _edited(lodge: Lodge, folder: Path, case: Case, fill: Callable[[str], str]) -> Path:
    config = Path(shutil.copytree(lodge.config(case.mode), folder / "config"))
    for name in case.documents:
        text = (config / name).read_text()
        assert fill(case.old) in text
        (config / name).write_text(text.replace(fill(case.old), fill(case.new), 1))
    return config


def require_one_line(answer: Said, told: str) -> None:
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("strongroom: ") and answer.err.count("\n") == 1, answer.err
    assert told in answer.err
    assert "Traceback" not in answer.err


@contextmanager
def untouched(lodge: Lodge, config: Path, recorded: tuple[str, ...] = NOTHING) -> Iterator[None]:
    """Nothing is sent, proposed, signed or lost: chain, queue, units, outbox and documents stay; the ledger verifies,
    and has grown by `recorded` only."""
    before, known = _everything(lodge, config), lodge.entries()
    yield
    assert _everything(lodge, config) == before
    entries = lodge.entries()
    assert [each.raw for each in entries[: len(known)]] == [each.raw for each in known]
    new = [each.type for each in entries[len(known) :] if each.type not in ("run.open", "run.close")]
    assert new == list(recorded)
    assert verify(lodge.state.ledger).ok


def _everything(lodge: Lodge, config: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(lodge.state.units)) as units, closing(sqlite3.connect(lodge.state.outbox)) as outbox:
        tables = units.execute("select * from units").fetchall(), outbox.execute("select * from outbox").fetchall()
    documents = {path.name: path.read_bytes() for path in config.iterdir()}
    return lodge.house.world.ask("eth_blockNumber"), lodge.picture(), lodge.house.queue.pending(0), tables, documents


# KEYS


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_opens_nothing(
    lodge: Lodge, strongroom: Try, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("STRONGROOM_PASSWORD", password)
    config = lodge.config(Mode.PROPOSE)
    with untouched(lodge, config):
        answer = strongroom(config, *CYCLE)
    told = "the password in STRONGROOM_PASSWORD does not open it" if password else "set STRONGROOM_PASSWORD"
    require_one_line(answer, told)


@pytest.mark.parametrize(
    ("key", "mode", "told"),
    [
        (None, Mode.PROPOSE, "put an encrypted keystore"),
        (GUARDIANS[0], Mode.PROPOSE, f"`{GUARDIANS[0].address}` owns the Safe; the agent's key never may"),
        (STRANGER, Mode.GUARDED, f"the agent's key is `{STRANGER.address}` here and `{AGENT.address}` in the Kernel"),
    ],
)
def test_a_key_that_is_missing_or_not_the_agents_is_refused_before_the_ledger_opens(
    lodge: Lodge, strongroom: Try, tmp_path: Path, key: Person | None, mode: Mode, told: str
) -> None:
    state = StateFolder(tmp_path / "state")
    if key:
        write_key(state.keystore, key)
    moved = Case(str(lodge.state.path), str(state.path), (T,), told, mode=mode)
    config = _edited(lodge, tmp_path, moved, lambda text: text)
    with untouched(lodge, config):
        answer = strongroom(config, *CYCLE)
    require_one_line(answer, told)
    assert not state.ledger.exists()


# THE SAFE AND THE AGENT'S ACCOUNT


def test_a_safe_that_does_not_know_the_kernel_is_refused(world: World, lodge: Lodge, strongroom: Try) -> None:
    safe = world.account.safe
    assert world.send_as(safe, safe, encode_call("disableModule(address,address)", SENTINEL, lodge.kernel)).success
    config = lodge.config(Mode.GUARDED)
    with untouched(lodge, config):
        answer = strongroom(config, *CYCLE)
    require_one_line(answer, f"Kernel `{lodge.kernel}` is not enabled in Safe `{safe}`; its owners sign")


def test_too_little_gas_is_one_line_with_both_figures_and_exit_1(world: World, lodge: Lodge, strongroom: Try) -> None:
    world.set_balance(AGENT.address, 10**13)
    before = lodge.picture()
    answer = strongroom(lodge.config(Mode.GUARDED), *said("pay 10 USDC to bob"))
    require_one_line(answer, "for gas and the agent's key holds `0.00001`, so nothing was started; send `0.00")
    assert lodge.picture() == before


# THE STATE FOLDER


def test_a_state_folder_that_another_process_holds_is_left_alone(lodge: Lodge, strongroom: Try) -> None:
    config = lodge.config(Mode.PROPOSE)
    held = Held(lodge.state)
    try:
        with untouched(lodge, config):
            answer = strongroom(config, *CYCLE)
    finally:
        held.release()
    require_one_line(answer, "is held by process `")
