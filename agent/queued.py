"""What people have queued beside the treasurer's own proposals, in words and in what it takes from the caps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.errors import ServiceRefused
from strongroom.model import Address, Amount, Digest, Facts, Queued

if TYPE_CHECKING:
    from policies.terms import PolicyDocument


@dataclass(frozen=True, slots=True)
class Other:
    """A transaction that somebody else than the treasurer has queued: what it would do, decoded and unjudged, one line
    each call. `spends` is what counts as in flight against the caps until it is executed or replaced; calls that are
    not `understood` count nothing. Empty lines and a `fault` where it cannot be what the service says."""

    nonce: int
    safe_tx_hash: Digest
    proposer: Address
    signed: int
    needed: int
    does: tuple[str, ...]
    spends: tuple[Amount, ...]
    understood: bool
    fault: str


def read_others(facts: Facts, policy: PolicyDocument, ours: set[str]) -> Iterator[Other]:
    """What waits in the queue beside the proposals with the hashes `ours`, by nonce."""
    for queued in facts.queue:
        if queued.safe_tx_hash not in ours:
            yield _other(queued, facts, policy)


def _other(queued: Queued, facts: Facts, policy: PolicyDocument) -> Other:
    from guardians.review import read_proposal
    from guardians.wording import describe_calls
    from policies.effects import Opaque

    signed, needed = len({each.guardian for each in queued.approvals} & set(facts.safe.owners)), facts.safe.threshold
    head = (queued.tx.nonce, queued.safe_tx_hash, queued.proposer, signed, needed)
    try:
        proposal = read_proposal(queued, policy)
    except ServiceRefused as error:
        return Other(*head, (), (), False, str(error))
    understood = proposal.is_rejection or not any(isinstance(move, Opaque) for move in proposal.moves)
    does = describe_calls(proposal, policy, facts.safe.guard)
    return Other(*head, does, proposal.compiled.envelope.max_out, understood, "")
