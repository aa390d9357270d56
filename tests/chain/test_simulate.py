"""What a simulation on a real node shows, and what it must never be trusted for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.chain.simulate import parse_simulation
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Call, Operation
from strongroom.ports import Override, SimulatedCall
from strongroom.protocols import erc20
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import EXEC, NONCE_SLOT, THRESHOLD_SLOT, prevalidated
from strongroom.world.people import ALICE, BOB, GUARDIANS, STRANGER
from strongroom.world.treasury import TREASURY, USDC
from strongroom.world.world import World

NOBODY = Address("0x00000000000000000000000000000000000000Aa")
CLOCK = bytes.fromhex("4260005243602052" + "60406000f3")
"""Runtime code that returns the block's time and number."""
REFUSER = bytes.fromhex("63deadbeef60e01b6000526004" + "6000fd")
"""Runtime code that reverts with the four bytes 0xdeadbeef."""
BURNER = bytes.fromhex("5b600056")
"""Runtime code that loops until its gas is gone."""
BALANCE = bytes.fromhex("600035" + "31" + "60005260206000f3")
"""Runtime code that returns the native balance of the address in its first word."""


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


@given(amounts=st.lists(st.integers(0, TREASURY.holdings[USDC]), max_size=6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_call_sees_what_those_before_it_did(world: World, chain: RpcChain, amounts: list[int]) -> None:
    """Transfers one after another, a balance read after each: what the balance no longer covers reverts, alone."""
    safe, usdc = world.contracts.safe, world.contracts.tokens[USDC]
    read = SimulatedCall(NOBODY, usdc, 0, erc20.read_balance(usdc, safe).data)
    calls = [
        each
        for units in amounts
        for each in (SimulatedCall(safe, usdc, 0, erc20.encode_transfer(BOB.address, units)), read)
    ]
    results, left = chain.simulate(calls, {}, chain.head()), TREASURY.holdings[USDC]
    for units, moved, balance in zip(amounts, results[::2], results[1::2], strict=True):
        assert moved.success == (units <= left)
        left -= units if moved.success else 0
        assert int.from_bytes(balance.returned, "big") == left
    assert chain.read([erc20.read_balance(usdc, safe)], chain.head()) == [TREASURY.holdings[USDC]]


def test_the_simulated_block_stands_right_on_top_of_the_pinned_one(world: World, chain: RpcChain) -> None:
    """A node's own defaults may be time 1 and the pinned block's number: every deadline would hold."""
    old = chain.head()
    world.advance(5_000)
    for block in (old, chain.head()):
        (result,) = chain.simulate([SimulatedCall(NOBODY, NOBODY, 0, b"")], {NOBODY: Override({}, code=CLOCK)}, block)
        assert result.returned == word(block.timestamp + 1) + word(block.number + 1)


def test_a_simulation_on_an_old_block_sees_that_blocks_state(world: World, chain: RpcChain) -> None:
    block, usdc = chain.head(), world.contracts.tokens[USDC]
    world.mint(USDC, STRANGER.address, 9)
    read = SimulatedCall(NOBODY, usdc, 0, erc20.read_balance(usdc, STRANGER.address).data)
    assert chain.simulate([read], {}, block)[0].returned == word(0)
    assert chain.simulate([read], {}, chain.head())[0].returned == word(9)


def test_an_overridden_slot_leaves_the_others_alone(world: World, chain: RpcChain) -> None:
    safe = world.contracts.safe
    override = {safe: Override({THRESHOLD_SLOT: word(1), NONCE_SLOT: word(41)})}
    reads = [SimulatedCall(NOBODY, safe, 0, encode_call(view)) for view in ("getThreshold()", "nonce()", "getOwners()")]
    threshold, nonce, owners = chain.simulate(reads, override, chain.head())
    assert (threshold.returned, nonce.returned) == (word(1), word(41))
    assert all(bytes.fromhex(person.address[2:]) in owners.returned for person in GUARDIANS)


def test_balance_and_code_can_be_set_aside_together(world: World, chain: RpcChain) -> None:
    overrides = {NOBODY: Override({}, balance_wei=7), STRANGER.address: Override({}, code=BALANCE)}
    ask = SimulatedCall(NOBODY, STRANGER.address, 0, bytes(12) + bytes.fromhex(NOBODY[2:]))
    assert chain.simulate([ask], overrides, chain.head())[0].returned == word(7)
    assert chain.balances_wei([NOBODY], chain.head()) == [0]


def test_a_sender_needs_no_ether_for_gas(world: World, chain: RpcChain) -> None:
    usdc = world.contracts.tokens[USDC]
    read = SimulatedCall(NOBODY, usdc, 0, erc20.read_balance(usdc, NOBODY).data)
    assert all(result.success for result in chain.simulate([read] * 30, {}, chain.head()))


def test_a_reverting_call_gives_its_bytes_and_stops_nobody(world: World, chain: RpcChain) -> None:
    usdc = world.contracts.tokens[USDC]
    calls = [
        SimulatedCall(NOBODY, STRANGER.address, 0, b""),
        SimulatedCall(STRANGER.address, usdc, 0, erc20.encode_transfer(BOB.address, 1)),
        SimulatedCall(NOBODY, ALICE.address, 0, b""),
        SimulatedCall(world.contracts.safe, usdc, 0, erc20.encode_transfer(BOB.address, 1)),
    ]
    overrides = {STRANGER.address: Override({}, code=REFUSER), ALICE.address: Override({}, code=BURNER)}
    refused, short, burnt, paid = chain.simulate(calls, overrides, chain.head())
    assert [r.success for r in (refused, short, burnt, paid)] == [False, False, False, True]
    assert refused.returned == bytes.fromhex("deadbeef")
    assert short.returned[:4] == bytes.fromhex("08c379a0")
    assert burnt.returned == b""
    assert all(r.error for r in (refused, short, burnt))
    assert not paid.error


def test_gas_used_is_that_of_the_mined_transaction(world: World, chain: RpcChain) -> None:
    transfer = SimulatedCall(
        world.contracts.safe, world.contracts.tokens[USDC], 0, erc20.encode_transfer(BOB.address, 5)
    )
    (simulated,) = chain.simulate([transfer], {}, chain.head())
    assert simulated.gas_used == world.send_as(transfer.sender, transfer.to, transfer.data).gas_used


def test_value_beyond_the_senders_balance_is_refused_not_imagined(world: World, chain: RpcChain) -> None:
    with pytest.raises(NodeRefused, match="eth_simulateV1"):
        chain.simulate([SimulatedCall(NOBODY, ALICE.address, 1, b"")], {}, chain.head())


def test_a_caught_inner_revert_moves_nothing_though_the_call_succeeds(world: World, chain: RpcChain) -> None:
    """The Safe catches a failing batch when `safeTxGas` is set: status 1, and with traced transfers the node even logs
    the ether of the batch's first leg. Only balance reads tell the truth."""
    legs = [
        Call(world.account, ALICE.address, 10**18, b""),
        Call(world.account, world.contracts.tokens[USDC], 0, erc20.encode_transfer(BOB.address, 10**30)),
    ]
    signature = prevalidated(GUARDIANS[0].address).signature
    batch = encode_multisend(legs)
    exec_data = encode_call(
        EXEC, world.contracts.multisend, 0, batch, Operation.DELEGATECALL, 1, 0, 0, NATIVE, NATIVE, signature
    )
    look = SimulatedCall(NOBODY, NOBODY, 0, encode_arguments(["address"], [ALICE.address]))
    overrides = {
        world.contracts.safe: Override({THRESHOLD_SLOT: word(1)}),
        NOBODY: Override({}, code=BALANCE),
    }
    entry = SimulatedCall(GUARDIANS[0].address, world.contracts.safe, 0, exec_data)
    before, caught, after = chain.simulate([look, entry, look], overrides, chain.head())
    assert caught.success
    assert caught.returned == word(0)
    assert before.returned == after.returned
    assert not hasattr(caught, "logs")


def test_no_calls_ask_nothing() -> None:
    chain = RpcChain("http://127.0.0.1:1")
    assert chain.simulate([], {}, None) == []  # type: ignore[arg-type]


OK = {"status": "0x1", "returnData": "0x", "gasUsed": "0x1"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        [{"calls": []}],
        [{"calls": [OK, OK]}],
        [{"calls": [OK]}, {"calls": [OK]}],
        [{"calls": [OK | {"status": None}]}],
        [{"calls": [OK | {"error": {"code": 3, "message": "reverted"}}]}],
        [{"calls": [{"status": "0x1", "returnData": "0x"}]}],
        [{"calls": [OK | {"returnData": "0xzz"}]}],
    ],
)
def test_an_answer_of_another_shape_is_no_rehearsal(answer: object) -> None:
    with pytest.raises(NodeRefused, match="its answer cannot be read; use another node"):
        parse_simulation(answer, expected=1)


def test_revert_bytes_are_found_where_geth_puts_them() -> None:
    call = {"status": "0x0", "returnData": "0x", "gasUsed": "0x5", "error": {"message": "reverted", "data": "0xdead"}}
    (result,) = parse_simulation([{"calls": [call]}], expected=1)
    assert (result.success, result.returned, result.error) == (False, b"\xde\xad", "reverted")
