"""`strongroom init` on Safes of the local world: what it reads, what it writes, and that it touches nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from policies.document import load
from strongroom.addresses import from_digest
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Operation, SafeTx
from strongroom.observe import Subject, observe
from strongroom.protocols.abi import encode_call
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode, load_mandate, load_schedule, load_treasury
from strongroom.wallet.memory import MemoryQueue
from strongroom.wallet.service import SafeService
from strongroom.world.people import ALICE, BOB, GUARDIANS, STRANGER
from strongroom.world.treasury import HALL, USDC
from strongroom.world.world import World

Strongroom = Callable[..., Any]
Written = Callable[[], dict[str, str]]
INES, JONAS, _ = GUARDIANS
NAMES = ["chains.toml", "mandate.toml", "policy.toml", "schedule.toml", "treasury.toml"]


def chain_state(world: World) -> tuple[str, str, str]:
    header = world.ask("eth_getBlockByNumber", "latest", False)
    nonce = world.ask("eth_call", {"to": world.account.safe, "data": "0x" + encode_call("nonce()").hex()}, "latest")
    waiting = json.dumps(world.ask("txpool_content"))
    return header["hash"] + header["stateRoot"], nonce, waiting


def test_the_four_documents_load_and_the_treasury_can_be_observed_with_them(
    init: Strongroom, world: World, tmp_path: Path, chain: RpcChain, written: Written
) -> None:
    assert init("--name", "Hall DAO").error == ""
    texts = written()
    assert list(texts) == NAMES
    policy = load(texts["policy.toml"])
    treasury = load_treasury(texts["treasury.toml"], tmp_path)
    load_mandate(texts["mandate.toml"], {USDC: 6})
    assert [job.operation for job in load_schedule(texts["schedule.toml"])] == ["observe", "payroll"]
    assert (treasury.name, treasury.mode, treasury.account) == ("Hall DAO", Mode.SHADOW, world.account)
    assert treasury.state_dir == tmp_path / "state"
    assert policy.guardians.members == tuple(person.address for person in GUARDIANS)
    assert not policy.payees and not policy.caps and not policy.venues
    # A day and more: the owners must be able to see and stop what they did not mean.
    assert (policy.kernel.config_delay_seconds, policy.kernel.pause_only) == (2 * 86_400, ())

    tokens = tuple(listed.token for listed in policy.tokens.values())
    feeds = {token: policy.feeds_of(token) for token in policy.tokens}
    queue = MemoryQueue(world.account, (), {})
    facts = observe(chain, queue, Subject(policy.account, tokens, feeds, None, 0))
    assert facts.balances == {id_: units_ for id_, units_ in world.treasury.holdings.items() if id_ != HALL}
    assert all(len(facts.rounds[token]) == 2 for token in policy.tokens)


def test_nothing_changes_on_chain(init: Strongroom, world: World, service: str) -> None:
    before = chain_state(world)
    assert init("--service", service).error == ""
    assert chain_state(world) == before


def test_what_the_safe_is_and_holds_is_told(init: Strongroom, world: World) -> None:
    data = init("--json").data
    assert (data["safe"], data["version"], data["threshold"]) == (world.account.safe, "1.4.1", 2)
    assert data["owners"] == [person.address for person in GUARDIANS]
    assert (data["singleton"], data["fallback_handler"]) == (
        world.contracts.safe_singleton,
        world.contracts.fallback_handler,
    )
    assert {row["token"]: int(row["units"]) for row in data["holdings"]} == {
        token: held for token, held in world.treasury.holdings.items() if token != HALL
    }


def test_an_unlisted_token_is_shown_and_not_listed(init: Strongroom, world: World, written: Written) -> None:
    answer = init("--json")
    (unlisted,) = answer.data["unlisted"]
    assert (unlisted["address"], unlisted["calls_itself"]) == (world.contracts.tokens[HALL], "HALL")
    assert int(unlisted["units"]) == world.treasury.holdings[HALL]
    assert HALL not in load(written()["policy.toml"]).tokens


def test_a_foreign_module_is_a_warning_that_says_what_it_may_do(init: Strongroom, world: World) -> None:
    enable = encode_call("enableModule(address)", STRANGER.address)
    assert world.safe_exec(world.account, [INES, JONAS], world.account.safe, enable).success
    (warning,) = [line for line in init("--json").data["warnings"] if "module" in line]
    assert STRANGER.address in warning and "without any owner's signature" in warning


def test_a_guard_an_unknown_handler_and_an_unknown_singleton_are_warnings(init: Strongroom, world: World) -> None:
    guard_slot = "0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8"
    world.ask("anvil_setStorageAt", world.account.safe, guard_slot, "0x" + ALICE.address[2:].rjust(64, "0"))
    handler = encode_call("setFallbackHandler(address)", world.contracts.tokens[USDC])
    world.ask("anvil_impersonateAccount", world.account.safe)
    assert world.send_as(world.account.safe, world.account.safe, handler).success
    copy = world.ask("eth_getCode", world.contracts.safe_singleton, "latest")
    world.ask("anvil_setCode", BOB.address, copy)
    world.ask("anvil_setStorageAt", world.account.safe, hex(0), "0x" + BOB.address[2:].rjust(64, "0"))
    told = "\n".join(init("--json").data["warnings"])
    assert f"guard `{ALICE.address}`" in told
    assert f"fallback handler `{world.contracts.tokens[USDC]}`" in told
    assert f"singleton `{BOB.address}`" in told


def test_a_threshold_of_one_is_a_warning(init: Strongroom, world: World) -> None:
    lonely = world.new_safe([INES.address], 1)
    assert any("one signature" in line for line in init("--json", safe=lonely.safe).data["warnings"])


def test_a_plain_safe_with_its_queue_read_has_no_warning(init: Strongroom, service: str) -> None:
    answer = init("--service", service, "--json")
    assert answer.data["warnings"] == []
    assert answer.data["queue"] == []


def test_a_queued_human_transaction_is_told_with_its_nonce(
    init: Strongroom, world: World, chain: RpcChain, service: str, tmp_path: Path, written: Written
) -> None:
    from eth_account import Account as Keys

    tx = SafeTx(world.account, ALICE.address, 10**18, b"", Operation.CALL, 0)
    digest = safe_tx_hash(tx)
    signature = bytes(Keys.unsafe_sign_hash(from_digest(digest), INES.key).signature)
    owners_queue = SafeService(service, world.account, chain)
    owners_queue.propose(tx, digest, signature, "rent")
    owners_queue.close()
    data = init("--service", service, "--json").data
    assert data["queue"] == [{"nonce": 0, "to": ALICE.address, "safe_tx_hash": digest}]
    assert any(line.startswith("nonce 0 is taken") and "signed by 1" in line for line in data["warnings"])
    assert load_treasury(written()["treasury.toml"], tmp_path).service == service


OWNERS = ",".join(person.address for person in GUARDIANS)


def test_a_new_safe_gets_its_documents_its_address_and_the_transaction_that_makes_it(
    strongroom: Strongroom, world: World, tmp_path: Path, chains_file: Path, chain: RpcChain, written: Written
) -> None:
    before = chain_state(world)
    place = ["--rpc", world.url, "--chains", chains_file, "--folder", tmp_path / "new", "--json"]
    data = strongroom("init", "--owners", OWNERS, "--threshold", "3", "--salt", "77", *place).data
    assert chain_state(world) == before
    policy = load(written()["policy.toml"])
    assert (policy.account.safe, policy.guardians.approvals) == (data["safe"], 3)

    transaction = data["transaction"]
    made = world.send_as(STRANGER.address, Address(transaction["to"]), bytes.fromhex(transaction["data"][2:]))
    assert made.success
    facts = observe(chain, MemoryQueue(policy.account, (), {}), Subject(policy.account, (), {}, None, 0))
    assert facts.safe.owners == tuple(person.address for person in GUARDIANS)
    assert facts.safe.threshold == 3
    assert facts.safe.singleton == world.contracts.safe_singleton
    assert facts.safe.fallback_handler == world.contracts.fallback_handler

    again = strongroom(
        "init", "--owners", OWNERS, "--threshold", "3", "--salt", "77", *place[:-3], "--folder", tmp_path
    )
    assert (
        again.error == f"a contract is at `{data['safe']}` already; take it with `--safe`, or choose another `--salt`"
    )
