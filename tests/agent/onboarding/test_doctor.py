"""`strongroom doctor` on a treasury that is well, and on one with exactly one thing broken."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from agent.example import documents, write
from agent.onboarding.checks import SAFE_QUESTIONS, TREASURY_QUESTIONS
from agent.state_folder import Held, StateFolder
from guardians.server.serving import Server, open_service
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.settings import Mode
from strongroom.wallet.service import SafeService
from strongroom.wallet.signer import write_keystore
from strongroom.world.artifacts import creation_code
from strongroom.world.people import AGENT, BOB, GUARDIANS, STRANGER
from strongroom.world.treasury import USDC, WETH
from strongroom.world.world import World

INES, JONAS, _ = GUARDIANS
PASSWORD = "a password for tests"
Strongroom = Callable[..., Any]


@dataclass(frozen=True)
class Treasury:
    """A treasury in propose mode: documents, keystore, service, and the agent as a delegate."""

    folder: Path
    state: StateFolder
    service: str
    world: World

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        assert old in (text := path.read_text())
        path.write_text(text.replace(old, new))

    def storage(self, slot: int, word: int) -> None:
        self.world.ask("anvil_setStorageAt", self.world.account.safe, hex(slot), f"0x{word:064x}")

    def as_safe(self, data: bytes) -> None:
        safe = self.world.account.safe
        self.world.set_balance(safe, 200 * 10**18)
        assert self.world.send_as(safe, safe, data).success


@pytest.fixture
def service(world: World) -> Iterator[str]:
    with open_service(world.url, ":memory:", WallClock()) as opened, Server(opened) as server:
        yield server.url


@pytest.fixture
def known(chains_text: str, tmp_path: Path) -> Path:
    path = tmp_path / "config" / "chains.toml"
    path.parent.mkdir()
    path.write_text(chains_text)
    return path


@pytest.fixture
def treasury(
    world: World, chain: RpcChain, service: str, known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Treasury:
    state = StateFolder(tmp_path / "state")
    state.make()
    write_keystore(state.keystore, AGENT.key, PASSWORD, iterations=1)
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    folder = write(documents(world, service, state.path, Mode.PROPOSE), known.parent)
    queue = SafeService(service, world.account, chain)
    queue.register_delegate(AGENT.address, "treasurer", INES.address, _signing(INES.key))
    queue.close()
    return Treasury(folder, state, service, world)


def _signing(key: bytes) -> Callable[[bytes], bytes]:
    from eth_account import Account as Keys

    return lambda digest: bytes(Keys.unsafe_sign_hash(digest, key).signature)


@pytest.fixture
def unwell(strongroom: Strongroom, treasury: Treasury) -> Callable[[], dict[str, str]]:
    """The checks that are not `ok`, with their grades; every one of them says what was found and how to mend it."""

    def look() -> dict[str, str]:
        data = strongroom("doctor", "--config", treasury.folder, "--json").data
        assert data["ok"] == all(check["grade"] != "fail" for check in data["checks"])
        bad = [check for check in data["checks"] if check["grade"] not in ("ok", "skipped")]
        assert all(check["what"] and check["mend"] for check in bad)
        return {check["name"]: check["grade"] for check in bad}

    return look


Unwell = Callable[[], dict[str, str]]


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


class _WithoutSimulation(BaseHTTPRequestHandler):
    """In front of the real node: everything passes but `eth_simulateV1`, as on a node that does not offer it."""

    url = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"eth_simulateV1" in body:
            answer = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}'
        else:
            request = Request(self.url, body, {"Content-Type": "application/json"})
            with urlopen(request) as passed:
                answer = passed.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *_: object) -> None:
        """Quiet."""


def test_a_node_without_simulation_is_found(treasury: Treasury, unwell: Unwell) -> None:
    handler = type("Handler", (_WithoutSimulation,), {"url": treasury.world.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        treasury.edit("treasury.toml", treasury.world.url, f"http://127.0.0.1:{proxy.server_port}")
        try:
            assert unwell() == {"simulation": "fail"}
        finally:
            proxy.shutdown()
            thread.join()


@pytest.mark.parametrize("seconds", [120, -3_600])
def test_a_clock_that_is_off_is_a_warning(
    treasury: Treasury, unwell: Unwell, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Ahead: the chain's time is moved. Behind: this machine's clock is, since a chain never goes back."""
    if seconds > 0:
        treasury.world.advance(seconds)
    else:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - seconds)
    assert unwell() == {"clock": "warn"}


# SAFE


def test_an_account_without_a_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    for name in ("treasury.toml", "policy.toml"):
        treasury.edit(name, treasury.world.account.safe, STRANGER.address)
    assert unwell() == {"safe": "fail"}


def test_a_threshold_of_one_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    treasury.storage(4, 1)
    assert unwell() == {"owners": "warn"}


def test_needing_every_owner_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    treasury.storage(4, 3)
    treasury.edit("policy.toml", "approvals = 2", "approvals = 3")
    assert unwell() == {"owners": "warn"}


def test_a_foreign_module_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    treasury.as_safe(encode_call("enableModule(address)", STRANGER.address))
    assert unwell() == {"modules": "warn"}


def test_a_guard_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    slot = 0x4A204F620C8C5CCDCA3FD54D003BADD85BA500436A431F0CBDA4F558C93C34C8
    treasury.storage(slot, int(STRANGER.address, 16))
    assert unwell() == {"guard": "warn"}


