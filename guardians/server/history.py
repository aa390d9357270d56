"""Taking in executions from the chain, when somebody asks: there is no indexer to wait for or to fall behind."""

from __future__ import annotations

from guardians.server.executions import Detail, Execution
from guardians.server.rows import confirmation_row, iso, transaction_row
from guardians.server.service import Service
from guardians.server.store import Row
from strongroom.addresses import from_digest
from strongroom.model import Address, Digest
from strongroom.wallet.signatures import Signed, split_signatures


def execution_of(service: Service, safe: str, safe_tx_hash: str) -> Row | None:
    """The execution of one of the Safe's transactions, as far as the chain was followed."""
    rows = service.store.rows("executions", "safe = ? AND safe_tx_hash = ?", [safe, safe_tx_hash])
    return rows[0] if rows else None


def follow(service: Service, safe: str) -> None:
    """Take in what the Safe has executed since the last look. After a reorganization everything is read again."""
    seen = service.store.rows("safes", "safe = ?", [safe])
    head = service.chain.head()
    if not seen or seen[0]["block_hash"] == head.hash:
        return
    first = _intact(service, safe, seen[0]["block_number"], seen[0]["block_hash"]) + 1
    found = service.executions.between(Address(safe), first, head.number) if first <= head.number else ()
    with service.store.writing():
        for execution in found:
            _take_in(service, safe, execution)
        service.store.put("safes", {"safe": safe, "block_number": head.number, "block_hash": head.hash})


def _intact(service: Service, safe: str, number: int, block_hash: str) -> int:
    """The last block whose executions are known and still part of the chain."""
    if not block_hash or service.executions.block_hash(number) == block_hash:
        return number
    service.store.delete("executions", "safe = ?", [safe])
    return service.first_block - 1


def _take_in(service: Service, safe: str, execution: Execution) -> None:
    service.store.put(
        "executions",
        {
            "safe_tx_hash": execution.safe_tx_hash,
            "safe": safe,
            "success": execution.success,
            "payment": str(execution.payment_units),
            "transaction_hash": execution.transaction_hash,
            "block_number": execution.block_number,
            "timestamp": execution.timestamp,
            "executor": execution.executor,
            "gas_used": execution.gas_used,
            "gas_price": str(execution.gas_price_wei),
            "signatures": execution.detail.signatures if execution.detail else None,
        },
    )
    known = service.store.rows("transactions", "safe_tx_hash = ?", [execution.safe_tx_hash])
    if execution.detail is not None and not known:
        _take_in_unknown(service, safe, execution, execution.detail)


def _take_in_unknown(service: Service, safe: str, execution: Execution, detail: Detail) -> None:
    """A transaction that nobody proposed here, listed because the Safe has executed it."""
    moment = iso(execution.timestamp)
    service.store.add("transactions", transaction_row(safe, execution.safe_tx_hash, detail.message, moment))
    for signed in _signers(execution.safe_tx_hash, detail.signatures):
        service.store.add("confirmations", confirmation_row(execution.safe_tx_hash, signed, moment))


def _signers(safe_tx_hash: Digest, signatures: bytes) -> tuple[Signed, ...]:
    try:
        return split_signatures(signatures, from_digest(safe_tx_hash))
    except ValueError:
        return ()  # The Safe took them; a form we cannot split must not hide the execution.
