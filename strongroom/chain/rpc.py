"""`RpcChain`: the `Chain` port on any Ethereum JSON-RPC node. Reads are pinned by block *hash* (EIP-1898), so that a
reorganisation between two reads is an error and never a mixed picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.addresses import keccak, to_digest
from strongroom.chain.answers import NotOffered, Reverted, reading, to_block, to_bytes
from strongroom.chain.logs import parse_events
from strongroom.chain.simulate import parse_simulation, simulation_params
from strongroom.chain.traces import parse_trace, simulate_by_traces, trace_params
from strongroom.chain.transfers import parse_transfers, transfer_filter
from strongroom.chain.transport import Transport
from strongroom.errors import NodeRefused, WrongChain
from strongroom.model import Address, Block, Digest
from strongroom.ports import (
    FeeHistory,
    Frame,
    LoggedEvent,
    MinedTransaction,
    Override,
    Read,
    SimulatedCall,
    SimulatedResult,
    Transfer,
)

_NARROWEST_SPAN = 1_000
"""Blocks; a node that refuses event logs even over so few has another reason than the width."""

_ALREADY_SENT = ("already known", "already imported", "already_exists", "already in mempool", "nonce too low")


class RpcChain:
    """The real `Chain`. State is needed only as far back as the pinned block."""

    def __init__(self, url: str, timeout_seconds: float = 10.0) -> None:
        self._node = Transport(url, timeout_seconds)

    def close(self) -> None:
        """Closes the connections."""
        self._node.close()

    def chain_id(self) -> int:
        return self._quantity("eth_chainId")

    def head(self) -> Block:
        return to_block(self._header("eth_getBlockByNumber", "latest"))

    def numbered(self, number: int) -> Block:
        return to_block(self._header("eth_getBlockByNumber", hex(number)))

    def parent(self, block: Block) -> Block:
        header = self._header("eth_getBlockByHash", block.hash)
        with reading("eth_getBlockByHash"):
            parent_hash = header["parentHash"]
        return to_block(self._header("eth_getBlockByHash", parent_hash))

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        calls = [{"to": read.target, "data": _hex(read.data)} for read in reads]
        answers = self._node.ask_each([("eth_call", (each, _at(block))) for each in calls])
        return [_decoded(read, answer) for read, answer in zip(reads, answers, strict=True)]

    def balances_wei(self, holders: Sequence[Address], block: Block) -> list[int]:
        answers = self._node.ask_all([("eth_getBalance", (holder, _at(block))) for holder in holders])
        with reading("eth_getBalance"):
            return [int(answer, 16) for answer in answers]

    def storage(self, address: Address, slots: Sequence[int], block: Block) -> list[bytes]:
        answers = self._node.ask_all([("eth_getStorageAt", (address, hex(slot), _at(block))) for slot in slots])
        with reading("eth_getStorageAt"):
            return [int(answer, 16).to_bytes(32, "big") for answer in answers]

    def code(self, address: Address, block: Block) -> bytes:
        answer = self._node.ask("eth_getCode", address, _at(block))
        with reading("eth_getCode"):
            return to_bytes(answer)

    def base_fee_wei(self, block: Block) -> int:
        header = self._header("eth_getBlockByHash", block.hash)
        with reading("eth_getBlockByHash"):
            # A chain without EIP-1559 has none.
            return int(header.get("baseFeePerGas", "0x0"), 16)

    def fee_history(self, blocks: int, block: Block) -> FeeHistory:
        answer = self._node.ask("eth_feeHistory", hex(blocks), hex(block.number), [])
        with reading("eth_feeHistory"):
            fees = tuple(int(fee, 16) for fee in answer["baseFeePerGas"])
            return FeeHistory(fees, tuple(float(ratio) for ratio in answer["gasUsedRatio"]))

    def transfers_from(
        self, holder: Address, tokens: Sequence[Address], since: int, block: Block
    ) -> tuple[Transfer, ...]:
        # An empty address list would mean *every* contract to a node.
        if not tokens or since > block.timestamp:
            return ()
        logs = self._logs(transfer_filter(holder, tokens), self._first_block_since(since, block), block.number)
        self._require_canonical(block)
        with reading("eth_getLogs"):
            hashes = sorted({log["blockHash"] for log in logs})
        times = dict(zip(hashes, self._times(hashes), strict=True))
        with reading("eth_getLogs"):
            return parse_transfers(logs, times)

    def events(self, source: Address, kinds: Sequence[Digest], since: int, block: Block) -> tuple[LoggedEvent, ...]:
        # An empty topic list would mean *every* event to a node.
        if not kinds or since > block.timestamp:
            return ()
        wanted = {"address": source, "topics": [list(kinds)]}
        logs = self._logs(wanted, self._first_block_since(since, block), block.number)
        self._require_canonical(block)
        with reading("eth_getLogs"):
            return parse_events(logs)

    def simulate(
        self, calls: Sequence[SimulatedCall], overrides: Mapping[Address, Override], block: Block
    ) -> list[SimulatedResult]:
        if not calls:
            return []
        try:
            answer = self._node.ask("eth_simulateV1", simulation_params(calls, overrides, block), _at(block))
        except NotOffered:
            return simulate_by_traces(self._node.ask_all, calls, overrides, block)
        return parse_simulation(answer, len(calls))

    def trace(self, call: SimulatedCall, overrides: Mapping[Address, Override], block: Block) -> Frame | None:
        try:
            return parse_trace(self._node.ask("debug_traceCall", *trace_params(call, overrides, block)))
        except NodeRefused:
            # Few public nodes trace, and they refuse it in many ways.
            return None

    def nonce(self, sender: Address) -> int:
        return self._quantity("eth_getTransactionCount", sender, "pending")

    def send(self, raw: bytes) -> Digest:
        tx_hash = to_digest(keccak(raw))
        try:
            self._node.send("eth_sendRawTransaction", _hex(raw))
        except NodeRefused as refused:
            if not self._was_sent_before(tx_hash, str(refused).lower()):
                raise
        return tx_hash

    def transaction(self, tx_hash: Digest) -> MinedTransaction | None:
        receipt = self._node.ask("eth_getTransactionReceipt", tx_hash)
        with reading("eth_getTransactionReceipt"):
            if receipt is None or receipt["blockHash"] is None:
                return None
            success, gas_used = int(receipt["status"], 16) == 1, int(receipt["gasUsed"], 16)
        block = to_block(self._header("eth_getBlockByHash", receipt["blockHash"]))
        return MinedTransaction(tx_hash, block, success, gas_used)

    def _quantity(self, method: str, *params: Any) -> int:
        answer = self._node.ask(method, *params)
        with reading(method):
            return int(answer, 16)

    def _header(self, method: str, block: str) -> Any:
        header = self._node.ask(method, block, False)
        with reading(method):
            to_block(header)
        return header

    def _was_sent_before(self, tx_hash: Digest, why: str) -> bool:
        # "nonce too low" is also what another transaction at this nonce gives: the node must know this very hash.
        words = any(each in why for each in _ALREADY_SENT)
        return words and self._node.ask("eth_getTransactionByHash", tx_hash) is not None

    def _first_block_since(self, since: int, block: Block) -> int:
        """The lowest block number whose time is >= `since`, by bisection; block times never fall."""
        low, high = 0, block.number
        while low < high:
            middle = (low + high) // 2
            timestamp = to_block(self._header("eth_getBlockByNumber", hex(middle))).timestamp
            low, high = (low, middle) if timestamp >= since else (middle + 1, high)
        return low

    def _logs(self, wanted: Mapping[str, Any], first: int, last: int) -> list[dict[str, Any]]:
        """Event logs of a span; a node that refuses it is asked for each half."""
        try:
            answer = self._node.ask("eth_getLogs", {**wanted, "fromBlock": hex(first), "toBlock": hex(last)})
        except NodeRefused:
            if last - first < _NARROWEST_SPAN:
                raise
            middle = (first + last) // 2
            return self._logs(wanted, first, middle) + self._logs(wanted, middle + 1, last)
        with reading("eth_getLogs"):
            return list(answer)

    def _times(self, block_hashes: Sequence[str]) -> list[int]:
        headers = self._node.ask_all([("eth_getBlockByHash", (each, False)) for each in block_hashes])
        with reading("eth_getBlockByHash"):
            return [to_block(header).timestamp for header in headers]

    def _require_canonical(self, block: Block) -> None:
        # eth_getLogs takes a span by number only: after it, the number must still mean the pinned block.
        if to_block(self._header("eth_getBlockByNumber", hex(block.number))) != block:
            raise NodeRefused("eth_getLogs", f"block `{block.number}` was reorganised meanwhile; observe again")


def connect(url: str, chain_id: int) -> RpcChain:
    """A chain that is known to be the right one. Raises `WrongChain` for another, `NodeUnreachable` for none."""
    chain = RpcChain(url)
    try:
        if (found := chain.chain_id()) != chain_id:
            raise WrongChain(url, found, chain_id)
    except BaseException:
        chain.close()
        raise
    return chain


def _decoded(read: Read[Any], answer: Any) -> Any:
    if isinstance(answer, Reverted):
        return None
    if isinstance(answer, NodeRefused):
        raise answer
    with reading("eth_call"):
        returned = to_bytes(answer)
    try:
        return read.decode(returned)
    except ValueError:
        return None


def _at(block: Block) -> dict[str, str]:
    return {"blockHash": block.hash}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
