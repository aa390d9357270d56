"""The real adapter on a real node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.addresses import keccak
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Block, Digest
from strongroom.ports import Read
from strongroom.protocols import erc20
from strongroom.protocols.safe import THRESHOLD_SLOT
from strongroom.world.anvil import BASE_FEE_WEI, CHAIN_ID
from strongroom.world.people import AGENT, ALICE, BOB, STRANGER, Person
from strongroom.world.treasury import DAI, TREASURY, USDC, WETH
from strongroom.world.world import World
from tests.chain.faulty_node import FaultyNode

SHORT = {"max_examples": 10, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture
def scripted() -> Iterator[tuple[FaultyNode, RpcChain]]:
    node = FaultyNode()
    chain = RpcChain(node.url + "/scripted", timeout_seconds=2)
    yield node, chain
    chain.close()
    node.close()


def usdc_balance(world: World, holder: Address) -> Read[int]:
    return erc20.read_balance(world.contracts.tokens[USDC], holder)


def signed(person: Person, nonce: int, value_wei: int = 1, to: Address = STRANGER.address) -> bytes:
    from eth_account import Account

    fields = {"nonce": nonce, "to": to, "value": value_wei, "gas": 21_000, "chainId": CHAIN_ID, "type": 2}
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    return bytes(Account.sign_transaction(fields | fees, person.key).raw_transaction)


def test_the_chain_names_itself_and_its_newest_block(world: World, chain: RpcChain) -> None:
    assert chain.chain_id() == CHAIN_ID
    before = chain.head()
    world.advance(100)
    assert chain.head() == Block(before.number + 1, chain.head().hash, before.timestamp + 100)
    assert chain.parent(chain.head()) == before == chain.numbered(before.number)


@given(count=st.integers(0, 250), broken=st.sets(st.integers(0, 249), max_size=5))
@settings(**SHORT)
def test_reads_come_back_in_order_whatever_fails_among_them(
    world: World, chain: RpcChain, count: int, broken: set[int]
) -> None:
    """Every third read differs; a broken one gives `None` in its own place, across batch borders too."""
    holders = [world.contracts.safe, ALICE.address, NATIVE]
    held = TREASURY.holdings[USDC], 0, 0
    reverting = Read(world.contracts.safe, b"\xff\xff\xff\xff" * 9, int.from_bytes)
    reads = [reverting if i in broken else usdc_balance(world, holders[i % 3]) for i in range(count)]
    found = chain.read(reads, chain.head())
    assert found == [None if i in broken else held[i % 3] for i in range(count)]


def test_a_read_that_its_decoder_refuses_is_none(world: World, chain: RpcChain) -> None:
    def refuse(_: bytes) -> int:
        raise ValueError("no")

    good = usdc_balance(world, ALICE.address)
    assert chain.read([good, Read(good.target, good.data, refuse), good], chain.head()) == [0, None, 0]


def test_reads_stay_at_their_block_while_the_chain_goes_on(world: World, chain: RpcChain) -> None:
    block, safe = chain.head(), world.contracts.safe
    before = chain.read([usdc_balance(world, safe)], block), chain.balances_wei([safe], block)
    world.mint(USDC, safe, 1)
    world.set_balance(safe, 5)
    world.advance(1)
    assert (chain.read([usdc_balance(world, safe)], block), chain.balances_wei([safe], block)) == before
    assert chain.read([usdc_balance(world, safe)], chain.head()) == [before[0][0] + 1]


def test_a_block_that_is_not_on_the_chain_is_refused(world: World, chain: RpcChain) -> None:
    lost = Block(chain.head().number, Digest("0x" + "11" * 32), world.now())
    for ask in (
        lambda: chain.read([usdc_balance(world, ALICE.address)], lost),
        lambda: chain.balances_wei([ALICE.address], lost),
        lambda: chain.storage(world.contracts.safe, [4], lost),
        lambda: chain.code(world.contracts.safe, lost),
        lambda: chain.base_fee_wei(lost),
        lambda: chain.transfers_from(world.contracts.safe, [world.contracts.tokens[USDC]], 0, lost),
        lambda: chain.parent(lost),
        lambda: chain.numbered(lost.number + 1),
    ):
        with pytest.raises(NodeRefused):
            ask()


def test_storage_code_and_fee_are_read_raw(world: World, chain: RpcChain) -> None:
    block, safe = chain.head(), world.contracts.safe
    assert chain.storage(safe, [THRESHOLD_SLOT, 10**30], block) == [(2).to_bytes(32, "big"), bytes(32)]
    assert chain.code(ALICE.address, block) == b""
    assert len(chain.code(safe, block)) > 100
    world.advance(1)
    assert chain.base_fee_wei(chain.head()) == BASE_FEE_WEI


@pytest.fixture
def paid(world: World) -> list[int]:
    """Ten payments out of the Safe at uneven times, and others that are none of its own; the times."""
    times, usdc = [], world.contracts.tokens[USDC]
    for number in range(10):
        world.advance(1 + 997 * number)
        sent = world.send_as(world.contracts.safe, usdc, erc20.encode_transfer(BOB.address, number + 1))
        world.send_as(BOB.address, usdc, erc20.encode_transfer(ALICE.address, 1))
        world.mint(USDC, world.contracts.safe, 1)
        times.append(sent.block.timestamp)
    return times


@given(data=st.data())
@settings(**SHORT)
def test_transfers_since_a_time_are_all_and_only_those(
    paid: list[int], world: World, chain: RpcChain, data: st.DataObject
) -> None:
    """The boundary second itself counts."""
    nearby = st.sampled_from(paid).flatmap(lambda t: st.integers(t - 1, t + 1))
    since = data.draw(nearby | st.integers(0, paid[-1] + 10_000))
    contracts, head = world.contracts, chain.head()
    found = chain.transfers_from(contracts.safe, [contracts.tokens[USDC], contracts.tokens[DAI]], since, head)
    assert [(t.units, t.timestamp) for t in found] == [(n + 1, t) for n, t in enumerate(paid) if t >= since]
    assert {t.recipient for t in found} <= {BOB.address}
    assert {t.token for t in found} <= {contracts.tokens[USDC]}
    assert all(chain.transaction(t.tx_hash) is not None for t in found[:1])


def test_transfers_after_the_pinned_block_do_not_count(world: World, chain: RpcChain) -> None:
    block, usdc = chain.head(), world.contracts.tokens[USDC]
    world.send_as(world.contracts.safe, usdc, erc20.encode_transfer(BOB.address, 1))
    assert chain.transfers_from(world.contracts.safe, [usdc], 0, block) == ()
    assert len(chain.transfers_from(world.contracts.safe, [usdc], 0, chain.head())) == 1


def test_no_tokens_means_no_transfers_and_not_all(world: World, chain: RpcChain) -> None:
    world.send_as(world.contracts.safe, world.contracts.tokens[USDC], erc20.encode_transfer(BOB.address, 1))
    assert chain.transfers_from(world.contracts.safe, [], 0, chain.head()) == ()


def test_only_the_named_tokens_transfers_count(world: World, chain: RpcChain) -> None:
    for token in (USDC, DAI, WETH):
        world.send_as(world.contracts.safe, world.contracts.tokens[token], erc20.encode_transfer(BOB.address, 7))
    dai = world.contracts.tokens[DAI]
    found = chain.transfers_from(world.contracts.safe, [dai], 0, chain.head())
    assert [(t.token, t.units) for t in found] == [(dai, 7)]


def header(number: int) -> dict[str, str]:
    return {"number": hex(number), "hash": f"0x{number:064x}", "timestamp": hex(12 * number), "parentHash": "0x"}


def by_number(params: list[Any]) -> Mapping[str, Any]:
    return {"result": header(int(params[0], 16))}


def narrow_logs(widest: int, asked: list[int]) -> Callable[[list[Any]], Mapping[str, Any]]:
    """Answers one log every 1,000th block, and refuses spans wider than `widest`, as hosted nodes do."""

    def answer(params: list[Any]) -> Mapping[str, Any]:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        asked.append(last - first + 1)
        if last - first + 1 > widest:
            return {"error": {"code": -32005, "message": "block range too large"}}
        return {"result": [_log(n) for n in range(first, last + 1) if n % 1_000 == 0]}

    return answer


def _log(number: int) -> dict[str, Any]:
    topics = ["0x" + "dd" * 32, "0x" + "11" * 32, "0x" + "00" * 12 + ALICE.address[2:]]
    place = {"blockNumber": hex(number), "blockHash": header(number)["hash"], "logIndex": "0x0"}
    return {"address": BOB.address, "topics": topics, "data": f"0x{number:064x}", "transactionHash": "0x12", **place}


@given(widest=st.integers(1_000, 30_000), last=st.integers(0, 20_000), since=st.integers(0, 20_000))
@settings(**SHORT)
def test_a_narrow_minded_node_is_asked_in_parts(
    scripted: tuple[FaultyNode, RpcChain], widest: int, last: int, since: int
) -> None:
    node, chain = scripted
    node.results = {
        "eth_getBlockByNumber": by_number,
        "eth_getBlockByHash": by_number,
        "eth_getLogs": narrow_logs(widest, []),
    }
    head = header(last)
    block = Block(last, Digest(head["hash"]), 12 * last)
    found = chain.transfers_from(ALICE.address, [BOB.address], 12 * since, block)
    assert [t.units for t in found] == [n for n in range(0, last + 1, 1_000) if n >= since]
    assert all(t.timestamp == 12 * t.units for t in found)


def test_a_node_that_refuses_every_span_is_not_asked_for_ever(scripted: tuple[FaultyNode, RpcChain]) -> None:
    node, chain = scripted
    asked: list[int] = []
    node.results = {"eth_getBlockByNumber": by_number, "eth_getLogs": narrow_logs(0, asked)}
    with pytest.raises(NodeRefused, match="block range too large"):
        chain.transfers_from(ALICE.address, [BOB.address], 0, Block(10**6, Digest(header(10**6)["hash"]), 12 * 10**6))
    assert len(asked) < 20


def test_logs_of_another_branch_are_refused(scripted: tuple[FaultyNode, RpcChain]) -> None:
    """Event logs are asked for by number: the number must still mean the pinned block afterwards."""
    node, chain = scripted
    node.results = {"eth_getBlockByNumber": by_number, "eth_getLogs": []}
    with pytest.raises(NodeRefused, match="block `5` was reorganised meanwhile"):
        chain.transfers_from(ALICE.address, [BOB.address], 0, Block(5, Digest("0x" + "77" * 32), 60))


def test_an_nft_leaving_is_no_transfer_of_units(scripted: tuple[FaultyNode, RpcChain]) -> None:
    node, chain = scripted
    nft = _log(3) | {"data": "0x", "topics": [*_log(3)["topics"], "0x" + "00" * 32]}
    node.results = {
        "eth_getBlockByNumber": by_number,
        "eth_getBlockByHash": by_number,
        "eth_getLogs": [nft, _log(4)],
    }
    block = Block(5, Digest(header(5)["hash"]), 60)
    assert [t.units for t in chain.transfers_from(ALICE.address, [BOB.address], 0, block)] == [4]


def test_batched_answers_are_matched_by_their_numbers(scripted: tuple[FaultyNode, RpcChain]) -> None:
    """A node may answer a batch in any order; one that repeats or renumbers is refused."""
    node, chain = scripted
    node.results = {"eth_getBalance": lambda params: {"result": params[0]}}
    holders = [Address(f"0x{n:040x}") for n in range(1, 30)]
    block = Block(1, Digest("0x" + "00" * 32), 0)
    node.shuffle = lambda answers: answers[::-1]
    assert chain.balances_wei(holders, block) == list(range(1, 30))
    for damaged in (lambda a: [a[0], *a[:-1]], lambda a: a[:-1], lambda a: [a[0] | {"id": 0}, *a[1:]]):
        node.shuffle = damaged
        with pytest.raises(NodeRefused, match="were not answered one for one"):
            chain.balances_wei(holders, block)


def test_sending_the_same_bytes_again_gives_the_same_hash(world: World, chain: RpcChain) -> None:
    """Mined, the node says the nonce is used; pending, that it knows them. Both mean: sent."""
    raw = signed(AGENT, chain.nonce(AGENT.address))
    assert chain.send(raw) == chain.send(raw) == Digest("0x" + keccak(raw).hex())
    world.ask("evm_setAutomine", False)
    try:
        raw = signed(AGENT, chain.nonce(AGENT.address))
        assert chain.send(raw) == chain.send(raw)
        assert chain.transaction(chain.send(raw)) is None
    finally:
        world.ask("evm_setAutomine", True)
        world.ask("evm_mine")


def test_other_bytes_at_a_used_nonce_are_refused(world: World, chain: RpcChain) -> None:
    nonce = chain.nonce(AGENT.address)
    chain.send(signed(AGENT, nonce, value_wei=1))
    world.ask("evm_mine")
    with pytest.raises(NodeRefused, match="nonce too low"):
        chain.send(signed(AGENT, nonce, value_wei=2))


def test_a_transaction_without_money_for_gas_is_refused(world: World, chain: RpcChain) -> None:
    world.set_balance(AGENT.address, 10)
    with pytest.raises(NodeRefused, match="eth_sendRawTransaction"):
        chain.send(signed(AGENT, chain.nonce(AGENT.address)))


def test_the_next_nonce_counts_pending_transactions(world: World, chain: RpcChain) -> None:
    nonce = chain.nonce(AGENT.address)
    world.ask("evm_setAutomine", False)
    try:
        chain.send(signed(AGENT, nonce))
        assert chain.nonce(AGENT.address) == nonce + 1
    finally:
        world.ask("evm_setAutomine", True)
        world.ask("evm_mine")


def test_a_mined_transaction_tells_its_outcome_and_block(world: World, chain: RpcChain) -> None:
    assert chain.transaction(Digest("0x" + "99" * 32)) is None
    refused = world.send_as(STRANGER.address, world.contracts.tokens[USDC], erc20.encode_transfer(BOB.address, 1))
    mined = chain.transaction(refused.tx_hash)
    assert mined is not None
    assert (mined.success, mined.block, mined.tx_hash) == (False, chain.head(), refused.tx_hash)
    assert mined.gas_used > 21_000
