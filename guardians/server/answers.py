"""Stored transactions as JSON: v2 gives nonce and gas fields as strings, v1 as integers; empty data is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardians.server.decoder import decode_for
from guardians.server.rows import iso
from guardians.server.service import Service
from guardians.server.store import Row
from strongroom.model import Account, Address, SafeState
from strongroom.wallet.signatures import APPROVED_HASH, read_approved

_V1_INTEGERS = ("nonce", "safeTxGas", "baseGas")


@dataclass(frozen=True, slots=True)
class Context:
    """What the transactions of one Safe are shown with."""

    account: Account
    threshold: int
    executions: Mapping[str, Row]
    confirmations: Mapping[str, Sequence[Row]]
    approved: Mapping[str, Sequence[str]]


def shown(service: Service, safe: str, rows: Sequence[Row], version: int) -> list[dict[str, Any]]:
    """The rows of one Safe as JSON, with confirmations, approvals on chain and executions."""
    state = service.find_safe(safe)
    context = _context(service, safe, rows, state)
    return [_transaction(service, row, context, version) for row in rows]


def _context(service: Service, safe: str, rows: Sequence[Row], state: SafeState | None) -> Context:
    executions = {each["safe_tx_hash"]: each for each in service.store.rows("executions", "safe = ?", [safe])}
    confirmations = {row["safe_tx_hash"]: confirmations_of(service, row["safe_tx_hash"]) for row in rows}
    pending = [row["safe_tx_hash"] for row in rows if row["safe_tx_hash"] not in executions]
    owners = state.owners if state else ()
    return Context(
        account=Account(service.chain.chain_id(), Address(safe)),
        threshold=state.threshold if state else 0,
        executions=executions,
        confirmations=confirmations,
        approved=_approved(service, safe, owners, {each: confirmations[each] for each in pending}),
    )


def confirmations_of(service: Service, safe_tx_hash: str) -> list[Row]:
    return service.store.rows("confirmations", "safe_tx_hash = ?", [safe_tx_hash], "ORDER BY rowid")


def _approved(
    service: Service, safe: str, owners: Sequence[str], pending: Mapping[str, Sequence[Row]]
) -> dict[str, list[str]]:
    """Owners who have called `approveHash` for a pending transaction and have not signed it besides."""
    asked = [
        (each, owner) for each, rows in pending.items() for owner in owners if owner not in [r["owner"] for r in rows]
    ]
    reads = [read_approved(Address(safe), Address(owner), bytes.fromhex(each[2:])) for each, owner in asked]
    answers = service.chain.read(reads, service.chain.head()) if reads else []
    found: dict[str, list[str]] = {}
    for (each, owner), approved in zip(asked, answers, strict=True):
        if approved:
            found.setdefault(each, []).append(owner)
    return found


def _transaction(service: Service, row: Row, context: Context, version: int) -> dict[str, Any]:
    execution = context.executions.get(row["safe_tx_hash"])
    signed = [confirmation(each) for each in context.confirmations[row["safe_tx_hash"]]]
    approved = [_approval(owner, row["modified"]) for owner in context.approved.get(row["safe_tx_hash"], [])]
    answer = {
        **_fields(row),
        "dataDecoded": decode_for(context.account, row["to"], row["operation"], row["data"], service.batchers),
        **_outcome(execution),
        "confirmationsRequired": context.threshold,
        "confirmations": signed + approved,
        "trusted": bool(row["trusted"]),
    }
    if version == 1:
        answer.update({name: int(answer[name]) for name in _V1_INTEGERS})
    return answer


def _fields(row: Row) -> dict[str, Any]:
    return {
        "safe": row["safe"],
        "to": row["to"],
        "value": row["value"],
        "data": hex_or_none(row["data"]),
        "operation": row["operation"],
        "gasToken": row["gas_token"],
        "safeTxGas": row["safe_tx_gas"],
        "baseGas": row["base_gas"],
        "gasPrice": row["gas_price"],
        "refundReceiver": row["refund_receiver"],
        "nonce": str(row["nonce"]),
        "safeTxHash": row["safe_tx_hash"],
        "submissionDate": row["created"],
        "modified": row["modified"],
        "proposer": row["proposer"],
        "proposedByDelegate": row["proposed_by_delegate"],
        "origin": row["origin"],
    }


def _outcome(execution: Row | None) -> dict[str, Any]:
    """What is known once executed; before, every field but `isExecuted` is null."""
    done: Row = execution or {}
    fee = str(done["gas_used"] * int(done["gas_price"])) if done else None
    return {
        "isExecuted": bool(done),
        "isSuccessful": bool(done["success"]) if done else None,
        "transactionHash": done.get("transaction_hash"),
        "blockNumber": done.get("block_number"),
        "executionDate": iso(done["timestamp"]) if done else None,
        "executor": done.get("executor"),
        "gasUsed": done.get("gas_used"),
        "ethGasPrice": done.get("gas_price"),
        "maxFeePerGas": None,
        "maxPriorityFeePerGas": None,
        "fee": fee,
        "payment": done.get("payment"),
        "signatures": hex_or_none(done.get("signatures")),
    }


def confirmation(row: Row) -> dict[str, Any]:
    """A stored confirmation as JSON."""
    return {
        "owner": row["owner"],
        "submissionDate": row["created"],
        "transactionHash": None,
        "signature": "0x" + row["signature"].hex(),
        "signatureType": row["kind"],
    }


def _approval(owner: str, moment: str) -> dict[str, Any]:
    signature = bytes(12) + bytes.fromhex(owner[2:]) + bytes(32) + b"\x01"
    return confirmation({"owner": owner, "created": moment, "signature": signature, "kind": APPROVED_HASH})


def hex_or_none(data: bytes | None) -> str | None:
    return "0x" + data.hex() if data else None


def safe_info(safe: str, state: SafeState) -> dict[str, Any]:
    """A Safe as JSON."""
    return {
        "address": safe,
        "nonce": str(state.nonce),
        "threshold": state.threshold,
        "owners": list(state.owners),
        "masterCopy": state.singleton,
        "modules": list(state.modules),
        "fallbackHandler": state.fallback_handler,
        "guard": state.guard,
        "moduleGuard": "0x" + "0" * 40,
        "version": state.version,
    }
