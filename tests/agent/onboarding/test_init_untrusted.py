"""`strongroom init` and what anybody can put on a chain: past payments, planted events, hostile token names."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.document import load
from strongroom.addresses import to_address
from strongroom.model import Address, Call, Operation
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.world.artifacts import creation_code
from strongroom.world.people import ALICE, BOB, DANA, GUARDIANS, STRANGER
from strongroom.world.treasury import DAI, USDC, WETH, units
from strongroom.world.world import World

Strongroom = Callable[..., Any]
Written = Callable[[], dict[str, str]]
INES, JONAS, _ = GUARDIANS


def uncommented(policy: str) -> str:
    """What stands there once an owner has taken the `# ` away from every proposed line."""
    head, _, proposed = policy.partition("## -----")
    return head + "\n".join(line.removeprefix("# ") for line in ("## -----" + proposed).splitlines())


def test_past_payees_are_proposed_in_comments_and_not_active(init: Strongroom, world: World, written: Written) -> None:
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
    policy = written()["policy.toml"]
    assert not load(policy).payees
    payees = {payee.address: payee.max_units for payee in load(uncommented(policy)).payees.values()}
    assert payees == {
        ALICE.address: {USDC: units(USDC, 11_000)},
        BOB.address: {"ETH": 3 * 10**18},
        DANA.address: {USDC: units(USDC, 10), DAI: units(DAI, 7_000)},
    }


def test_an_address_planted_by_somebody_elses_events_is_not_proposed(
    init: Strongroom, world: World, written: Written
) -> None:
    """Address poisoning: a worthless token, and a zero-amount transfer of a real one, name the Safe as sender."""
    fake = world.deploy(_emitting_transfer(world.account.safe, STRANGER.address, 11_000))
    assert world.send_as(STRANGER.address, fake).success
    real = encode_call("transferFrom(address,address,uint256)", world.account.safe, STRANGER.address, 0)
    assert world.send_as(STRANGER.address, world.contracts.tokens[WETH], real).success
    data = init("--json").data
    assert fake in [token["address"] for token in data["unlisted"]]
    assert data["payees"] == []
    assert STRANGER.address not in written()["policy.toml"]


def _emitting_transfer(sender: Address, recipient: Address, units_: int) -> bytes:
    """Creation code of a contract that emits one Transfer event whenever it is called."""
    topic = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
    push = b"\x7f" + units_.to_bytes(32, "big") + b"\x60\x00\x52"
    names = b"".join(b"\x73" + bytes.fromhex(address[2:]) for address in (recipient, sender))
    runtime = push + names + b"\x7f" + topic + b"\x60\x20\x60\x00\xa3\x00"
    return b"\x60" + bytes([len(runtime)]) + b"\x80\x60\x0b\x60\x00\x39\x60\x00\xf3" + runtime


def test_two_payees_who_look_alike_are_a_warning_and_neither_is_proposed(
    init: Strongroom, world: World, written: Written
) -> None:
    """Both were really paid: one of them perhaps by somebody who was fooled."""
    twins = [to_address(bytes.fromhex(f"abcd{middle * 16}1234")) for middle in ("11", "22")]
    for twin in twins:
        pay = encode_transfer(twin, units(USDC, 5))
        assert world.safe_exec(world.account, [INES, JONAS], world.contracts.tokens[USDC], pay).success
    assert sum("looks like" in line for line in init("--json").data["warnings"]) == 2
    policy = written()["policy.toml"]
    assert not any(twin in policy for twin in twins)


def test_payees_of_long_ago_are_left_out(init: Strongroom, world: World) -> None:
    pay = encode_transfer(ALICE.address, units(USDC, 5))
    assert world.safe_exec(world.account, [INES, JONAS], world.contracts.tokens[USDC], pay).success
    world.advance(3 * 86_400)
    assert init("--days", 2, "--json", folder="two").data["payees"] == []
    assert len(init("--days", 4, "--json").data["payees"]) == 1


def test_a_node_that_serves_only_narrow_spans_of_logs_is_asked_span_by_span(
    init: Strongroom, world: World, node_without: Callable[[Callable[[Any], bool]], str]
) -> None:
    pay = encode_transfer(ALICE.address, units(USDC, 5))
    assert world.safe_exec(world.account, [INES, JONAS], world.contracts.tokens[USDC], pay).success
    world.ask("anvil_mine", hex(100))
    data = init("--json", "--rpc", node_without(_wider_than(16))).data
    assert [row["address"] for row in data["payees"]] == [ALICE.address]
    assert data["payees_since_block"] == 0
    assert not any("logs only back" in line for line in data["warnings"])


def test_a_node_that_would_have_to_be_asked_too_often_is_a_warning(
    init: Strongroom,
    world: World,
    node_without: Callable[[Callable[[Any], bool]], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.onboarding.history._MOST_REQUESTS", 6)
    world.ask("anvil_mine", hex(100))
    data = init("--json", "--rpc", node_without(_wider_than(16))).data
    assert data["payees_since_block"] > 50
    assert any(f"logs only back to block {data['payees_since_block']}" in line for line in data["warnings"])


def _wider_than(blocks: int) -> Callable[[Any], bool]:
    def refuses(request: Any) -> bool:
        if request["method"] != "eth_getLogs":
            return False
        span = request["params"][0]
        return int(span["toBlock"], 16) - int(span["fromBlock"], 16) >= blocks

    return refuses


def test_a_token_that_contradicts_the_chains_file_is_a_warning_and_not_listed(
    init: Strongroom, world: World, chains_file: Path, written: Written
) -> None:
    chains_file.write_text(chains_file.read_text().replace("decimals = 6", "decimals = 8"))
    (warning,) = [line for line in init("--json").data["warnings"] if "decimals" in line]
    assert world.contracts.tokens[USDC] in warning
    assert USDC not in load(written()["policy.toml"]).tokens


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
    init: Strongroom, world: World, symbol: str, written: Written
) -> None:
    arguments = encode_arguments(["string", "string", "uint8"], [symbol, symbol, 18])
    token = world.deploy(creation_code("MintableERC20") + arguments)
    mint = encode_call("mint(address,uint256)", world.account.safe, 5)
    assert world.send_as(STRANGER.address, token, mint).success
    answer = init()
    assert token in answer.text
    policy = written()["policy.toml"]
    for text in (answer.text, policy):
        assert all(line.isascii() and line.isprintable() for line in text.splitlines())
        assert max(map(len, text.splitlines())) < 300
    assert set(load(policy).tokens) == {"ETH", USDC, DAI, WETH}
    assert token in {row["address"] for row in tomllib.loads(uncommented(policy))["tokens"].values()}


def test_a_token_that_takes_a_listed_name_is_a_warning_and_not_proposed(
    init: Strongroom, world: World, written: Written
) -> None:
    token = world.deploy(
        creation_code("MintableERC20") + encode_arguments(["string", "string", "uint8"], ["USD Coin", " usdc", 6])
    )
    assert world.send_as(STRANGER.address, token, encode_call("mint(address,uint256)", world.account.safe, 5)).success
    assert any(token in line and "never list it" in line for line in init("--json").data["warnings"])
    assert token not in written()["policy.toml"]
