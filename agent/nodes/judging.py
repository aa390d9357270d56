"""Observe, compile and dress, rehearse, judge: everything before anything has an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from langgraph.runtime import Runtime

from agent.compiler import compile_unit, dress_for_kernel, dress_for_owners
from agent.context import Context
from agent.nodes import state as read
from agent.nodes.recording import observed
from agent.nodes.state import State, Update
from policies.delays import run_moves
from policies.document import document_hash
from policies.dues import terms_of_payment
from policies.effects import Payment
from policies.engine import decide
from simulations.rehearse import rehearse
from strongroom import observe as observation
from strongroom.errors import StrongroomError
from strongroom.model import Action, Address, Compiled, Decision, Facts, Finding, KernelCall, Lane, Rehearsal, Verdict
from strongroom.plain import to_plain
from strongroom.ports import Chain, Override
from strongroom.protocols.kernel_runs import COUNTERS_SLOT, as_announced, delay_seconds, run_id, voids_in
from strongroom.settings import Mode


def observe(state: State, runtime: Runtime[Context]) -> Update:
    context = runtime.context
    asked = context.ledger.append("tool.req", {"tool": "observe", "unit": read.unit(state).id}, cause=state["cause"])
    try:
        facts = observation.observe(context.chain, context.queue, context.subject)
    except StrongroomError as error:
        context.ledger.append("gap", {"why": str(error)}, cause=asked.index)
        raise
    seen = context.ledger.append("tool.res", {"facts": observed(facts)}, cause=asked.index)
    return {"facts": to_plain(facts), "cause": seen.index}


def compile_calls(state: State, runtime: Runtime[Context]) -> Update:
    context = runtime.context
    lane = Lane.OWNER if context.mode is not Mode.GUARDED else Lane(state.get("lane", Lane.AGENT))
    facts = read.facts(state)
    compiled = compile_unit(read.unit(state), facts, context.document, lane)
    if isinstance(compiled, Finding):
        refusal = Decision(Verdict.DENY, (compiled,), document_hash(context.document))
        return _judged(state, context, refusal)
    return {"compiled": to_plain(compiled), "quoted_at": to_plain(facts.block)}


def dress(state: State, runtime: Runtime[Context]) -> Update:
    """With a grant for every call, as one Kernel call; else, or once guardians must be asked, as the Safe's own."""
    return {"action": to_plain(_dressed(state, runtime.context, read.compiled(state)))}


def _dressed(state: State, context: Context, compiled: Compiled) -> Action:
    facts = read.facts(state)
    if context.mode is Mode.GUARDED and state.get("lane") != Lane.OWNER:
        call = dress_for_kernel(compiled, facts, context.document)
        if call is not None:
            return call
    # A nonce of its own is kept though it is used up: by whom, its sleep finds out. At another it might be paid twice.
    nonce = state.get("nonce")
    if nonce is None:
        nonce = next_nonce(facts)
    return dress_for_owners(compiled, context.document.multisend, nonce)


def next_nonce(facts: Facts) -> int:
    """The first nonce that neither the chain nor anything queued has used."""
    return max([facts.safe.nonce, *(queued.tx.nonce + 1 for queued in facts.queue)])


def rehearse_action(state: State, runtime: Runtime[Context]) -> Update:
    envelope = read.compiled(state).envelope
    action, facts, chain = read.action(state), read.facts(state), runtime.context.chain
    assumed = announcement_assumed(state, chain)
    plain = to_plain(rehearse(chain, action, facts, envelope.recipients, envelope.spenders, assumed))
    body = {"unit": read.unit(state).id, "action": state["action"], "outcome": plain}
    entry = runtime.context.ledger.append("rehearsal", body, cause=state["cause"])
    return {"rehearsal": plain, "cause": entry.index}


def announcement_assumed(state: State, chain: Chain) -> Mapping[Address, Override]:
    """What must be announced first is rehearsed as if it had been, long enough ago; anything else as the block is."""
    facts = read.facts(state)
    if facts.kernel is None or not read.must_be_announced(state):
        return {}
    kernel, id_ = facts.kernel, run_id(facts.kernel.epoch, facts.kernel.version, read.kernel_call(state).data)
    (counters,) = chain.storage(kernel.address, [COUNTERS_SLOT], facts.block)
    return as_announced(kernel.address, id_, voids_in(counters), facts.block.timestamp)


def judge(state: State, runtime: Runtime[Context]) -> Update:
    return _judged(state, runtime.context, judged(state, runtime.context, read.rehearsal(state)))


def judged(state: State, context: Context, rehearsal: Rehearsal) -> Decision:
    """The engine's decision on the state's action, its own proposal or announcement left out of what is in flight
    beside it. The Kernel takes no second announcement of the same bytes: it is denied while the first is in force."""
    action, facts = read.action(state), read.facts(state)
    others = tuple(queued for queued in facts.queue if queued.safe_tx_hash != read.binding(action))
    announced = tuple(each for each in facts.announced if each.run != action.data)
    beside = replace(facts, queue=others, announced=announced)
    decision = decide(read.compiled(state), action, rehearsal, beside, context.document)
    again = _again(state, context, len(announced) < len(facts.announced))
    if not again:
        return decision
    finding = Finding("announced", Verdict.DENY, again)
    return replace(decision, verdict=Verdict.DENY, findings=(*decision.findings, finding))


def _again(state: State, context: Context, is_announced: bool) -> str:
    """Why what is announced first would be paid twice, in words; empty when it would not. Who pays by hand while an
    announcement waits need not know of it: paying late is mendable, paying twice is not."""
    if read.must_be_announced(state):
        return "the very same payments are announced already, and not yet run or over" if is_announced else ""
    if "announced" not in state or not isinstance(read.action(state), KernelCall):
        return ""
    run = read.kernel_call(state).data
    since, outflows = state["announced"]["ready_at"] - delay_seconds(run), read.facts(state).outflows
    made = {terms_of_payment(each): each.tx_hash for each in outflows if each.timestamp >= since}
    moves = (move for move in run_moves(run, context.document) if isinstance(move, Payment))
    by = next((made[terms_of_payment(move)] for move in moves if terms_of_payment(move) in made), None)
    return (
        f"a payment of the run was made while it was announced, in `{by}`; order what is still to be paid" if by else ""
    )


def _judged(state: State, context: Context, decision: Decision) -> Update:
    plain = to_plain(decision)
    body = {"unit": read.unit(state).id, "mode": context.mode, "decision": plain}
    entry = context.ledger.append("verdict", body, cause=state["cause"])
    status = "denied" if decision.verdict is Verdict.DENY else "judged"
    return {"decision": plain, "cause": entry.index, "status": status}


def ask_owners(state: State) -> Update:
    """A Kernel call that guardians must approve is compiled and rehearsed again as the Safe's own transaction."""
    return {"lane": Lane.OWNER.value}
