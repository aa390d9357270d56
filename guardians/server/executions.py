"""Executions of a Safe's transactions, read from the events it emits.

`ExecutionSuccess` and `ExecutionFailure` (every Safe) say that a transaction was executed; `SafeMultiSigTransaction`
(SafeL2 only) carries its fields and signatures. Source: safe-smart-account `Safe.sol`, `SafeL2.sol` 1.3.0 to 1.5.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from strongroom.addresses import keccak, to_address, to_digest
from strongroom.chain.transport import Transport
from strongroom.model import Address, Digest
from strongroom.protocols.abi import decode_values
from strongroom.protocols.safe import EXECUTION_FAILURE, EXECUTION_SUCCESS
from strongroom.wallet.signatures import safe_signable

SAFE_MULTISIG_TRANSACTION = (
    "SafeMultiSigTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes,bytes)"
)
_TOPICS = {
    "0x" + keccak(event.encode()).hex(): event
    for event in (EXECUTION_SUCCESS, EXECUTION_FAILURE, SAFE_MULTISIG_TRANSACTION)
}
_DETAIL_TYPES = SAFE_MULTISIG_TRANSACTION[SAFE_MULTISIG_TRANSACTION.index("(") + 1 : -1].split(",")
_NAMES = ["to", "value", "data", "operation", "safeTxGas", "baseGas", "gasPrice", "gasToken", "refundReceiver"]


@dataclass(frozen=True, slots=True)
class Detail:
    """The executed transaction's fields under their EIP-712 names, and the signatures it was executed with."""

    message: dict[str, Any]
    signatures: bytes


@dataclass(frozen=True, slots=True)
class Execution:
    safe_tx_hash: Digest
    success: bool
    payment_units: int
    transaction_hash: Digest
    block_number: int
    timestamp: int
    executor: Address
    gas_used: int
    gas_price_wei: int
    detail: Detail | None


class Executions(Protocol):
    """Where executions are read from. Raises `NodeUnreachable` or `NodeRefused`."""

    def between(self, safe: Address, first_block: int, last_block: int) -> tuple[Execution, ...]:
        """Executions of the Safe's transactions in these blocks, both included, in chain order."""

    def block_hash(self, number: int) -> Digest | None:
        """Hash of the block at this height on the node's chain, or `None` above its head."""


@dataclass(frozen=True, slots=True)
class NodeExecutions:
    """Executions from a node's JSON-RPC."""

    node: Transport
    chain_id: int

    def between(self, safe: Address, first_block: int, last_block: int) -> tuple[Execution, ...]:
        span = {"fromBlock": hex(first_block), "toBlock": hex(last_block)}
        logs = self.node.ask("eth_getLogs", {"address": safe, "topics": [list(_TOPICS)], **span})
        details = dict(self._detail(safe, log) for log in logs if _event(log) == SAFE_MULTISIG_TRANSACTION)
        ended = [log for log in logs if _event(log) != SAFE_MULTISIG_TRANSACTION]
        return tuple(self._execution(log, details) for log in ended)

    def block_hash(self, number: int) -> Digest | None:
        block = self.node.ask("eth_getBlockByNumber", hex(number), False)
        return Digest(block["hash"]) if block else None

    def _execution(self, log: dict[str, Any], details: dict[Digest, Detail]) -> Execution:
        safe_tx_hash, payment = _outcome(log)
        receipt = self.node.ask("eth_getTransactionReceipt", log["transactionHash"])
        block = self.node.ask("eth_getBlockByHash", log["blockHash"], False)
        return Execution(
            safe_tx_hash=safe_tx_hash,
            success=_event(log) == EXECUTION_SUCCESS,
            payment_units=payment,
            transaction_hash=Digest(log["transactionHash"]),
            block_number=int(log["blockNumber"], 16),
            timestamp=int(block["timestamp"], 16),
            executor=to_address(receipt["from"]),
            gas_used=int(receipt["gasUsed"], 16),
            gas_price_wei=int(receipt.get("effectiveGasPrice", "0x0"), 16),
            detail=details.get(safe_tx_hash),
        )

    def _detail(self, safe: Address, log: dict[str, Any]) -> tuple[Digest, Detail]:
        *fields, signatures, more = decode_values(_DETAIL_TYPES, _data(log))
        nonce, *_ = decode_values(["uint256", "address", "uint256"], more)
        message = {**dict(zip(_NAMES, fields, strict=True)), "nonce": nonce}
        return to_digest(safe_signable(self.chain_id, safe, message).digest), Detail(message, signatures)


def _event(log: dict[str, Any]) -> str:
    return _TOPICS[log["topics"][0]]


def _data(log: dict[str, Any]) -> bytes:
    return bytes.fromhex(log["data"][2:])


def _outcome(log: dict[str, Any]) -> tuple[Digest, int]:
    """Hash and refund. Since 1.4.1 the hash is an indexed topic, before it was the first word of the data."""
    topics: Sequence[str] = log["topics"]
    words = b"".join(bytes.fromhex(topic[2:]) for topic in topics[1:]) + _data(log)
    return to_digest(words[:32]), int.from_bytes(words[32:64], "big")
