"""The owner lane: the agent proposes as delegate, owners sign, and anyone, here the agent's account, executes."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.errors import NotRecorded
from strongroom.model import Address, Approval, Digest, LedgerReceipt, SafeTx
from strongroom.ports import MinedTransaction, Queue, Signer
from strongroom.protocols import safe
from strongroom.wallet.executor import Executor, Outbox

_PATIENCE_SECONDS = 60.0


class OwnerLane:
    """`Wallet` over a guardians' queue and the agent's own account."""

    def __init__(self, queue: Queue, signer: Signer, executor: Executor, outbox: Outbox) -> None:
        self._queue, self._signer, self._executor, self._outbox = queue, signer, executor, outbox

    @property
    def address(self) -> Address:
        return self._signer.address

    def propose(self, tx: SafeTx, origin: str, receipt: LedgerReceipt) -> None:
        digest = safe.safe_tx_hash(tx)
        self._queue.propose(tx, digest, self._signer.sign_digest(digest, receipt), origin)

    def sign_execution(self, tx: SafeTx, approvals: Sequence[Approval], gas: int, receipt: LedgerReceipt) -> Digest:
        binding = safe.safe_tx_hash(tx)
        data = safe.encode_exec(tx, safe.join_signatures(approvals))
        return self._executor.sign_once(tx.account, binding, tx.account.safe, data, gas, receipt).tx_hash

    def broadcast(self, binding: Digest) -> None:
        kept = self._outbox.find(binding)
        if kept is None:
            raise NotRecorded(binding)
        self._executor.broadcast(kept)

    def await_mined(self, tx_hash: Digest) -> MinedTransaction | None:
        return self._executor.await_mined(tx_hash, _PATIENCE_SECONDS)
