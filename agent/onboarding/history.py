"""What a Safe has moved, read from event logs: which tokens it met, and whom it paid.

Anybody can emit a Transfer event that names the Safe, in a worthless token or with an amount of zero, to plant an
address that looks like a real payee's. So a payment counts only inside a transaction which the Safe itself executed.
Sources: EIP-20; safe-smart-account `Safe.sol`, `SafeL2.sol`, `ModuleManager.sol`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import keccak, to_address
from strongroom.chain.logs import read_logs
from strongroom.chain.transport import Transport
from strongroom.model import NATIVE, Account, Address, Block, Call, Operation
from strongroom.protocols import safe
from strongroom.protocols.abi import decode_values
from strongroom.protocols.multisend import decode_multisend
from strongroom.protocols.nft import TRANSFER

_MULTISIG_TRANSACTION = (
    "SafeMultiSigTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes,bytes)"
)
_BY_MODULE = "ExecutionFromModuleSuccess(address)"
_MOST_REQUESTS = 200
_MOST_EXECUTIONS = 1_000


@dataclass(frozen=True, slots=True)
class Payment:
    """Value that left the Safe by its own transaction; the token is the zero address for the coin."""

    token: Address
    recipient: Address
    units: int


@dataclass(frozen=True, slots=True)
class History:
    """Tokens whose logs name the Safe, in order of appearance, and payments, oldest first. Blocks before
    `first_block` were not looked at; `complete` is false where the node would have had to be asked too often."""

    tokens: tuple[Address, ...]
    payments: tuple[Payment, ...]
    first_block: int
    complete: bool


def read_history(node: Transport, account: Account, since: int, block: Block) -> History:
    """The Safe's history from time `since` to `block`. Raises `NodeUnreachable` or `NodeRefused`."""
    first, most = first_block_since(node, since, block), _MOST_REQUESTS
    word = topic_of(account.safe)
    sent, first_sent = read_logs(node, {"topics": [TRANSFER, word]}, first, block, most)
    got, first_got = read_logs(node, {"topics": [TRANSFER, None, word]}, first, block, most)
    own, first_own = read_logs(node, {"address": account.safe, "topics": [_own_topics()]}, first, block, most)
    executed = dict.fromkeys(log["transactionHash"] for log in own if log["topics"][0] != _L2)
    moved = [log for log in sent if log["transactionHash"] in executed]
    payments = [*map(_payment, filter(_is_erc20, moved)), *_coin_payments(node, account, own, executed)]
    return History(
        tokens=tuple(dict.fromkeys(to_address(log["address"]) for log in (*sent, *got) if _is_erc20(log))),
        payments=tuple(payment for payment in payments if payment.units > 0 and payment.recipient != account.safe),
        first_block=(oldest := max(first_sent, first_got, first_own)),
        complete=oldest == first,
    )


def _topic(event: str) -> str:
    return "0x" + keccak(event.encode()).hex()


_L2 = _topic(_MULTISIG_TRANSACTION)


def _own_topics() -> list[str]:
    return [_topic(safe.EXECUTION_SUCCESS), _topic(_BY_MODULE), _L2]


def topic_of(address: Address) -> str:
    """An address as an indexed argument of an event."""
    return "0x" + address[2:].lower().rjust(64, "0")


def first_block_since(node: Transport, since: int, block: Block) -> int:
    """The lowest block number whose time is >= `since`, by bisection."""
    low, high = 0, block.number
    while low < high:
        middle = (low + high) // 2
        header = node.ask("eth_getBlockByNumber", hex(middle), False)
        # A node without old headers: what it has is what can be read.
        early = header is None or int(header["timestamp"], 16) < since
        low, high = (middle + 1, high) if early else (low, middle)
    return low


def _is_erc20(log: Mapping[str, Any]) -> bool:
    return len(log["topics"]) == 3 and len(log["data"]) == 2 + 64


def _payment(log: Mapping[str, Any]) -> Payment:
    return Payment(to_address(log["address"]), to_address("0x" + log["topics"][2][-40:]), int(log["data"], 16))


def _coin_payments(
    node: Transport, account: Account, own: Sequence[Mapping[str, Any]], executed: Collection[str]
) -> list[Payment]:
    """Payments of the coin, which leave no log of their own: from a SafeL2's event, else from the transaction's input.
    One that reached an older Safe through a relay shows in neither and is missed."""
    events = [log for log in own if log["topics"][0] == _L2]
    calls = [call for log in events if log["transactionHash"] in executed for call in _from_event(account, log)]
    told = {log["transactionHash"] for log in events}
    silent = [tx_hash for tx_hash in executed if tx_hash not in told][-_MOST_EXECUTIONS:]
    answers = node.ask_all([("eth_getTransactionByHash", (tx_hash,)) for tx_hash in silent])
    calls += [call for answer in answers for call in _from_input(account, answer)]
    return [Payment(NATIVE, call.to, call.value_wei) for call in calls]


def _from_event(account: Account, log: Mapping[str, Any]) -> tuple[Call, ...]:
    kinds = _MULTISIG_TRANSACTION[_MULTISIG_TRANSACTION.index("(") + 1 : -1].split(",")
    try:
        to, value, data, operation, *_ = decode_values(kinds, bytes.fromhex(log["data"][2:]))
    except ValueError:
        return ()
    return _calls(account, to, value, data, operation)


def _from_input(account: Account, transaction: Mapping[str, Any] | None) -> tuple[Call, ...]:
    if transaction is None or to_address(transaction.get("to") or NATIVE) != account.safe:
        return ()
    try:
        tx = safe.decode_exec(account, 0, bytes.fromhex(transaction["input"][2:]))
    except ValueError:
        return ()
    return _calls(account, tx.to, tx.value_wei, tx.data, tx.operation)


def _calls(account: Account, to: Address, value: int, data: bytes, operation: int) -> tuple[Call, ...]:
    if operation == Operation.CALL:
        return (Call(account, to, value, data),)
    try:
        return decode_multisend(account, data)
    except ValueError:
        return ()


def recipients(payments: Iterable[Payment]) -> tuple[Address, ...]:
    """Who was paid, the most often paid first."""
    times: dict[Address, int] = {}
    for payment in payments:
        times[payment.recipient] = times.get(payment.recipient, 0) + 1
    return tuple(sorted(times, key=lambda recipient: -times[recipient]))


def largest_by_token(payments: Iterable[Payment], recipient: Address) -> dict[Address, int]:
    """The largest payment to `recipient` by token."""
    largest: dict[Address, int] = {}
    for payment in payments:
        if payment.recipient == recipient:
            largest[payment.token] = max(largest.get(payment.token, 0), payment.units)
    return largest
