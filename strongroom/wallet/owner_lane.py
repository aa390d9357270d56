"""The owner lane: the Safe's own transaction, signed by its owners, sent by whoever pays for the gas."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.model import Approval, SafeTx
from strongroom.protocols.safe import encode_exec, join_signatures, safe_tx_hash
from strongroom.wallet.executor import Outgoing


def execution(tx: SafeTx, approvals: Sequence[Approval], gas: int) -> Outgoing:
    """`execTransaction` with the owners' approvals, in the order the Safe demands; bound to the hash they signed."""
    data = encode_exec(tx, join_signatures(approvals))
    return Outgoing(tx.account, safe_tx_hash(tx), tx.account.safe, data, gas)
