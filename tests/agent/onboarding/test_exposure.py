"""`strongroom doctor` on what others built around a Safe. Zodiac's and the allowance module's code is in no package, so
stand-ins answer for them: a clone of the true master copy's address, with a member list behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.onboarding.modifiers import modifier_of
from strongroom.addresses import to_address
from strongroom.model import Address, TokenId
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.safe_modules import master_copy
from strongroom.world.people import STRANGER
from strongroom.world.treasury import DAI, USDC
from tests.agent.onboarding.patient import Treasury

ROLES_2_1_0 = Address("0x9646fDAD06d3e24444381f44362a3B0eB343D337")
ROLES_2_1_1 = Address("0xF2964CE6161ce0e75964Fe7927cE114cb0B283D5")
OUT = Path(__file__).parents[3] / "contracts" / "out" / "OtherModules.sol"
Checks = Callable[[], dict[str, Any]]


@pytest.fixture
def checks(strongroom: Callable[..., Any], treasury: Treasury) -> Checks:
    """The checks by name, each with its grade and what was found."""

    def look() -> dict[str, Any]:
        data = strongroom("doctor", "--config", treasury.folder, "--json").data
        return {check["name"]: check for check in data["checks"]}

    return look


def runtime(name: str) -> bytes:
    return bytes.fromhex(json.loads((OUT / f"{name}.json").read_text())["deployedBytecode"]["object"][2:])


def clone_of(master: Address) -> bytes:
    return bytes.fromhex(f"363d3d373d3d3d363d73{master[2:]}5af43d82803e903d91602b57fd5bf3")


def put(treasury: Treasury, place: int, code: bytes) -> Address:
    address = to_address(f"0x{place:040x}")
    treasury.world.ask("anvil_setCode", address, "0x" + code.hex())
    return address


def with_modifier(treasury: Treasury, master: Address, member: Address) -> Address:
    """The Safe with a clone of `master` as its module, and one member in it."""
    treasury.world.ask("anvil_setCode", master, "0x" + runtime("MemberList").hex())
    module = put(treasury, 0xC10E, clone_of(master))
    treasury.as_safe(encode_call("enableModule(address)", module))
    assert treasury.world.send_as(STRANGER.address, module, encode_call("enableModule(address)", member)).success
    return module


def test_a_modifier_that_takes_reverts_for_a_yes_is_found_where_a_contract_is_its_member(
    treasury: Treasury, checks: Checks
) -> None:
    member = treasury.world.contracts.tokens[USDC]
    module = with_modifier(treasury, ROLES_2_1_0, member)
    found = checks()["modifiers"]
    assert found["grade"] == "fail"
    assert f"`{module}` is Zodiac Roles 2.1.0" in found["what"] and f"`{member}`" in found["what"]


def test_the_same_modifier_without_a_contract_among_its_members_is_a_warning(
    treasury: Treasury, checks: Checks
) -> None:
    with_modifier(treasury, ROLES_2_1_0, STRANGER.address)
    assert checks()["modifiers"]["grade"] == "warn"


def test_a_member_whose_account_delegates_to_code_is_a_contract(treasury: Treasury, checks: Checks) -> None:
    with_modifier(treasury, ROLES_2_1_0, STRANGER.address)
    delegate = "0xef0100" + treasury.world.contracts.tokens[USDC][2:]
    treasury.world.ask("anvil_setCode", STRANGER.address, delegate)
    assert checks()["modifiers"]["grade"] == "fail"


def test_the_release_that_mended_it_is_well_and_named(treasury: Treasury, checks: Checks) -> None:
    with_modifier(treasury, ROLES_2_1_1, treasury.world.contracts.tokens[USDC])
    found = checks()["modifiers"]
    assert (found["grade"], found["what"]) == ("ok", "Zodiac Roles 2.1.1")


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"\0", lambda c: b"\0" + c[1:]])
def test_only_a_whole_clone_names_its_master_copy(change: Callable[[bytes], bytes]) -> None:
    code = clone_of(ROLES_2_1_0)
    assert master_copy(code) == ROLES_2_1_0
    assert master_copy(change(code)) is None
    assert modifier_of(change(code)) is None


@pytest.mark.parametrize(("minutes", "grade"), [(1_440, "warn"), (0, "ok")])
def test_an_allowance_that_the_calendar_resets_is_a_warning(
    treasury: Treasury, checks: Checks, minutes: int, grade: str
) -> None:
    token = treasury.world.contracts.tokens[USDC]
    module = put(treasury, 0xA110, runtime("AllowanceBook"))
    treasury.as_safe(encode_call("enableModule(address)", module))
    arguments = encode_call("set(address,address,uint256,uint256)", STRANGER.address, token, 500, minutes)
    assert treasury.world.send_as(STRANGER.address, module, arguments).success
    found = checks()["allowances"]
    assert found["grade"] == grade
    if grade == "warn":
        assert f"`{STRANGER.address}` may take 500 units of `{token}` each 1 day" in found["what"]


GUARD = 0x4A204F620C8C5CCDCA3FD54D003BADD85BA500436A431F0CBDA4F558C93C34C8
MODULE_GUARD = 0xB104E0B93118902C651344349B610029D694CFDEC91C589C91EBAFBCD0289947


@pytest.mark.parametrize(
    ("has_guard", "has_module", "sees_modules", "grade"),
    [(True, True, False, "warn"), (True, True, True, "ok"), (True, False, False, "ok"), (False, True, False, "ok")],
)
def test_a_guard_that_modules_go_around_is_a_warning(
    treasury: Treasury, checks: Checks, has_guard: bool, has_module: bool, sees_modules: bool, grade: str
) -> None:
    if has_module:
        treasury.as_safe(encode_call("enableModule(address)", STRANGER.address))
    if has_guard:
        treasury.storage(GUARD, int(STRANGER.address, 16))
    if sees_modules:
        treasury.storage(MODULE_GUARD, int(STRANGER.address, 16))
    assert checks()["guard sees modules"]["grade"] == grade


def approve(treasury: Treasury, token: TokenId, units: int) -> None:
    data = encode_approve(STRANGER.address, units)
    safe = treasury.world.account.safe
    treasury.world.set_balance(safe, 10**18)
    assert treasury.world.send_as(safe, treasury.world.contracts.tokens[token], data).success


def test_what_a_spender_may_still_take_is_told_the_most_first(treasury: Treasury, checks: Checks) -> None:
    approve(treasury, USDC, 7)
    approve(treasury, DAI, 2**256 - 1)
    found = checks()["approvals"]
    tokens = treasury.world.contracts.tokens
    assert found["grade"] == "warn"
    all_dai = f"`{STRANGER.address}` may take all of `{tokens[DAI]}`"
    assert found["what"].startswith(f"{all_dai}, `{STRANGER.address}` may take 7 units of `{tokens[USDC]}`")


def test_an_approval_that_was_taken_back_is_not_told(treasury: Treasury, checks: Checks) -> None:
    approve(treasury, USDC, 7)
    approve(treasury, USDC, 0)
    assert checks()["approvals"]["grade"] == "ok"


def test_a_token_that_emits_an_approval_that_is_none_is_not_told(treasury: Treasury, checks: Checks) -> None:
    """Anybody's contract can emit the event in the Safe's name; what counts is what may be taken."""
    topic = "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
    safe, spender = treasury.world.account.safe, STRANGER.address
    words = [encode_arguments(["address"], [each]).hex() for each in (spender, safe)]
    # PUSH32 spender, PUSH32 safe, PUSH32 topic, no data, LOG3, STOP.
    liar = put(treasury, 0x11A5, bytes.fromhex(f"7f{words[0]}7f{words[1]}7f{topic}5f5fa300"))
    assert treasury.world.send_as(STRANGER.address, liar, b"").success
    assert checks()["approvals"]["grade"] == "ok"
