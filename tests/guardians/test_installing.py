"""A guarded installation by our commands alone, and that no guardian can be led to sign any other change of modules."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.example import documents, write
from agent.installing import plan_installation
from guardians.__main__ import main
from guardians.app import PASSWORD
from strongroom.model import Address
from strongroom.observe import safe_state
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_enable_module, encode_pause
from strongroom.settings import Mode
from strongroom.wallet.deploy import require_code
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, STRANGER, Person
from tests.guardians.hall import SECRET, Hall

INES, JONAS, KEMI = GUARDIANS
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def guardian(hall: Hall, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command of a guardian, with an own folder of documents and an own keystore."""
    monkeypatch.setenv(PASSWORD, SECRET)

    def once(person: Person, command: str, what: str, *options: str) -> tuple[int, str, str]:
        signs = None if command == "verify" else person
        arguments = [*hall.arguments(command, what, signs, hall.own_folder(person.name)), *options]
        monkeypatch.setattr(sys, "argv", ["guardian", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return once


@dataclass(frozen=True)
class Planned:
    file: Path
    kernel: Address
    safe_tx_hash: str


@pytest.fixture
def planned(hall: Hall) -> Planned:
    """What the treasurer's side wrote, from its own documents."""
    folder = write(documents(hall.world, hall.url, hall.folder / "state", Mode.PROPOSE), hall.folder / "config")
    answer = plan_installation(folder, AGENT.address)
    (folder / "installation.json").write_text(json.dumps(answer))
    return Planned(folder / "installation.json", Address(answer["kernel"]), answer["safe_tx_hash"])


FOR_AGENT = ("--agent", AGENT.address)


def test_guardians_install_the_kernel_with_their_own_commands(hall: Hall, guardian: Run, planned: Planned) -> None:
    """One proposes and signs, another signs, the third pays the gas; each judges by own documents."""
    code, out, err = guardian(INES, "propose", str(planned.file), *FOR_AGENT)
    assert (code, err) == (0, "")
    assert out.endswith(f"proposed and signed as {INES.address}: 1 of 2; one more guardian must sign\n")
    code, out, _ = guardian(JONAS, "sign", planned.safe_tx_hash, *FOR_AGENT)
    assert code == 0
    assert out.endswith(f"signed as {JONAS.address}: 2 of 2; `strongroom guardian execute {planned.safe_tx_hash}`\n")
    code, out, err = guardian(KEMI, "execute", planned.safe_tx_hash, *FOR_AGENT, "--json")
    assert code == 0 and err.startswith("sent 0x")
    head = hall.chain.head()
    assert safe_state(hall.chain, hall.document.account.safe, head).modules == (planned.kernel,)
    require_code("Kernel", hall.chain.code(planned.kernel, head), planned.kernel)


def test_guardians_replace_a_kernel_under_their_guard_with_their_own_commands(
    hall: Hall, guardian: Run, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed, paused, announced by name, waited for, and replaced; each step judged by own documents."""
    _carried_out(guardian, str(planned.file), *FOR_AGENT)
    config = planned.file.parent
    answer = json.loads(planned.file.read_text())
    assert hall.world.send_as(KEMI.address, planned.kernel, encode_pause()).success
    _write(config, policy=("[watch]\n", f'[watch]\ninherits = "{answer["watch"]}"\n'))
    _write(config, treasury=("[account]\n", f'[account]\nwatch = "{answer["watch"]}"\n'))
    monkeypatch.setattr(hall, "own_folder", lambda *_: config, raising=False)
    second = plan_installation(config, NEXT_AGENT.address)
    announcement = second["announcement"]
    (config / "announcement.json").write_text(json.dumps(announcement))
    planned.file.write_text(json.dumps(second))
    changes = [option for change in announcement["changes"] for option in ("--change", change)]
    assert "that you have not named" in guardian(INES, "propose", str(config / "announcement.json"))[2]
    _carried_out(guardian, str(config / "announcement.json"), *changes)
    hall.world.advance(2 * 86_400)
    _carried_out(guardian, str(planned.file), "--agent", NEXT_AGENT.address)
    state = safe_state(hall.chain, hall.document.account.safe, hall.chain.head())
    assert (state.modules, state.guard) == ((second["kernel"],), second["owner_guard"])


def _carried_out(guardian: Run, file: str, *options: str) -> None:
    """Proposed by one, signed by another, executed by the third."""
    digest = json.loads(Path(file).read_text())["safe_tx_hash"]
    for person, command, what in ((INES, "propose", file), (JONAS, "sign", digest), (KEMI, "execute", digest)):
        code, _, err = guardian(person, command, what, *options)
        assert code == 0, err


def _write(folder: Path, **edits: tuple[str, str]) -> None:
    for name, (old, new) in edits.items():
        text = (folder / f"{name}.toml").read_text()
        assert old in text
        (folder / f"{name}.toml").write_text(text.replace(old, new, 1))


def test_without_the_agents_address_nothing_is_signed_and_it_is_not_shown_either(
    hall: Hall, guardian: Run, planned: Planned
) -> None:
    """An address that is shown first is copied, not compared."""
    guardian(INES, "propose", str(planned.file), *FOR_AGENT)
    for command in ("verify", "sign"):
        code, out, err = guardian(JONAS, command, planned.safe_tx_hash)
        assert code == 1 and "name with `--agent`" in err and err.count("\n") == 1
        assert "byte for byte, the installation of your own policy.toml" in out
        assert AGENT.address not in out and AGENT.address not in err
    assert hall.signers(planned.safe_tx_hash) == {INES.address}


def test_the_verdict_on_an_installation_is_one_word_for_whom_the_guardian_named(
    hall: Hall, guardian: Run, planned: Planned
) -> None:
    """The policy denies every change of modules; of this one its findings say nothing, so none stands in the way."""
    _, out, _ = guardian(INES, "propose", str(planned.file), *FOR_AGENT)
    assert "verdict: your own policy's installation, agent as you named it; you may sign\n" in out
    assert "deny " not in out and "verdict deny" not in out and "`--agent`" not in out
    _, out, _ = guardian(JONAS, "verify", planned.safe_tx_hash)
    assert "verdict: your own policy's installation; name with `--agent`" in out and "you may sign" not in out
    _, out, _ = guardian(JONAS, "verify", planned.safe_tx_hash, "--agent", NEXT_AGENT.address)
    assert "for another agent; do not sign\n" in out and "you may sign" not in out


def test_an_installation_for_another_key_than_the_named_one_is_refused(
    hall: Hall, guardian: Run, planned: Planned
) -> None:
    code, _, err = guardian(INES, "propose", str(planned.file), "--agent", NEXT_AGENT.address)
    assert code == 1 and f"gives the Kernel to `{AGENT.address}`, not to `{NEXT_AGENT.address}`" in err
    assert hall.signers(planned.safe_tx_hash) == set()


def test_the_option_opens_nothing_but_the_installation(hall: Hall, guardian: Run) -> None:
    """A plain theft and a bare module stay denied, whoever is named."""
    theft = hall.call(hall.token("USDC"), encode_transfer(STRANGER.address, 10**6))
    module = hall.call(hall.document.account.safe, encode_enable_module(STRANGER.address), nonce=1)
    for digest in (hall.propose(theft), hall.propose(module)):
        assert "do not sign it" in guardian(INES, "sign", digest)[2]
        assert "is not the installation of your policy.toml" in guardian(INES, "sign", digest, *FOR_AGENT)[2]
        assert hall.signers(digest) == set()


def test_a_guardian_with_another_policy_signs_no_installation(
    hall: Hall, planned: Planned, guardian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = hall.own_folder(INES.name)
    text = (own / "policy.toml").read_text()
    assert "30_000 USDC" in text
    monkeypatch.setattr(hall, "own_folder", lambda *_: own, raising=False)
    (own / "policy.toml").write_text(text.replace("30_000 USDC", "29_000 USDC"))
    code, out, err = guardian(INES, "propose", str(planned.file))
    assert code == 1 and "do not sign it" in err and "byte for byte" not in out
    assert hall.signers(planned.safe_tx_hash) == set()


def test_nothing_is_executed_before_enough_have_signed(hall: Hall, guardian: Run, planned: Planned) -> None:
    guardian(INES, "propose", str(planned.file), *FOR_AGENT)
    nonce = hall.chain.nonce(KEMI.address)
    code, _, err = guardian(KEMI, "execute", planned.safe_tx_hash, *FOR_AGENT)
    assert code == 1 and "has `1` of `2` signatures" in err
    assert hall.chain.nonce(KEMI.address) == nonce


def test_a_rejection_is_made_final_by_the_same_command(hall: Hall, guardian: Run) -> None:
    digest = hall.propose(hall.payroll())
    assert "one more guardian must run the same command" in guardian(INES, "reject", "0")[1]
    _, out, _ = guardian(JONAS, "reject", digest)
    rejection = out.rpartition("`strongroom guardian execute ")[2].partition("`")[0]
    assert out.endswith(f"2 of 2; `strongroom guardian execute {rejection}` makes it final\n")
    code, out, _ = guardian(KEMI, "execute", rejection)
    assert code == 0 and "executed in 0x" in out
    assert safe_state(hall.chain, hall.document.account.safe, hall.chain.head()).nonce == 1


@pytest.mark.parametrize("text", ["", "{}", '{"transaction": {}}', "[1]", '{"transaction": 7}'])
def test_a_file_without_a_safe_transaction_is_one_line(hall: Hall, guardian: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    code, _, err = guardian(INES, "propose", str(tmp_path / "odd.json"), *FOR_AGENT)
    assert code == 1 and "it holds no Safe transaction" in err and err.count("\n") == 1
