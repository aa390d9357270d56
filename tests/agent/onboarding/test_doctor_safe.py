"""`strongroom doctor` with exactly one thing of the Safe, its policy, its service or its agent broken."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from guardians.server.serving import Server, open_service
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.fees import needed_wei
from strongroom.model import Address
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.safe import HANDLER_SLOT
from strongroom.wallet.service import SafeService
from strongroom.world.artifacts import creation_code
from strongroom.world.people import AGENT, BOB, GUARDIANS, STRANGER
from strongroom.world.treasury import USDC, WETH
from strongroom.world.world import World
from tests.agent.onboarding.patient import Treasury, signing

INES, JONAS, _ = GUARDIANS
Strongroom = Callable[..., Any]
Unwell = Callable[[], dict[str, str]]
NodeWithout = Callable[[Callable[[Any], bool]], str]


# SAFE


def test_an_account_without_a_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    for name in ("treasury.toml", "policy.toml"):
        treasury.edit(name, treasury.world.account.safe, STRANGER.address)
    assert unwell() == {"safe": "fail"}


def test_a_threshold_of_one_is_a_warning_and_less_than_the_policy_asks_is_found(
    treasury: Treasury, unwell: Unwell
) -> None:
    """Two approvals that one owner's signature stands for are none that the chain demands."""
    treasury.storage(4, 1)
    assert unwell() == {"owners": "warn", "guardians": "fail"}
    treasury.edit("policy.toml", "approvals = 2", "approvals = 1")
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


def test_foreign_code_that_names_safes_own_as_its_singleton_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """It passes every call on to the real one, but answers for slot 0 itself."""
    world = treasury.world
    real = bytes.fromhex(world.contracts.safe_singleton[2:])
    world.set_code(BOB.address, _liar(real))
    treasury.storage(0, int(BOB.address, 16))
    question = "0x" + encode_call("getStorageAt(uint256,uint256)", 0, 1).hex()
    assert world.ask("eth_call", {"to": world.account.safe, "data": question}, "latest").endswith(real.hex())
    assert unwell() == {"singleton": "fail"}


def _liar(real: bytes) -> bytes:
    """Runtime code: `getStorageAt(0, ...)` answers with `real` as bytes; anything else is delegated to it."""
    selector = encode_call("getStorageAt(uint256,uint256)", 0, 1)[:4]
    asked = bytes.fromhex("5f3560e01c63") + selector + bytes.fromhex("14600435151660")
    delegate = bytes.fromhex("57365f5f375f5f365f73") + real + bytes.fromhex("5af43d5f5f3e60")
    # The two jumps' places follow from the lengths before them.
    at_end = len(asked) + 1 + len(delegate) + 1 + 4
    at_lie = at_end + 4
    ended = bytes([at_end]) + bytes.fromhex("573d5ffd5b3d5ff3")
    lie = bytes.fromhex("5b60205f52602060205273") + real + bytes.fromhex("60405260605ff3")
    return asked + bytes([at_lie]) + delegate + ended + lie


def test_a_singleton_that_cannot_show_its_storage_is_no_safe(treasury: Treasury, unwell: Unwell) -> None:
    """For a function that it lacks, a Safe without a handler succeeds with nothing at all: that is no address."""
    world = treasury.world
    code = bytes.fromhex(world.ask("eth_getCode", world.contracts.safe_singleton, "latest")[2:])
    # PUSH4 of the selector before EQ: where the dispatcher would find it.
    shown = encode_call("getStorageAt(uint256,uint256)", 0, 0)[:4] + b"\x14"
    assert code.count(shown) == 1
    world.set_code(BOB.address, code.replace(shown, b"\xff" * 4 + b"\x14"))
    treasury.storage(0, int(BOB.address, 16))
    treasury.storage(HANDLER_SLOT, 0)
    assert unwell() == {"safe": "fail"}


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


# KERNEL


def test_a_guarded_treasury_that_is_well_passes_every_check(guarded: Treasury, unwell: Unwell) -> None:
    assert unwell() == {}


def test_a_policy_that_the_kernel_does_not_hold_is_found(guarded: Treasury, unwell: Unwell) -> None:
    guarded.edit("policy.toml", 'at_most = ["15_000 USDC"]', 'at_most = ["15_001 USDC"]')
    assert unwell() == {"kernel": "fail"}


def test_a_kernel_that_is_no_longer_a_module_is_found(guarded: Treasury, unwell: Unwell) -> None:
    sentinel, kernel = "0x0000000000000000000000000000000000000001", _kernel(guarded)
    guarded.as_safe(encode_call("disableModule(address,address)", sentinel, kernel))
    assert unwell() == {"kernel": "fail"}


def test_a_paused_kernel_is_a_warning(guarded: Treasury, unwell: Unwell) -> None:
    assert guarded.world.send_as(INES.address, _kernel(guarded), encode_call("pause()")).success
    assert unwell() == {"kernel": "warn"}


def test_a_foreign_module_beside_the_kernel_is_a_warning(guarded: Treasury, unwell: Unwell) -> None:
    """The owners' guard does not see it either."""
    guarded.as_safe(encode_call("enableModule(address)", STRANGER.address))
    assert unwell() == {"modules": "warn", "guard sees modules": "warn"}


def _kernel(treasury: Treasury) -> Address:
    (line,) = [line for line in (treasury.folder / "treasury.toml").read_text().splitlines() if line[:6] == "kernel"]
    return Address(line.split('"')[1])


