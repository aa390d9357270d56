"""Exactly once: each recorded intent's transaction is signed one time, kept, and only ever those same bytes are sent.

The same action may be intended again, as the next month's payroll is: what counts is the tx.intent entry, not the
action's hash alone. The outbox row is durable before the first broadcast. After a crash the row decides: no row,
nothing was ever sent and signing again is safe; a row, its bytes are sent again and mean the same transaction,
whatever had happened to it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.addresses import keccak, to_digest
from strongroom.model import Account, Address, Digest, LedgerReceipt
from strongroom.ports import Chain, MinedTransaction, Signer

_SCHEMA = """create table if not exists outbox (
    binding text not null, intent integer not null, tx_hash text not null unique, nonce integer not null,
    raw blob not null, primary key (binding, intent))"""
# Gas used is counted after refunds, at most a fifth of it, and a rehearsal checks no owner signature: about 3,000 each.
_GAS_MARGIN = (3, 2)
_PRIORITY_FEE_WEI = 1_000_000_000
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call to send from the agent's account for one action; `gas` is what its rehearsal used."""

    account: Account
    binding: Digest
    to: Address
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A signed transaction in the outbox; `intent` is the ledger index of its tx.intent."""

    binding: Digest
    intent: int
    tx_hash: Digest
    nonce: int
    raw: bytes


class Outbox:
    """Signed transactions by the intent they carry out. Every write is synced before it returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.execute(_SCHEMA)

    def find(self, binding: Digest, intent: int) -> Sent | None:
        """What was signed for this intent."""
        query = "select * from outbox where binding = ? and intent = ?"
        row = self._db.execute(query, [binding, intent]).fetchone()
        return Sent(*row) if row else None

    def kept(self, tx_hash: Digest) -> Sent | None:
        """The signed transaction of this hash."""
        row = self._db.execute("select * from outbox where tx_hash = ?", [tx_hash]).fetchone()
        return Sent(*row) if row else None

    def keep(self, sent: Sent) -> None:
        values = [sent.binding, sent.intent, sent.tx_hash, sent.nonce, sent.raw]
        self._db.execute("insert into outbox values (?, ?, ?, ?, ?)", values)

    def close(self) -> None:
        self._db.close()


class Executor:
    """Sends one transaction per recorded intent from the agent's own account."""

    def __init__(self, chain: Chain, signer: Signer, outbox: Outbox) -> None:
        self._chain, self._signer, self._outbox = chain, signer, outbox

    def sign_once(self, outgoing: Outgoing, receipt: LedgerReceipt) -> Sent:
        """The signed transaction for this intent: the kept one, or a new one, kept before this returns. Raises
        `NotRecorded` without a durable intent."""
        kept = self._outbox.find(outgoing.binding, receipt.index)
        if kept:
            return kept
        transaction = self._transaction(outgoing)
        raw = self._signer.sign_transaction(transaction, outgoing.binding, receipt)
        sent = Sent(outgoing.binding, receipt.index, to_digest(keccak(raw)), int(transaction["nonce"]), raw)
        self._outbox.keep(sent)
        return sent

    def broadcast(self, sent: Sent) -> None:
        """Sends the kept bytes; again is no error."""
        self._chain.send(sent.raw)

    def await_mined(self, tx_hash: Digest, timeout_seconds: float) -> MinedTransaction | None:
        """The mined transaction, or `None` when the time is up: unknown is not failed."""
        deadline = time.monotonic() + timeout_seconds
        while (mined := self._chain.transaction(tx_hash)) is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return mined

    def _transaction(self, outgoing: Outgoing) -> Mapping[str, Any]:
        base = self._chain.base_fee_wei(self._chain.head())
        return {
            "type": 2,
            "chainId": outgoing.account.chain_id,
            "nonce": self._chain.nonce(self._signer.address),
            "to": outgoing.to,
            "value": 0,
            "data": outgoing.data,
            "gas": outgoing.gas * _GAS_MARGIN[0] // _GAS_MARGIN[1],
            "maxPriorityFeePerGas": _PRIORITY_FEE_WEI,
            "maxFeePerGas": 2 * base + _PRIORITY_FEE_WEI,
        }
