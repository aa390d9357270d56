"""The guardians' queue in memory, with the service's own rules: for tests and for a rehearsal without a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from strongroom.errors import ServiceRefused
from strongroom.model import Account, Address, Approval, Digest, Queued, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.service import only_signer
from strongroom.wallet.signatures import EOA, ETH_SIGN, Signed


class MemoryQueue:
    """`Queue` of one account. `delegates` maps each delegate to the owner it proposes for; only keys sign here."""

    def __init__(self, account: Account, owners: Sequence[Address], delegates: Mapping[Address, Address]) -> None:
        self._account, self._owners, self._delegates = account, tuple(owners), dict(delegates)
        self._queued: dict[Digest, Queued] = {}
        self._executed: dict[Digest, Digest] = {}
        self._next_nonce = 0

    def pending(self, from_nonce: int) -> tuple[Queued, ...]:
        waiting = [each for each in self._queued.values() if each.safe_tx_hash not in self._executed]
        return tuple(sorted((w for w in waiting if w.tx.nonce >= from_nonce), key=lambda each: each.tx.nonce))

    def find(self, safe_tx_hash: Digest) -> Queued | None:
        return self._queued.get(safe_tx_hash)

    def propose(self, tx: SafeTx, safe_tx_hash: Digest, signature: bytes, origin: str) -> None:
        self._require_acceptable(tx, safe_tx_hash)
        signed = _signed(safe_tx_hash, signature)
        proposer = signed.owner if signed.owner in self._owners else self._delegates.get(signed.owner)
        if proposer is None:
            raise ServiceRefused(safe_tx_hash, f"`{signed.owner}` is not an owner or delegate")
        self._queued.setdefault(safe_tx_hash, Queued(tx, safe_tx_hash, proposer, (), origin))
        if signed.owner in self._owners:
            self.post_confirmation(safe_tx_hash, signature)

    def post_confirmation(self, safe_tx_hash: Digest, signature: bytes) -> None:
        """An owner's signature; the same owner again is no error. Raises `ServiceRefused`."""
        queued, signed = self._queued.get(safe_tx_hash), _signed(safe_tx_hash, signature)
        if queued is None or safe_tx_hash in self._executed:
            raise ServiceRefused(safe_tx_hash, "it is unknown or already executed")
        if signed.owner not in self._owners:
            raise ServiceRefused(safe_tx_hash, f"`{signed.owner}` is not an owner")
        if signed.owner not in [approval.guardian for approval in queued.approvals]:
            approvals = (*queued.approvals, Approval(signed.owner, signed.signature))
            self._queued[safe_tx_hash] = replace(queued, approvals=approvals)

    def executed(self, safe_tx_hash: Digest) -> Digest | None:
        return self._executed.get(safe_tx_hash)

    def used(self, nonce: int) -> Digest | None:
        return next((each for each in self._executed if self._queued[each].tx.nonce == nonce), None)

    def execute(self, safe_tx_hash: Digest, tx_hash: Digest) -> None:
        """What the chain does in life: the transaction leaves the queue and its nonce is used up."""
        self._executed[safe_tx_hash] = tx_hash
        self._next_nonce = self._queued[safe_tx_hash].tx.nonce + 1

    def _require_acceptable(self, tx: SafeTx, claimed: Digest) -> None:
        if tx.account != self._account:
            raise ServiceRefused(claimed, f"it is for Safe `{tx.account.safe}`, not `{self._account.safe}`")
        if (computed := safe_tx_hash(tx)) != claimed:
            raise ServiceRefused(claimed, f"its fields hash to `{computed}`; do not sign it")
        if tx.nonce < self._next_nonce:
            raise ServiceRefused(claimed, f"nonce `{tx.nonce}` was already executed")


def _signed(safe_tx_hash: Digest, signature: bytes) -> Signed:
    signed = only_signer(safe_tx_hash, signature)
    if signed.kind not in (EOA, ETH_SIGN):
        raise ServiceRefused(safe_tx_hash, "only a key's signature can be checked without a chain")
    return signed
