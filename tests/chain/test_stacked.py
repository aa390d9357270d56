"""A node without `eth_simulateV1` gives the same results by one `eth_call`, or says that it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.chain.rpc import RpcChain
from strongroom.chain.stacked import program
from strongroom.errors import NodeRefused
from strongroom.model import Address
from strongroom.ports import Override, SimulatedCall
from strongroom.protocols import erc20
from strongroom.world.people import ALICE, BOB
from strongroom.world.treasury import USDC
from strongroom.world.world import World
from tests.chain.partial_node import PartialNode

ROOT = Path(__file__).parents[2]
NOBODY = Address("0x00000000000000000000000000000000000000Aa")
WITNESS = bytes.fromhex("425f52436020523360405232606052" + "60805ff3")
"""Runtime code that returns the block's time and number, its caller and the origin."""
REFUSER = bytes.fromhex("63deadbeef60e01b6000526004" + "6000fd")
BURNER = bytes.fromhex("5b600056")
AT = Address("0x00000000000000000000000000000000000000bB")


@pytest.fixture
def partial(world: World) -> Iterator[PartialNode]:
    with PartialNode(world.url, ("eth_simulateV1",)) as node:
        yield node


@pytest.fixture
def without(partial: PartialNode) -> Iterator[RpcChain]:
    chain = RpcChain(partial.url)
    yield chain
    chain.close()


def called(to: Address, data: bytes = b"", sender: Address = ALICE.address, value_wei: int = 0) -> SimulatedCall:
    return SimulatedCall(sender, to, value_wei, data)


def both(chain: RpcChain, without: RpcChain, calls: list[SimulatedCall], overrides: Any = None) -> list[Any]:
    """What both ways give, gas and the node's own words aside; they must agree."""
    ways = [each.simulate(calls, overrides or {}, chain.head()) for each in (chain, without)]
    first, second = ([(result.success, result.returned) for result in way] for way in ways)
    assert first == second
    return first


def test_the_program_is_what_the_contract_compiles_to() -> None:
    built = json.loads((ROOT / "contracts/out/BatchCaller.sol/BatchCaller.json").read_text())
    assert program().hex() == built["deployedBytecode"]["object"].removeprefix("0x")


def test_each_call_sees_what_those_before_it_did(world: World, chain: RpcChain, without: RpcChain) -> None:
    usdc = world.contracts.tokens[USDC]
    world.mint(USDC, ALICE.address, 10)
    read = called(usdc, erc20.read_balance(usdc, BOB.address).data, NOBODY)
    pay = called(usdc, erc20.encode_transfer(BOB.address, 7))
    results = both(chain, without, [read, pay, read, pay, read])
    assert [success for success, _ in results] == [True, True, True, False, True]
    assert [int.from_bytes(results[place][1], "big") for place in (0, 2, 4)] == [0, 7, 7]


def test_each_contract_sees_its_caller_and_the_next_block(world: World, chain: RpcChain, without: RpcChain) -> None:
    calls = [called(AT, sender=NOBODY), called(AT), called(AT, sender=NOBODY)]
    seen = both(chain, without, [calls[1]], {AT: Override({}, code=WITNESS)})[0][1]
    stacked = without.simulate(calls, {AT: Override({}, code=WITNESS)}, chain.head())
    assert stacked[1].returned == seen
    assert seen[64:].hex() == ALICE.address[2:].lower().rjust(64, "0") * 2
    # Those who only look share the actor's transaction.
    assert stacked[0].returned[64:].hex() == (NOBODY[2:].lower() + ALICE.address[2:].lower().rjust(64, "0")).rjust(
        128, "0"
    )


def test_ether_comes_out_of_the_senders_own_purse(world: World, chain: RpcChain, without: RpcChain) -> None:
    world.set_balance(ALICE.address, 10**18)
    sent, too_much = called(BOB.address, value_wei=10**17), called(BOB.address, value_wei=10**19)
    assert [success for success, _ in both(chain, without, [sent])] == [True]
    assert not without.simulate([too_much], {}, chain.head())[0].success


def test_revert_bytes_and_a_call_that_burns_all_its_gas(world: World, chain: RpcChain, without: RpcChain) -> None:
    burner = Address("0x00000000000000000000000000000000000000cC")
    overrides = {AT: Override({}, code=REFUSER), burner: Override({}, code=BURNER)}
    usdc = world.contracts.tokens[USDC]
    read = called(usdc, erc20.read_balance(usdc, BOB.address).data, NOBODY)
    calls = [read, called(burner), read, read, called(AT), read]
    results = both(chain, without, calls, overrides)
    assert [success for success, _ in results] == [True, False, True, True, False, True]
    assert results[4][1].hex() == "deadbeef"


def test_gas_of_the_actor_is_enough_for_the_real_transaction(world: World, without: RpcChain) -> None:
    usdc, data = world.contracts.tokens[USDC], erc20.encode_transfer(BOB.address, 7)
    world.mint(USDC, ALICE.address, 10)
    read = called(usdc, erc20.read_balance(usdc, BOB.address).data, NOBODY)
    estimated = without.simulate([read, called(usdc, data), read], {}, without.head())[1].gas_used
    used = world.send_as(ALICE.address, usdc, data).gas_used
    assert used <= estimated <= used * 1.2


def test_a_sender_with_code_of_its_own_is_refused(world: World, without: RpcChain) -> None:
    with pytest.raises(NodeRefused, match="a sender has code; use a node that offers it"):
        without.simulate([called(BOB.address, sender=world.account.safe)], {}, without.head())


class Forgetful(PartialNode):
    """Forgets the parameters of `eth_call` from the `kept`th on: some nodes know no overrides."""

    kept = 4

    def answer(self, request: dict[str, Any]) -> Any:
        if request["method"] == "eth_call":
            request = {**request, "params": request["params"][: self.kept]}
        return super().answer(request)


@pytest.mark.parametrize(
    ("kept", "why"), [(2, "its answer cannot be read"), (3, "ignores the block's number and time")]
)
def test_a_node_that_ignores_what_is_assumed_is_not_believed(world: World, kept: int, why: str) -> None:
    with Forgetful(world.url, ("eth_simulateV1",)) as node:
        node.kept = kept
        chain = RpcChain(node.url)
        with pytest.raises(NodeRefused, match=why):
            chain.simulate([called(BOB.address)], {}, chain.head())
        chain.close()


def test_it_is_not_asked_of_a_node_that_simulates(world: World, chain: RpcChain) -> None:
    with PartialNode(world.url, ()) as node:
        reached = RpcChain(node.url)
        reached.simulate([called(BOB.address)], {}, chain.head())
        reached.close()
        assert node.asked == {"eth_simulateV1": 1}
