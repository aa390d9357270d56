"""A guardian's own check of one proposal: observe, decode, rehearse, decide, again.

The four functions are the agent's; what makes the check independent is that everything is read anew, from the
guardian's own node, by the guardian's own policy, and from the very bytes that would be signed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from guardians.changing import Changing, recognise_changing
from guardians.decompile import decompile, read_moves
from guardians.installation import Installation, recognise
from guardians.kernel_changing import KernelChanging, recognise_kernel_changing
from policies.document import document_hash
from policies.effects import Move
from policies.engine import decide
from policies.terms import PolicyDocument
from simulations.rehearse import rehearse
from strongroom.errors import NotQueued, ServiceRefused
from strongroom.model import (
    Address,
    Block,
    Compiled,
    Decision,
    Digest,
    Facts,
    Finding,
    Operation,
    Queued,
    Rehearsal,
    SafeTx,
    Verdict,
)
from strongroom.observe import Subject, observe
from strongroom.ports import Chain, Queue
from strongroom.protocols.multisend import is_call_only
from strongroom.protocols.safe import safe_tx_hash


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits in the queue, with its hash computed here and its calls read by the policy. `policy_named` is the
    policy hash that its origin claims: anyone may write one there, so it proves nothing and only a difference tells."""

    queued: Queued
    safe_tx_hash: Digest
    moves: tuple[Move, ...]
    compiled: Compiled
    policy_named: str | None

    @property
    def tx(self) -> SafeTx:
        return self.queued.tx

    @property
    def is_rejection(self) -> bool:
        """Whether it does nothing but use up its nonce, as Safe users reject what waits there."""
        tx = self.tx
        return tx.to == tx.account.safe and not tx.value_wei and not tx.data and tx.operation is Operation.CALL

    @property
    def by_treasurer(self) -> bool:
        """Whether its origin names a unit, as the treasurer's own proposals do: a claim like all in it."""
        return isinstance(_origin(self.queued.origin).get("unit"), str)


@dataclass(frozen=True, slots=True)
class Review:
    """A proposal with everything that judged it. `installation` is there when it is, byte for byte, that of the
    guardian's own policy; `changing` when it announces, takes back or makes a change under the owners' guard, alone or
    beside other things; `kernel_changing` when it does so at the Kernel. Neither is there for an installation."""

    proposal: Proposal
    facts: Facts
    rehearsal: Rehearsal
    decision: Decision
    document: PolicyDocument
    installation: Installation | None = None
    changing: Changing | None = None
    kernel_changing: KernelChanging | None = None

    @property
    def kernel(self) -> Address | None:
        """The Safe's own, where the proposal is about it."""
        return self.kernel_changing.kernel.address if self.kernel_changing else None

    @property
    def denied(self) -> bool:
        return self.decision.verdict is Verdict.DENY

    @property
    def same_policy(self) -> bool | None:
        """Whether the proposal names this very policy; `None` when it names none."""
        named = self.proposal.policy_named
        return None if named is None else named == document_hash(self.document)


def find_queued(queue: Queue, safe_tx_hash: Digest) -> Queued:
    """Raises `NotQueued`, or `ServiceError`."""
    queued = queue.find(safe_tx_hash)
    if queued is None:
        raise NotQueued(safe_tx_hash)
    return queued


def read_proposal(queued: Queued, document: PolicyDocument) -> Proposal:
    """The proposal in the policy's words. Raises `ServiceRefused` when its fields are not those of the claimed hash:
    no adapter's word is taken for that, whatever it checked itself."""
    computed = safe_tx_hash(queued.tx)
    if computed != queued.safe_tx_hash:
        raise ServiceRefused(queued.safe_tx_hash, f"its fields hash to `{computed}`; do not sign it")
    tx, named = queued.tx, _policy_named(queued.origin)
    return Proposal(queued, computed, read_moves(tx, document), decompile(tx, document), named)


def review(
    chain: Chain,
    queue: Queue,
    document: PolicyDocument,
    subject: Subject,
    queued: Queued,
    kernel: Address | None = None,
) -> Review:
    """The decision of `document` on exactly the bytes of `queued`, at the newest block. `kernel` is the one that the
    guardian's own treasury.toml names: what it has spent counts though the Safe has disabled it. Raises `NodeError` or
    `ServiceError` where something cannot be read: what was not seen is not judged."""
    proposal = read_proposal(queued, document)
    facts = _without(observe(chain, queue, subject), proposal.safe_tx_hash)
    envelope = proposal.compiled.envelope
    rehearsal = rehearse(chain, proposal.tx, facts, envelope.recipients, envelope.spenders)
    decision = decide(proposal.compiled, proposal.tx, rehearsal, facts, document)
    if not _is_delegated_to_safes_own(chain, proposal.tx, facts.block):
        decision = _denied(decision, proposal.tx.to)
    installation = recognise(chain, proposal.tx, document, facts, rehearsal, kernel)
    if installation:
        return Review(proposal, facts, rehearsal, decision, document, installation)
    at_kernel = recognise_kernel_changing(chain, proposal.tx, document, facts, kernel)
    # The guard's announcement of what the policy plans, beside the Kernel's, is the Kernel's matter.
    at_guard = None if at_kernel and at_kernel.is_whole else recognise_changing(chain, proposal.tx, document, facts)
    return Review(proposal, facts, rehearsal, decision, document, None, at_guard, at_kernel)


def _is_delegated_to_safes_own(chain: Chain, tx: SafeTx, block: Block) -> bool:
    return tx.operation is Operation.CALL or is_call_only(chain.code(tx.to, block))


def _denied(decision: Decision, to: Address) -> Decision:
    """Whoever gives a guardian policy.toml names an address there; only the code tells what stands at it."""
    reason = f"`{to}` is not Safe's MultiSendCallOnly, and would act as the Safe; mend `multisend` in policy.toml"
    findings = (*decision.findings, Finding("multisend", Verdict.DENY, reason))
    return replace(decision, verdict=Verdict.DENY, findings=findings)


def _without(facts: Facts, own: Digest) -> Facts:
    """Facts in which the proposal is not in flight beside itself."""
    return replace(facts, queue=tuple(queued for queued in facts.queue if queued.safe_tx_hash != own))


def _policy_named(origin: str) -> str | None:
    named = _origin(origin).get("policy")
    return named if isinstance(named, str) else None


def _origin(text: str) -> dict[str, Any]:
    try:
        origin = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return origin if isinstance(origin, dict) else {}
