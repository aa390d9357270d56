"""A node without `eth_simulateV1` that traces gives the same results, or says that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import Address
from strongroom.ports import Frame, Override, SimulatedCall
from strongroom.protocols import erc20
from strongroom.protocols.abi import encode_call
from strongroom.world.people import ALICE, BOB, STRANGER
from strongroom.world.treasury import TREASURY, USDC, WETH
from strongroom.world.world import World
from tests.chain.partial_node import PartialNode

NOBODY = Address("0x00000000000000000000000000000000000000Aa")
AT = Address("0x00000000000000000000000000000000000000bB")
CLOCK = bytes.fromhex("425f52436020526040" + "5ff3")
BURNER = bytes.fromhex("5b600056")
MOTHER = bytes.fromhex("63" + "60015ff3" + "5f52" + "6004601c5f" + "f0" + "5f52" + "60205ff3")
"""Runtime code that creates a contract and answers with its address: another one each time."""


@pytest.fixture
def partial(world: World) -> Iterator[PartialNode]:
    with PartialNode(world.url, ("eth_simulateV1",)) as node:
        yield node


@pytest.fixture
def without(partial: PartialNode) -> Iterator[RpcChain]:
    chain = RpcChain(partial.url)
    yield chain
    chain.close()


def call(to: Address, data: bytes = b"", value_wei: int = 0, sender: Address = ALICE.address) -> SimulatedCall:
    return SimulatedCall(sender, to, value_wei, data)


def agree(
    chain: RpcChain, without: RpcChain, calls: list[SimulatedCall], overrides: Mapping[Address, Override] | None = None
) -> list[Any]:
    """What both ways give, but for the node's own words."""
    block = chain.head()
    first, second = (
        [(each.success, each.returned, each.gas_used) for each in way.simulate(calls, overrides or {}, block)]
        for way in (chain, without)
    )
    assert first == second
    return first


steps = st.lists(
    st.tuples(st.sampled_from(["pay", "wrap", "unwrap", "approve", "read"]), st.integers(0, 3 * 10**18)), max_size=6
)


@given(steps)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_gives_the_same_by_traces(
    world: World, chain: RpcChain, without: RpcChain, taken: list[tuple[str, int]]
) -> None:
    """Each call sees what those before it did: also a balance that became zero, and ether that moved."""
    weth = world.contracts.tokens[WETH]
    made: dict[str, Callable[[int], SimulatedCall]] = {
        "pay": lambda units: call(weth, erc20.encode_transfer(BOB.address, units)),
        "wrap": lambda units: call(weth, encode_call("deposit()"), units),
        "unwrap": lambda units: call(weth, encode_call("withdraw(uint256)", units)),
        "approve": lambda units: call(weth, erc20.encode_approve(BOB.address, units)),
        "read": lambda _: call(weth, erc20.read_balance(weth, ALICE.address).data, sender=NOBODY),
    }
    assumed = {ALICE.address: Override({}, balance_wei=9 * 10**18)}
    calls = [each for name, units in taken for each in (made[name](units), made["read"](0))]
    agree(chain, without, calls, assumed)


def test_a_slot_that_became_zero_is_zero_afterwards(world: World, chain: RpcChain, without: RpcChain) -> None:
    safe, usdc = world.contracts.safe, world.contracts.tokens[USDC]
    everything = call(usdc, erc20.encode_transfer(BOB.address, TREASURY.holdings[USDC]), sender=safe)
    read = call(usdc, erc20.read_balance(usdc, safe).data)
    results = agree(chain, without, [read, everything, read])
    assert [int.from_bytes(results[place][1], "big") for place in (0, 2)] == [TREASURY.holdings[USDC], 0]


def test_what_a_call_created_is_there_and_the_next_gets_another_address(chain: RpcChain, without: RpcChain) -> None:
    calls = [call(AT), call(AT)]
    first, second = agree(chain, without, calls, {AT: Override({}, code=MOTHER)})
    assert first[1] != second[1]
    assert int.from_bytes(first[1], "big")


def test_the_block_stands_right_on_top_of_the_pinned_one(world: World, chain: RpcChain, without: RpcChain) -> None:
    old = chain.head()
    world.advance(5_000)
    for block in (old, chain.head()):
        (result,) = without.simulate([call(AT)], {AT: Override({}, code=CLOCK)}, block)
        assert result.returned == b"".join(v.to_bytes(32, "big") for v in (block.timestamp + 1, block.number + 1))


def test_a_call_that_burns_all_its_gas_is_a_failure_and_the_next_runs(chain: RpcChain, without: RpcChain) -> None:
    results = agree(chain, without, [call(AT), call(BOB.address)], {AT: Override({}, code=BURNER)})
    assert [success for success, *_ in results] == [False, True]


def test_calls_that_change_nothing_are_asked_for_at_once(world: World, partial: PartialNode, without: RpcChain) -> None:
    usdc = world.contracts.tokens[USDC]
    without.simulate([call(usdc, erc20.read_balance(usdc, BOB.address).data)] * 20, {}, without.head())
    assert partial.asked["debug_traceCall"] == 1 + 2 * 20


def test_a_node_that_neither_simulates_nor_traces_is_refused(world: World) -> None:
    with PartialNode(world.url, ("eth_simulateV1", "debug_traceCall")) as node:
        chain = RpcChain(node.url)
        with pytest.raises(NodeRefused, match="`debug_traceCall`: it does not offer this method; use a node that does"):
            chain.simulate([call(BOB.address)], {}, chain.head())
        assert chain.trace(call(BOB.address), {}, chain.head()) is None
        chain.close()


class Deaf(PartialNode):
    """Ignores what a trace assumes."""

    def answer(self, request: dict[str, Any]) -> Any:
        if request["method"] == "debug_traceCall":
            call, block, options = request["params"]
            plain = {key: value for key, value in options.items() if not key.endswith("Overrides")}
            request = {**request, "params": [call, block, plain]}
        return super().answer(request)


def test_a_node_that_ignores_what_is_assumed_is_not_believed(world: World) -> None:
    with Deaf(world.url, ("eth_simulateV1",)) as node:
        chain = RpcChain(node.url)
        with pytest.raises(NodeRefused, match="it ignores overrides; use a node that offers `eth_simulateV1`"):
            chain.simulate([call(BOB.address)], {}, chain.head())
        chain.close()


def test_a_node_that_simulates_is_not_asked_for_traces(world: World) -> None:
    with PartialNode(world.url, ()) as node:
        chain = RpcChain(node.url)
        chain.simulate([call(BOB.address)], {}, chain.head())
        chain.close()
        assert node.asked["debug_traceCall"] == 0


def test_a_trace_shows_calls_within_calls(world: World, chain: RpcChain) -> None:
    """Of the Safe's proxy: its whole answer comes from the singleton that it delegates to."""
    contracts = world.contracts
    frame = chain.trace(call(contracts.safe, encode_call("getThreshold()")), {}, chain.head())
    assert frame is not None
    (inner,) = frame.calls
    assert (frame.to, inner.to, inner.calls) == (contracts.safe, contracts.safe_singleton, ())
    assert frame.returned == inner.returned == (2).to_bytes(32, "big")


def test_a_trace_names_what_failed(world: World, chain: RpcChain) -> None:
    usdc = world.contracts.tokens[USDC]
    frame = chain.trace(call(usdc, erc20.encode_transfer(BOB.address, 1), sender=STRANGER.address), {}, chain.head())
    assert isinstance(frame, Frame)
    assert (frame.to, frame.error) == (usdc, "execution reverted")
    assert frame.returned.startswith(bytes.fromhex("08c379a0"))
