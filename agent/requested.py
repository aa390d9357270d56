"""A request in the words of cases.toml, tried against the chain as it is: observed, compiled, rehearsed and judged, and
then forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.app import Documents, connected, onlooker, open_documents
from agent.compiler import compile_unit, dress_for_kernel, dress_for_owners
from agent.explained import told, untold
from agent.nodes.judging import next_nonce
from policies.cases import read_requests
from policies.document import document_hash
from policies.explaining.explanation import explain
from policies.scenario import Judged
from simulations.rehearse import rehearse
from strongroom.model import Action, Compiled, Decision, Facts, Finding, Intent, Label, Lane, Unit, Verdict
from strongroom.observe import observe
from strongroom.plain import to_plain
from strongroom.ports import Chain, Queue
from strongroom.settings import Mode


def explained_request(config: Path, texts: Sequence[str]) -> dict[str, Any]:
    """As `agent.explained.explained_unit`, for a unit of these requests as an operator's, on the newest block. Raises
    `InputError`, `NodeError` or `ServiceError`."""
    documents = open_documents(config)
    intents = read_requests(texts, documents.policy, Label.OPERATOR)
    with connected(documents.treasury) as (chain, queue):
        judged = _judged(documents, intents, chain, queue)
    if isinstance(judged, Finding):
        refusal = Decision(Verdict.DENY, (judged,), document_hash(documents.policy))
        return untold(to_plain(refusal), "it cannot be compiled, so no change of it is computed")
    return told(explain(judged, documents.policy), documents.policy)


def _judged(documents: Documents, intents: tuple[Intent, ...], chain: Chain, queue: Queue) -> Judged | Finding:
    facts = observe(chain, queue, onlooker(documents))
    lane = Lane.AGENT if documents.treasury.mode is Mode.GUARDED else Lane.OWNER
    compiled = compile_unit(Unit("request", facts.account, intents), facts, documents.policy, lane)
    if isinstance(compiled, Finding):
        return compiled
    action = _dressed(compiled, facts, documents, lane)
    envelope = compiled.envelope
    rehearsal = rehearse(chain, action, facts, envelope.recipients, envelope.spenders)
    return Judged(compiled, action, rehearsal, facts)


def _dressed(compiled: Compiled, facts: Facts, documents: Documents, lane: Lane) -> Action:
    call = dress_for_kernel(compiled, facts, documents.policy) if lane is Lane.AGENT else None
    return call or dress_for_owners(compiled, documents.policy.multisend, next_nonce(facts))
