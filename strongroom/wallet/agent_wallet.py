"""The agent's hands: a delegate's signature on proposals and one gas-paying account; the treasury is not its own."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.errors import NotRecorded
from strongroom.model import Address, Approval, Digest, KernelCall, LedgerReceipt, SafeTx
from strongroom.ports import MinedTransaction, Queue, Signer
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet import agent_lane, owner_lane
from strongroom.wallet.executor import Executor, Outbox, Sent

_PATIENCE_SECONDS = 60.0


class AgentWallet:
    """`Wallet` over a guardians' queue, a signer and the outbox."""

    def __init__(self, queue: Queue, signer: Signer, executor: Executor, outbox: Outbox) -> None:
        self._queue, self._signer, self._executor, self._outbox = queue, signer, executor, outbox

    @property
    def address(self) -> Address:
        return self._signer.address

    def propose(self, tx: SafeTx, origin: str, receipt: LedgerReceipt) -> None:
        digest = safe_tx_hash(tx)
        self._queue.propose(tx, digest, self._signer.sign_digest(digest, receipt), origin)

    def sign_execution(self, tx: SafeTx, approvals: Sequence[Approval], gas: int, receipt: LedgerReceipt) -> Digest:
        return self._executor.sign_once(owner_lane.execution(tx, approvals, gas), receipt).tx_hash

    def sign_call(self, call: KernelCall, ledger_leaf: Digest, gas: int, receipt: LedgerReceipt) -> Digest:
        return self._executor.sign_once(agent_lane.execution(call, ledger_leaf, gas), receipt).tx_hash

    def broadcast(self, tx_hash: Digest) -> None:
        self._executor.broadcast(self._kept(tx_hash))

    def underpriced(self, tx_hash: Digest) -> bool:
        return self._executor.underpriced(self._kept(tx_hash))

    def outbid(self, tx_hash: Digest, receipt: LedgerReceipt) -> Digest:
        return self._executor.outbid(self._kept(tx_hash), receipt).tx_hash

    def await_mined(self, tx_hash: Digest) -> MinedTransaction | None:
        return self._executor.await_mined(tx_hash, _PATIENCE_SECONDS)

    def _kept(self, tx_hash: Digest) -> Sent:
        kept = self._outbox.kept(tx_hash)
        if kept is None:
            raise NotRecorded(tx_hash)
        return kept
