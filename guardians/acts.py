"""What a guardian does with a key: sign what was reviewed, or reject whatever waits at a nonce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guardians.key import GuardianKey
from guardians.review import Review
from strongroom.errors import Denied, NotAnOwner, NotQueued
from strongroom.model import Account, Address, Digest, Operation, Queued, SafeState, SafeTx, Verdict
from strongroom.ports import Queue
from strongroom.protocols.safe import safe_tx_hash

ORIGIN = '{"name":"Strongroom guardian"}'


class Desk(Queue, Protocol):
    """A queue that also takes owners' signatures."""

    def post_confirmation(self, safe_tx_hash: Digest, signature: bytes) -> None:
        """An owner's signature over a queued transaction; posting it again is no error."""


def require_owner(address: Address, safe: SafeState, account: Account) -> None:
    """Raises `NotAnOwner`."""
    if address not in safe.owners:
        raise NotAnOwner(address, account.safe, safe.owners)


def require_not_denied(review: Review) -> None:
    """Raises `Denied`. There is no way around it: a guardian who disagrees with the policy changes the policy."""
    if review.denied:
        denials = sum(finding.verdict is Verdict.DENY for finding in review.decision.findings)
        raise Denied(review.proposal.safe_tx_hash, denials, review.proposal.tx.nonce)


def confirm(review: Review, key: GuardianKey, desk: Desk) -> None:
    """Signs exactly the bytes that were reviewed and posts the signature; again is no error. Raises `Denied`,
    `NotAnOwner` or `ServiceError`."""
    require_not_denied(review)
    tx = review.proposal.tx
    require_owner(key.address, review.facts.safe, tx.account)
    desk.post_confirmation(review.proposal.safe_tx_hash, key.sign(tx))


def rejection(account: Account, nonce: int) -> SafeTx:
    """The Safe's customary rejection: an empty call to itself that only uses up the nonce."""
    return SafeTx(account, account.safe, 0, b"", Operation.CALL, nonce)


def reject(account: Account, safe: SafeState, nonce: int, key: GuardianKey, desk: Desk) -> Digest:
    """Proposes and signs the rejection at `nonce`; where it waits already, adds the signature. Its hash. Raises
    `NotAnOwner` or `ServiceError`."""
    require_owner(key.address, safe, account)
    tx = rejection(account, nonce)
    digest = safe_tx_hash(tx)
    desk.propose(tx, digest, key.sign(tx), ORIGIN)
    return digest


def waiting_at(queue: Sequence[Queued], nonce: int) -> tuple[Queued, ...]:
    """What waits at `nonce`, the rejection included. Raises `NotQueued` when nothing does: a nonce that nobody claims
    has nothing to reject."""
    found = tuple(queued for queued in queue if queued.tx.nonce == nonce)
    if not found:
        raise NotQueued(f"nonce {nonce}")
    return found