# TOKENS AND FEEDS

_TOKEN = creation_code("MintableERC20") + encode_arguments(["string"] * 2 + ["uint8"], ["U", "U", 18])


def test_a_token_with_other_decimals_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """The real token of 18 decimals at the address that the policy lists with 6; the policy's book is untouched."""
    treasury.edit("policy.toml", treasury.world.contracts.tokens[USDC], treasury.world.deploy(_TOKEN))
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


# VENUES


def test_a_pair_that_its_router_does_not_trade_in_is_found(treasury: Treasury, unwell: Unwell) -> None:
    world = treasury.world
    treasury.edit("policy.toml", world.contracts.pairs[0].address, world.deploy(_TOKEN))
    assert unwell() == {"venues": "fail"}


def test_a_router_that_does_not_answer_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.world.set_code(treasury.world.contracts.pair_router, b"")
    assert unwell() == {"venues": "fail"}


def test_a_share_that_the_market_does_not_give_is_found(treasury: Treasury, unwell: Unwell) -> None:
    world = treasury.world
    treasury.edit("policy.toml", world.contracts.lending.reserves[USDC].a_token, world.deploy(_TOKEN))
    assert unwell()["venues"] == "fail"


def test_a_market_that_does_not_answer_is_found(treasury: Treasury, unwell: Unwell) -> None:
    treasury.world.set_code(treasury.world.contracts.lending.pool, b"")
    assert unwell()["venues"] == "fail"


def test_a_debt_of_the_safe_is_found(treasury: Treasury, unwell: Unwell) -> None:
    """Ether of the Safe's own is lent, and a dollar borrowed against it."""
    world, safe = treasury.world, treasury.world.account.safe
    pool, (weth, usdc) = world.contracts.lending.pool, (world.contracts.tokens[each] for each in (WETH, USDC))
    lent = (weth, 10**18, safe, 0)
    for target, data in (
        (weth, encode_call("approve(address,uint256)", pool, 10**18)),
        (pool, encode_call("supply(address,uint256,address,uint16)", *lent)),
        (pool, encode_call("borrow(address,uint256,uint256,uint16,address)", usdc, 10**6, 2, 0, safe)),
    ):
        world.set_balance(safe, 200 * 10**18)
        assert world.send_as(safe, target, data).success
    assert unwell()["venues"] == "fail"


# AN L2'S SEQUENCER


def _declare_l2(treasury: Treasury, answer: int) -> Address:
    arguments = encode_arguments(["uint8", "int256"], [0, answer])
    feed = treasury.world.deploy(creation_code("MockV3Aggregator") + arguments)
    treasury.edit("chains.toml", 'kind = "l1"', f'kind = "l2"\nsequencer = "{feed}"')
    return feed


@pytest.mark.parametrize(("answer", "grade"), [(0, "warn"), (1, "fail")])
def test_a_sequencer_that_is_down_or_only_just_up_is_found(
    treasury: Treasury, unwell: Unwell, answer: int, grade: str
) -> None:
    _declare_l2(treasury, answer)
    assert unwell() == {"sequencer": grade}


def test_a_sequencer_that_has_been_up_for_an_hour_is_well(
    treasury: Treasury, unwell: Unwell, monkeypatch: pytest.MonkeyPatch
) -> None:
    _declare_l2(treasury, 0)
    treasury.world.advance(3_600)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3_600)
    assert unwell() == {}


def test_a_sequencers_feed_that_does_not_answer_or_is_not_named_is_found(treasury: Treasury, unwell: Unwell) -> None:
    feed = _declare_l2(treasury, 0)
    treasury.world.set_code(feed, b"")
    assert unwell() == {"sequencer": "fail"}
    treasury.edit("chains.toml", f'sequencer = "{feed}"\n', "")
    assert unwell() == {"sequencer": "warn"}


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
    queue.remove_delegate(AGENT.address, INES.address, signing(INES.key))
    queue.close()
    assert unwell() == {"delegate": "fail"}


@pytest.mark.parametrize(("share", "grade"), [(9, "warn"), (0, "fail")])
def test_too_little_gas_is_found(treasury: Treasury, unwell: Unwell, chain: RpcChain, share: int, grade: str) -> None:
    one_unit_wei = 2_000_000 * chain.base_fee_wei(chain.head())
    treasury.world.set_balance(AGENT.address, share * one_unit_wei)
    assert unwell() == {"gas": grade}


def test_gas_that_does_not_last_a_month_of_the_schedule_is_a_warning_and_the_days_are_told(
    treasury: Treasury, unwell: Unwell, strongroom: Strongroom, chain: RpcChain
) -> None:
    """A month of lending each day could be paid for; a rebalancing each day beside it could not."""
    treasury.world.set_balance(AGENT.address, 20 * needed_wei(2_000_000, chain.base_fee_wei(chain.head())))
    assert unwell() == {}
    treasury.edit("schedule.toml", "0 10 * * mon", "0 10 * * *")
    assert unwell() == {"gas": "warn"}
    checks = strongroom("doctor", "--config", treasury.folder, "--json").data["checks"]
    (gas,) = [check for check in checks if check["name"] == "gas"]
    found = re.search(r"ETH for gas, (\d+) days of the schedule at \d\.\d+ gwei, taking (lend|payroll)", gas["what"])
    assert found and 10 < int(found[1]) < 30
    assert "the policy's most, none was measured yet" in gas["what"] and gas["mend"].startswith("send it at least 0.0")
