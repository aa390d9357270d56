"""A unit that was judged, with what each rule measured and what would better the verdict, from its recorded state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from agent.nodes import state as read
from agent.nodes.state import State
from policies.document import document_hash
from policies.explaining.explanation import Explanation, explain
from policies.explaining.words import explanation_data, prospect_lines
from policies.scenario import Judged
from policies.terms import PolicyDocument

_CHANGED = "policy.toml is not the one that judged this unit; what would help is told once it is judged again"
_OTHERWISE = "more than the policy's rules judged this unit, so no change of it is computed"
_UNCOMPILED = "it was never compiled and rehearsed, so no change of it is computed"
_UNJUDGED = "it was not judged yet"


def explained_unit(state: Mapping[str, Any], document: PolicyDocument) -> dict[str, Any]:
    """The decision in a unit's state as plain JSON, with margins and prospects; where there are no prospects to
    compute, `untold` says why."""
    decision = state.get("decision")
    if decision is None:
        return untold({"verdict": "unjudged", "findings": []}, _UNJUDGED)
    if not {"compiled", "action", "rehearsal", "facts"} <= state.keys():
        return untold(decision, _UNCOMPILED)
    if decision["document_hash"] != document_hash(document):
        return untold(decision, _CHANGED)
    explanation = explain(judged_in(cast(State, state)), document)
    if explanation.decision.verdict != decision["verdict"]:
        return untold(decision, _OTHERWISE)
    return told(explanation, document)


def told(explanation: Explanation, document: PolicyDocument) -> dict[str, Any]:
    """`explanation_data`, and its prospects in lines for people."""
    lines = list(prospect_lines(explanation, document))
    return explanation_data(explanation, document) | {"untold": "", "lines": lines}


def untold(decision: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A decision as it was recorded, and why nothing more is told."""
    findings = [each | {"margin": ""} for each in decision["findings"]]
    return {**decision, "findings": findings, "prospects": [], "untold": why, "lines": []}


def judged_in(state: State) -> Judged:
    """What the engine was asked, the unit's own proposal or announcement left out of what is in flight beside it."""
    action, facts = read.action(state), read.facts(state)
    beside = replace(
        facts,
        queue=tuple(queued for queued in facts.queue if queued.safe_tx_hash != read.binding(action)),
        announced=tuple(each for each in facts.announced if each.run != action.data),
    )
    return Judged(read.compiled(state), action, read.rehearsal(state), beside)
