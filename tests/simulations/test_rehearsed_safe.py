"""Whatever an action changes of the Safe itself is seen, however it gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from simulations.rehearse import rehearse
from strongroom.addresses import keccak, to_address
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Facts, Operation, Rehearsal, SafeState, SafeTx
from strongroom.protocols.abi import encode_arguments, encode_call, selector
from strongroom.protocols.safe import state_reads
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.world import World
from tests.contracts.protocol_desk import creation

MODULES = "getModulesPaginated(address,uint256)"
Look = Callable[..., Facts]


def changed(rehearsal: Rehearsal) -> set[str]:
    """Names of the Safe's fields that differ, the nonce aside, which each execution uses up."""
    assert rehearsal.success, rehearsal.revert
    before, after = rehearsal.safe_before, rehearsal.safe_after
    assert after.nonce == before.nonce + 1
    return {each.name for each in fields(SafeState) if getattr(before, each.name) != getattr(after, each.name)} - {
        "nonce"
    }


def rehearsed(
    chain: RpcChain, facts: Facts, to: Address, data: bytes, operation: Operation = Operation.CALL
) -> Rehearsal:
    return rehearse(chain, SafeTx(facts.account, to, 0, data, operation, facts.safe.nonce), facts, [], [])


def copy_of(world: World, address: Address) -> Address:
    """The same code at another address."""
    code = bytes.fromhex(world.ask("eth_getCode", address, "latest")[2:])
    return world.deploy(bytes.fromhex(f"61{len(code):04x}80600a5f395ff3") + code)


def test_another_singleton_is_seen(world: World, chain: RpcChain, look: Look) -> None:
    """The Safe's own code exchanged by a delegatecall: everything else may look as before."""
    other = copy_of(world, world.contracts.safe_singleton)
    thief, facts = world.deploy(creation("SingletonThief", "SafeTricks")), look()
    seen = rehearsed(chain, facts, thief, encode_call("take(address)", other), Operation.DELEGATECALL)
    assert changed(seen) == {"singleton"}
    assert seen.safe_after.singleton == other


def test_a_singleton_that_answers_nothing_is_no_success(world: World, chain: RpcChain, look: Look) -> None:
    thief, facts = world.deploy(creation("SingletonThief", "SafeTricks")), look()
    seen = rehearsed(chain, facts, thief, encode_call("take(address)", AGENT.address), Operation.DELEGATECALL)
    assert not seen.success
    assert seen.revert.startswith("not measured: ")


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ({"owners"}, ("addOwnerWithThreshold(address,uint256)", AGENT.address, 2)),
        ({"owners", "threshold"}, ("addOwnerWithThreshold(address,uint256)", AGENT.address, 4)),
        ({"threshold"}, ("changeThreshold(uint256)", 3)),
        ({"modules"}, ("enableModule(address)", AGENT.address)),
        ({"fallback_handler"}, ("setFallbackHandler(address)", AGENT.address)),
    ],
)
def test_each_setting_is_seen(chain: RpcChain, look: Look, field: set[str], call: Any) -> None:
    facts = look()
    assert changed(rehearsed(chain, facts, facts.account.safe, encode_call(*call))) == field


def test_a_guard_is_seen(world: World, chain: RpcChain, look: Look) -> None:
    """It judges the transactions after this one."""
    terms = (world.account.safe, 86_400, 86_400)
    guard = world.deploy(creation("RefusingGuard", "BrokenGuards", "(address,uint32,uint32)", *terms))
    facts = look()
    seen = rehearsed(chain, facts, facts.account.safe, encode_call("setGuard(address)", guard))
    assert changed(seen) == {"guard"}
    assert seen.safe_after.guard == guard


def test_the_eleventh_module_is_seen(world: World, chain: RpcChain, look: Look) -> None:
    """Modules are listed by pages: none hides behind the first."""
    safe = world.account.safe
    many = [to_address(keccak(bytes([n]))[12:]) for n in range(25)]
    for module in many:
        assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_call("enableModule(address)", module)).success
    facts = look()
    assert set(facts.safe.modules) == set(many)
    assert changed(rehearsed(chain, facts, safe, encode_call("enableModule(address)", AGENT.address))) == {"modules"}


def test_modules_beyond_what_is_read_are_not_taken_for_none() -> None:
    (read,) = (each for each in state_reads(AGENT.address) if each.data[:4] == selector(MODULES))
    a_page, last = [AGENT.address] * 100, to_address(bytes(19) + b"\x01")
    assert len(read.decode(encode_arguments(["address[]", "address"], [a_page, last]))) == 100
    with pytest.raises(ValueError, match="more than 100 modules"):
        read.decode(encode_arguments(["address[]", "address"], [a_page, AGENT.address]))