def test_an_unknown_fallback_handler_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    treasury.as_safe(encode_call("setFallbackHandler(address)", treasury.world.contracts.quoter))
    assert unwell() == {"fallback handler": "warn"}


def test_foreign_code_behind_the_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    world = treasury.world
    copy = world.ask("eth_getCode", world.contracts.safe_singleton, "latest")
    world.set_code(BOB.address, bytes.fromhex(copy[2:]))
    treasury.storage(0, int(BOB.address, 16))
    assert unwell() == {"singleton": "fail"}


@pytest.mark.parametrize("broken", [b"", b"\x00"])
def test_a_multisend_with_other_code_is_found(treasury: Treasury, unwell: Unwell, broken: bytes) -> None:
    treasury.world.set_code(treasury.world.contracts.multisend, broken)
    assert unwell() == {"multisend": "fail"}


def test_guardians_that_are_not_the_owners_are_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("policy.toml", INES.address, STRANGER.address)
    assert unwell() == {"guardians": "fail"}


def test_fewer_approvals_than_the_safe_demands_is_a_warning(treasury: Treasury, unwell: Unwell) -> None:
    treasury.edit("policy.toml", "approvals = 2", "approvals = 1")
    assert unwell() == {"guardians": "warn"}


# TOKENS AND FEEDS


def test_a_token_with_other_decimals_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """The real token of 18 decimals at the address that the policy lists with 6; the policy's book is untouched."""
    world = treasury.world
    other = world.deploy(creation_code("MintableERC20") + encode_arguments(["string"] * 2 + ["uint8"], ["U", "U", 18]))
    treasury.edit("policy.toml", world.contracts.tokens[USDC], other)
    assert unwell() == {"tokens": "fail"}


def test_a_token_that_does_not_answer_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.world.set_code(treasury.world.contracts.tokens[USDC], b"")
    assert unwell() == {"tokens": "fail"}


def test_stale_feeds_are_found(treasury: Treasury, unwell: Unwell, monkeypatch: pytest.MonkeyPatch) -> None:
    treasury.world.advance(76 * 60, feeds=False)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 76 * 60)
    assert unwell() == {"feeds": "fail"}


def test_sources_that_disagree_are_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.world.set_price(WETH, 3_100 * 10**8, source=1)
    assert unwell() == {"feeds": "fail"}


def test_a_feed_that_does_not_answer_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.world.set_code(treasury.world.contracts.feeds[USDC][0].proxy, b"")
    assert unwell() == {"feeds": "fail"}


# SERVICE AND AGENT


def test_an_unreachable_service_is_found(treasury: Treasury, unwell: Unwell, free_port: int) -> None:
    treasury.edit("treasury.toml", treasury.service, f"http://127.0.0.1:{free_port}")
    assert unwell() == {"service": "fail"}


def test_a_service_that_does_not_know_the_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """A second real service, over a chain on which the Safe was never made."""
    with World.start() as other:
        other.set_code(treasury.world.account.safe, b"")
        with open_service(other.url, ":memory:", WallClock()) as opened, Server(opened) as server:
            treasury.edit("treasury.toml", treasury.service, server.url)
            assert unwell() == {"service": "fail"}


def test_a_service_that_shows_other_owners_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """A second real service, over a chain on which the same Safe demands one signature."""
    with World.start() as other:
        other.ask("anvil_setStorageAt", treasury.world.account.safe, hex(4), f"0x{1:064x}")
        with open_service(other.url, ":memory:", WallClock()) as opened, Server(opened) as server:
            treasury.edit("treasury.toml", treasury.service, server.url)
            assert unwell() == {"service": "fail"}


def test_a_missing_agent_key_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.state.keystore.unlink()
    assert unwell() == {"agent key": "fail"}


def test_a_wrong_password_is_found(treasury: Treasury, unwell: Unwell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_PASSWORD", "another")
    assert unwell() == {"agent key": "fail"}


def test_an_agent_that_owns_the_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.as_safe(encode_call("addOwnerWithThreshold(address,uint256)", AGENT.address, 2))
    members = f'"{INES.address}",'
    treasury.edit("policy.toml", members, f'{members} "{AGENT.address}",')
    assert unwell() == {"agent is no owner": "fail"}


def test_an_agent_that_is_no_delegate_is_found(treasury: Treasury, unwell: Unwell, chain: RpcChain) -> None:
    queue = SafeService(treasury.service, treasury.world.account, chain)
    queue.remove_delegate(AGENT.address, INES.address, _signing(INES.key))
    queue.close()
    assert unwell() == {"delegate": "fail"}


@pytest.mark.parametrize(("share", "grade"), [(9, "warn"), (0, "fail")])
def test_too_little_gas_is_found(treasury: Treasury, unwell: Unwell, chain: RpcChain, share: int, grade: str) -> None:
    one_unit_wei = 2_000_000 * chain.base_fee_wei(chain.head())
    treasury.world.set_balance(AGENT.address, share * one_unit_wei)
    assert unwell() == {"gas": grade}


# THE COMMAND


def test_a_failed_check_ends_with_exit_code_1_and_says_how_to_mend_it(
    strongroom: Strongroom, treasury: Treasury
) -> None:
    treasury.state.path.chmod(0o755)
    answer = strongroom("doctor", "--config", treasury.folder)
    assert answer.exit_code == 1
    assert "to mend: chmod 700" in answer.text


def test_a_warning_alone_ends_with_exit_code_0(strongroom: Strongroom, treasury: Treasury) -> None:
    treasury.storage(4, 1)
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
