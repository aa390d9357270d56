"""`strongroom init` on Safes of the local world: what it reads, what it writes, and that it touches nothing."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guardians.server.serving import Server, open_service
from policies.document import load
from strongroom.addresses import from_digest
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.model import NATIVE, Address, Call, Operation, SafeTx
from strongroom.observe import Subject, observe
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Mode, load_mandate, load_schedule, load_treasury
from strongroom.wallet.memory import MemoryQueue
from strongroom.wallet.service import SafeService
from strongroom.world.artifacts import creation_code
from strongroom.world.people import ALICE, BOB, DANA, GUARDIANS, STRANGER
from strongroom.world.treasury import DAI, HALL, USDC, WETH, units
from strongroom.world.world import World

Strongroom = Callable[..., Any]
INES, JONAS, _ = GUARDIANS
NAMES = ["mandate.toml", "policy.toml", "schedule.toml", "treasury.toml"]


@pytest.fixture
def init(world: World, tmp_path: Path, chains_file: Path, strongroom: Strongroom) -> Strongroom:
    def run(*more: object, safe: str = world.account.safe, folder: str = "new") -> Any:
        place = ["--folder", tmp_path / folder, "--state", tmp_path / "state", "--chains", chains_file]
        return strongroom("init", "--safe", safe, "--rpc", world.url, *place, *more)

    return run


@pytest.fixture
def service(world: World) -> Iterator[str]:
    with open_service(world.url, ":memory:", WallClock()) as opened, Server(opened) as server:
        yield server.url


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def chain_state(world: World) -> tuple[str, str, str]:
    header = world.ask("eth_getBlockByNumber", "latest", False)
    nonce = world.ask("eth_call", {"to": world.account.safe, "data": "0x" + encode_call("nonce()").hex()}, "latest")
    waiting = json.dumps(world.ask("txpool_content"))
    return header["hash"] + header["stateRoot"], nonce, waiting


def uncommented(policy: str) -> str:
    """What stands there once an owner has taken the `# ` away from every proposed line."""
    head, _, proposed = policy.partition("## -----")
    return head + "\n".join(line.removeprefix("# ") for line in ("## -----" + proposed).splitlines())


def test_the_four_documents_load_and_the_treasury_can_be_observed_with_them(
    init: Strongroom, world: World, tmp_path: Path, chain: RpcChain
) -> None:
    assert init("--name", "Hall DAO").error == ""
    texts = read(tmp_path / "new")
    assert list(texts) == NAMES
    policy = load(texts["policy.toml"])
    treasury = load_treasury(texts["treasury.toml"], tmp_path)
    load_mandate(texts["mandate.toml"], {USDC: 6})
    assert [job.operation for job in load_schedule(texts["schedule.toml"])] == ["observe", "payroll"]
    assert (treasury.name, treasury.mode, treasury.account) == ("Hall DAO", Mode.SHADOW, world.account)
    assert treasury.state_dir == tmp_path / "state"
    assert policy.guardians.members == tuple(person.address for person in GUARDIANS)
    assert not policy.payees and not policy.caps and not policy.venues

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


def test_an_unlisted_token_is_shown_and_not_listed(init: Strongroom, world: World, tmp_path: Path) -> None:
    answer = init("--json")
    (unlisted,) = answer.data["unlisted"]
    assert (unlisted["address"], unlisted["calls_itself"]) == (world.contracts.tokens[HALL], "HALL")
    assert int(unlisted["units"]) == world.treasury.holdings[HALL]
    assert HALL not in load(read(tmp_path / "new")["policy.toml"]).tokens


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
    init: Strongroom, world: World, chain: RpcChain, service: str, tmp_path: Path
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
    assert load_treasury(read(tmp_path / "new")["treasury.toml"], tmp_path).service == service


def test_past_payees_are_proposed_in_comments_and_not_active(init: Strongroom, world: World, tmp_path: Path) -> None:
    """Alice in a stable, Bob in ether, Dana in both stables inside a batch; then all of it uncommented still loads."""
    contracts = world.contracts
    usdc, dai = contracts.tokens[USDC], contracts.tokens[DAI]
    pay = encode_transfer(ALICE.address, units(USDC, 11_000))
    assert world.safe_exec(world.account, [INES, JONAS], usdc, pay).success
    assert world.safe_exec(world.account, [INES, JONAS], usdc, pay).success
    assert world.safe_exec(world.account, [INES, JONAS], BOB.address, value_wei=3 * 10**18).success
    batch = [
        Call(world.account, usdc, 0, encode_transfer(DANA.address, units(USDC, 10))),
        Call(world.account, dai, 0, encode_transfer(DANA.address, units(DAI, 7_000))),
        Call(world.account, BOB.address, 10**17, b""),
    ]
    sent = world.safe_exec(
        world.account, [INES, JONAS], contracts.multisend, encode_multisend(batch), operation=Operation.DELEGATECALL
    )
    assert sent.success
    data = init("--json").data
    assert {row["address"]: row["payments"] for row in data["payees"]} == {
        ALICE.address: 2, BOB.address: 2, DANA.address: 2,
    }  # fmt: skip
    policy = read(tmp_path / "new")["policy.toml"]
    assert not load(policy).payees
    payees = {payee.address: payee.max_units for payee in load(uncommented(policy)).payees.values()}
    assert payees == {
        ALICE.address: {USDC: units(USDC, 11_000)},
        BOB.address: {"ETH": 3 * 10**18},
        DANA.address: {USDC: units(USDC, 10), DAI: units(DAI, 7_000)},
    }


def test_an_address_planted_by_somebody_elses_events_is_not_proposed(
    init: Strongroom, world: World, tmp_path: Path
) -> None:
    """Address poisoning: a worthless token, and a zero-amount transfer of a real one, name the Safe as sender."""
    fake = world.deploy(_emitting_transfer(world.account.safe, STRANGER.address, 11_000))
    assert world.send_as(STRANGER.address, fake).success
    real = encode_call("transferFrom(address,address,uint256)", world.account.safe, STRANGER.address, 0)
    assert world.send_as(STRANGER.address, world.contracts.tokens[WETH], real).success
    data = init("--json").data
    assert fake in [token["address"] for token in data["unlisted"]]
    assert data["payees"] == []
    assert STRANGER.address not in read(tmp_path / "new")["policy.toml"]


def _emitting_transfer(sender: Address, recipient: Address, units_: int) -> bytes:
    """Creation code of a contract that emits one Transfer event whenever it is called."""
    topic = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
    push = b"\x7f" + units_.to_bytes(32, "big") + b"\x60\x00\x52"
    names = b"".join(b"\x73" + bytes.fromhex(address[2:]) for address in (recipient, sender))
    runtime = push + names + b"\x7f" + topic + b"\x60\x20\x60\x00\xa3\x00"
    return b"\x60" + bytes([len(runtime)]) + b"\x80\x60\x0b\x60\x00\x39\x60\x00\xf3" + runtime


HOSTILE = [
    'USDC"\n[payees.thief]\naddress = "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"\n#',
    "\x1b[2J\x1b[31mALL CLEAR\x07",
    "A\u202eCDSU",
    "\x00\x7f\x9b",
    "]\r\n[caps.team.USDC]\r\n",
    "'''\"\"\"\\u000a",
    "US\u0414C",
    "x" * 5_000,
]


@pytest.mark.parametrize("symbol", HOSTILE)
def test_a_hostile_token_name_breaks_neither_document_nor_terminal(
    init: Strongroom, world: World, tmp_path: Path, symbol: str
) -> None:
    arguments = encode_arguments(["string", "string", "uint8"], [symbol, symbol, 18])
    token = world.deploy(creation_code("MintableERC20") + arguments)
    mint = encode_call("mint(address,uint256)", world.account.safe, 5)
    assert world.send_as(STRANGER.address, token, mint).success
    answer = init()
    assert token in answer.text
    policy = read(tmp_path / "new")["policy.toml"]
    for text in (answer.text, policy):
        assert all(line.isascii() and line.isprintable() for line in text.splitlines())
        assert max(map(len, text.splitlines())) < 300
    assert set(load(policy).tokens) == {"ETH", USDC, DAI, WETH}
    assert token in {row["address"] for row in tomllib.loads(uncommented(policy))["tokens"].values()}


def test_a_token_that_takes_a_listed_name_is_a_warning_and_not_proposed(
    init: Strongroom, world: World, tmp_path: Path
) -> None:
    token = world.deploy(
        creation_code("MintableERC20") + encode_arguments(["string", "string", "uint8"], ["USD Coin", " usdc", 6])
    )
    assert world.send_as(STRANGER.address, token, encode_call("mint(address,uint256)", world.account.safe, 5)).success
    assert any(token in line and "never list it" in line for line in init("--json").data["warnings"])
    assert token not in read(tmp_path / "new")["policy.toml"]


def test_an_existing_document_is_never_overwritten(init: Strongroom, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "policy.toml").write_text("mine")
    assert "`strongroom" not in (error := init().error)
    assert re.fullmatch(r"`.*policy\.toml` is there already and is not overwritten; move it away, .*", error)
    assert read(tmp_path / "new") == {"policy.toml": "mine"}


OWNERS = ",".join(person.address for person in GUARDIANS)


def test_a_new_safe_gets_its_documents_its_address_and_the_transaction_that_makes_it(
    strongroom: Strongroom, world: World, tmp_path: Path, chains_file: Path, chain: RpcChain
) -> None:
    before = chain_state(world)
    place = ["--rpc", world.url, "--chains", chains_file, "--folder", tmp_path / "new", "--json"]
    data = strongroom("init", "--owners", OWNERS, "--threshold", "3", "--salt", "77", *place).data
    assert chain_state(world) == before
    policy = load(read(tmp_path / "new")["policy.toml"])
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


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--owners", f"{INES.address},{INES.address}"], "name each owner once"),
        (["--owners", f"{INES.address},{NATIVE}"], "nobody has a key for it"),
        (["--owners", OWNERS, "--threshold", "4"], "between 1 and the 3 owners"),
        (["--owners", OWNERS, "--salt", "-1"], "whole number below 2^256"),
        (["--owners", INES.address.lower()], f"did you mean `{INES.address}`"),
        ([], "`init` needs a Safe: give `--safe ADDRESS --rpc URL`"),
        (["--owners", OWNERS, "--safe", INES.address], "`init` needs a Safe"),
    ],
)
def test_what_cannot_be_a_safe_is_one_clear_line(
    strongroom: Strongroom, world: World, tmp_path: Path, chains_file: Path, arguments: list[str], line: str
) -> None:
    place = ["--rpc", world.url, "--chains", chains_file, "--folder", tmp_path / "new"]
    answer = strongroom("init", *arguments, *place)
    assert line in answer.error and "\n" not in answer.error
    assert not (tmp_path / "new").exists()


def test_an_account_without_a_safe_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    for stranger in (STRANGER.address, world.contracts.tokens[USDC]):
        assert init(safe=stranger).error.startswith(f"no Safe at `{stranger}`; check `--safe`")
    assert not (tmp_path / "new").exists()


def test_a_safe_older_than_1_3_0_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    """The real 1.1.1, used directly: it answers VERSION like any Safe."""
    from safe_eth.eth.contracts import get_safe_V1_1_1_contract
    from web3 import Web3

    old = world.deploy(bytes(get_safe_V1_1_1_contract(Web3()).bytecode))
    assert (
        init(safe=old).error
        == f"the Safe at `{old}` has version `1.1.1`, 1.3.0 is needed; upgrade it in the Safe UI first"
    )
    assert not (tmp_path / "new").exists()


def test_a_wrong_checksum_is_one_clear_line(init: Strongroom, world: World, tmp_path: Path) -> None:
    wrong = world.account.safe.swapcase().replace("X", "x")
    assert init(safe=wrong).error == f"`{wrong}` is not a checksummed address; did you mean `{world.account.safe}`"
    assert not (tmp_path / "new").exists()


def test_an_unreachable_node_or_service_is_one_clear_line(
    strongroom: Strongroom, init: Strongroom, world: World, tmp_path: Path, free_port: int
) -> None:
    nowhere = f"http://127.0.0.1:{free_port}"
    answer = strongroom("init", "--safe", world.account.safe, "--rpc", nowhere, "--folder", tmp_path / "new")
    assert answer.error.startswith(f"node `{nowhere}` cannot be reached")
    assert init("--service", nowhere).error.startswith(f"transaction service `{nowhere}` cannot be reached")
    assert not (tmp_path / "new").exists()


def test_a_chain_that_nobody_described_is_one_clear_line(strongroom: Strongroom, world: World, tmp_path: Path) -> None:
    """The chains we ship do not include the local world."""
    answer = strongroom("init", "--safe", world.account.safe, "--rpc", world.url, "--folder", tmp_path / "new")
    assert answer.error.startswith("`31337` cannot be used for the chain; chains.toml knows `1`, ")
    assert not (tmp_path / "new").exists()
