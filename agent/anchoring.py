"""Anchoring: the ledger's newest head goes to the registry, from a key that is never the agent's."""

from __future__ import annotations

from typing import Any

from strongroom.addresses import keccak, to_digest
from strongroom.errors import AnchorRefused, NotDeployed, Unsettled
from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Account, Address, Digest
from strongroom.ports import Chain, Signer, SimulatedCall
from strongroom.protocols.abi import encode_arguments
from strongroom.protocols.registry import AnchoredLog, encode_anchor, log_read
from strongroom.wallet.executor import Executor, Outgoing

_PATIENCE_SECONDS = 60.0


class Anchoring:
    """One Kernel's log at one registry."""

    def __init__(
        self, chain: Chain, ledger: FileLedger, executor: Executor, signer: Signer, registry: Address, kernel: Address
    ) -> None:
        self._chain, self._ledger, self._executor, self._signer = chain, ledger, executor, signer
        self._registry, self._kernel = registry, kernel

    def anchored(self) -> AnchoredLog:
        """The log as the chain knows it. Raises `NotDeployed` when the owners have not opened it."""
        log = self._chain.read([log_read(self._registry, self._kernel)], self._chain.head())[0]
        if log is None or not log.is_open:
            raise NotDeployed("opened log", self._registry, "the owners sign what `strongroom policy deploy` prints")
        found: AnchoredLog = log
        return found

    def anchor(self, account: Account) -> dict[str, Any]:
        """Moves the anchored head to the newest entry; the chain checks that the old head is a beginning of it. Raises
        `AnchorRefused` when it is not, and `Unsettled` while the transaction is not mined."""
        head = self._ledger.anchor(self.anchored().size)
        data = encode_anchor(self._kernel, head)
        call = SimulatedCall(self._signer.address, self._registry, 0, data)
        (outcome,) = self._chain.simulate([call], {}, self._chain.head())
        if not outcome.success:
            raise AnchorRefused(head.size, outcome.error or "0x" + outcome.returned.hex())
        binding = _binding(account, self._registry, data)
        tx_hash = self._send(Outgoing(account, binding, self._registry, data, outcome.gas_used), head.size)
        return {"size": head.size, "root": "0x" + head.root.hex(), "tx_hash": tx_hash}

    def _send(self, outgoing: Outgoing, size: int) -> Digest:
        ledger, binding = self._ledger, outgoing.binding
        body = {"anchor": size, "registry": self._registry}
        receipt = ledger.intent(binding) or ledger.append("tx.intent", body, binding=binding)
        sent = self._executor.sign_once(outgoing, receipt)
        self._executor.broadcast(sent)
        mined = self._executor.await_mined(sent.tx_hash, _PATIENCE_SECONDS)
        if mined is None:
            raise Unsettled(f"anchor of {size} entries")
        kind = "tx.mined" if mined.success else "tx.reverted"
        done = {**body, "tx_hash": sent.tx_hash, "block": mined.block.number, "gas_used": mined.gas_used}
        ledger.append(kind, done, binding=binding, cause=receipt.index)
        if not mined.success:
            raise AnchorRefused(size, f"transaction `{sent.tx_hash}` reverted")
        return sent.tx_hash


def _binding(account: Account, registry: Address, data: bytes) -> Digest:
    words = [account.chain_id, registry, keccak(data)]
    return to_digest(keccak(encode_arguments(["uint256", "address", "bytes32"], words)))
