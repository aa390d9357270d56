"""What a guardian does with a key: sign what was reviewed, or reject whatever waits at a nonce."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from guardians.changing import require_changeable, require_named
from guardians.kernel_changing import require_kernel_changeable
from guardians.key import GuardianKey
from guardians.review import Review
from strongroom.errors import AgentUnnamed, BadValue, Denied, NotAnOwner, NotQueued, OtherAgent
from strongroom.model import NATIVE, Account, Address, Digest, Queued, SafeState, SafeTx, Verdict
from strongroom.plain import from_plain
from strongroom.ports import Queue
from strongroom.protocols.kernel_changes import KernelChange
from strongroom.protocols.safe import rejection, safe_tx_hash
from strongroom.protocols.safe_changes import Change

ORIGIN = '{"name":"Strongroom guardian"}'


Named = Change | KernelChange
"""What a guardian names of a proposal, as known from elsewhere."""


class Desk(Queue, Protocol):
    """A queue that also takes owners' signatures."""

    def post_confirmation(self, safe_tx_hash: Digest, signature: bytes) -> None:
        """An owner's signature over a queued transaction; posting it again is no error."""


def require_owner(address: Address, safe: SafeState, account: Account) -> None:
    """Raises `NotAnOwner`."""
    if address not in safe.owners:
        raise NotAnOwner(address, account.safe, safe.owners)


def require_signable(review: Review, agent: Address | None, changes: Sequence[Named] = ()) -> None:
    """Raises `Denied`: a guardian who disagrees with the policy changes the policy. The installation of that very
    policy is no way around it, and no default either: `agent` is whom the guardian gives the Kernel to, known from
    elsewhere than the proposal. Raises `AgentUnnamed`, `OtherAgent`, or `BadValue` where no Kernel is given.

    Nor is a change under the owners' guard, or of the Kernel: `changes` is all that it changes, known from elsewhere
    too, but for what the guardian's own documents say. Raises `NotAnnounced`, `Unannounced`, `TooEarly`, `WouldRevert`,
    `ChangeUnnamed`, `OtherChange`, `NotThePolicy`, or `BadValue` where nothing changes."""
    installation, digest = review.installation, review.proposal.safe_tx_hash
    if (at_kernel := review.kernel_changing) and at_kernel.is_whole:
        require_kernel_changeable(at_kernel, digest, review.rehearsal, agent, changes)
        return
    if changes and not (review.changing and review.changing.is_whole):
        named = ", ".join(map(str, changes))
        mend = "this proposal is not about changes under the owners' guard, nor of your Kernel; leave it out"
        raise BadValue(named, "`--change`", mend)
    if installation is None:
        if agent is not None:
            raise BadValue(
                agent, "`--agent`", "this proposal is not the installation of your policy.toml; leave it out"
            )
        _require_change_or_not_denied(review, changes)
    elif agent is None:
        does = f"installs the Kernel `{installation.kernel}` of your policy.toml for an agent's key"
        raise AgentUnnamed(digest, does)
    elif agent != installation.birth.agent:
        raise OtherAgent(digest, installation.birth.agent, agent)


def _require_change_or_not_denied(review: Review, changes: Sequence[Named]) -> None:
    """What changes the Safe unannounced is refused in one line, whatever is beside it."""
    changing, digest = review.changing, review.proposal.safe_tx_hash
    if changing:
        require_changeable(changing, digest, review.rehearsal)
    if changing and changing.is_whole:
        require_named(changing.to_be_named, digest, changes)
    else:
        require_not_denied(review)


def require_not_denied(review: Review) -> None:
    """Raises `Denied`."""
    if review.denied:
        denials = sum(finding.verdict is Verdict.DENY for finding in review.decision.findings)
        raise Denied(review.proposal.safe_tx_hash, denials, review.proposal.tx.nonce)


def confirm(
    review: Review, key: GuardianKey, desk: Desk, agent: Address | None = None, changes: Sequence[Named] = ()
) -> None:
    """Signs exactly the bytes that were reviewed and posts the signature; again is no error. `agent` and `changes` as
    in `require_signable`. Raises `GuardianError` or `ServiceError`."""
    tx = _signable(review, agent, changes, key)
    desk.post_confirmation(review.proposal.safe_tx_hash, key.sign(tx))


def propose(
    review: Review, key: GuardianKey, desk: Desk, agent: Address | None = None, changes: Sequence[Named] = ()
) -> None:
    """As `confirm`, for a transaction that is not in the queue yet: it is posted there with the signature."""
    tx = _signable(review, agent, changes, key)
    desk.propose(tx, review.proposal.safe_tx_hash, key.sign(tx), ORIGIN)


def _signable(review: Review, agent: Address | None, changes: Sequence[Named], key: GuardianKey) -> SafeTx:
    require_signable(review, agent, changes)
    tx = review.proposal.tx
    require_owner(key.address, review.facts.safe, tx.account)
    return tx


def written(file: Path, account: Account) -> Queued:
    """The Safe transaction under `transaction` in a JSON file, as if nobody had signed it yet. Raises `BadValue`."""
    try:
        tx = from_plain(SafeTx, json.loads(file.read_text())["transaction"])
    except OSError as error:
        raise BadValue(file, "FILE", "it cannot be read; `strongroom policy deploy` writes one") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadValue(file, "FILE", "it holds no Safe transaction; `strongroom policy deploy` writes one") from error
    if tx.account != account:
        raise BadValue(tx.account.safe, f"the Safe of {file}", f"treasury.toml names `{account.safe}`")
    return Queued(tx, safe_tx_hash(tx), NATIVE, (), ORIGIN)


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
