"""From values to stored rows, and back to what was signed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from guardians.server.bodies import ProposalBody
from guardians.server.store import Row
from strongroom.model import NATIVE
from strongroom.wallet.signatures import Signable, Signed, safe_signable


def iso(timestamp: int) -> str:
    """Unix seconds as ISO 8601 in UTC, the form of every date the service shows and compares."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message_of(body: ProposalBody) -> dict[str, Any]:
    """The proposal under its EIP-712 names."""
    return {
        "to": body.to,
        "value": body.value,
        "data": body.data or b"",
        "operation": body.operation,
        "safeTxGas": body.safe_tx_gas,
        "baseGas": body.base_gas,
        "gasPrice": body.gas_price,
        "gasToken": body.gas_token or NATIVE,
        "refundReceiver": body.refund_receiver or NATIVE,
        "nonce": body.nonce,
    }


def transaction_row(safe: str, safe_tx_hash: str, message: dict[str, Any], moment: str) -> Row:
    """A transaction as stored, trusted and without proposer: as one that is only known from the chain."""
    return {
        "safe_tx_hash": safe_tx_hash,
        "safe": safe,
        "to": message["to"],
        "value": str(message["value"]),
        "data": message["data"],
        "operation": message["operation"],
        "safe_tx_gas": str(message["safeTxGas"]),
        "base_gas": str(message["baseGas"]),
        "gas_price": str(message["gasPrice"]),
        "gas_token": message["gasToken"],
        "refund_receiver": message["refundReceiver"],
        "nonce": message["nonce"],
        "origin": "{}",
        "proposer": None,
        "proposed_by_delegate": None,
        "trusted": 1,
        "created": moment,
        "modified": moment,
    }


def confirmation_row(safe_tx_hash: str, signed: Signed, moment: str) -> Row:
    return {
        "safe_tx_hash": safe_tx_hash,
        "owner": signed.owner,
        "signature": signed.signature,
        "kind": signed.kind,
        "created": moment,
    }


def signable_of(chain_id: int, row: Row) -> Signable:
    """What the owners of the stored transaction's Safe sign."""
    message = {
        "to": row["to"],
        "value": int(row["value"]),
        "data": row["data"],
        "operation": row["operation"],
        "safeTxGas": int(row["safe_tx_gas"]),
        "baseGas": int(row["base_gas"]),
        "gasPrice": int(row["gas_price"]),
        "gasToken": row["gas_token"],
        "refundReceiver": row["refund_receiver"],
        "nonce": row["nonce"],
    }
    return safe_signable(chain_id, row["safe"], message)
