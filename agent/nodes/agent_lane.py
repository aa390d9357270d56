"""The agent lane: record the intent, put its leaf into the call, rehearse the final bytes once more, sign once. What
must be announced passes through here twice."""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.judging import announcement_assumed, judged, observe
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from simulations.rehearse import rehearse
from strongroom.model import KernelCall, LedgerReceipt, Rehearsal, Verdict
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.kernel_legs import with_leaf
from strongroom.protocols.kernel_runs import is_announcement


def intend(state: State, runtime: Runtime[Context]) -> Update:
    """The tx.intent entry is durable before anything is signed. A unit judged again after a drift has a new intent."""
    context, call = runtime.context, read.kernel_call(state)
    body = {
        "unit": read.unit(state).id,
        "lane": "agent",
        "action": state["action"],
        "policy": read.decision(state).document_hash,
    }
    receipt = record_once(context, "tx.intent", body, binding=read.binding(call), cause=state["cause"])
    return {"intent": to_plain(receipt), "cause": receipt.index, "stage": read.RUNNING}


def preflight(state: State, runtime: Runtime[Context]) -> Update:
    """Simulates the final bytes on the newest block and judges them again; of an announcement, what it announces. What
    is no longer allowed is not sent: the intent is dropped, and the unit goes back to where it was judged."""
    context = runtime.context
    receipt = from_plain(LedgerReceipt, state["intent"])
    # Killed right after it: nothing is signed under an intent that the log calls dropped, whatever is allowed now.
    if dropped := context.ledger.caused(receipt.index, "tx.dropped"):
        return _drifted(state, dropped)
    fresh = observe(state, runtime)
    now: State = {**state, "facts": fresh["facts"], "cause": fresh["cause"]}
    call = read.kernel_call(now)
    final = replace(call, data=with_leaf(read.sending(now).data, context.ledger.leaf(receipt.index)))
    sent = _rehearsed(now, context, final)
    effects = _rehearsed(now, context, call) if read.must_be_announced(now) else sent
    body = {"unit": read.unit(now).id, "action": to_plain(final), "outcome": to_plain(effects)}
    entry = context.ledger.append("rehearsal", body, cause=now["cause"])
    verdict = judged(now, context, effects).verdict if sent.success else Verdict.DENY
    if verdict is Verdict.ALLOW:
        seen = {"facts": now["facts"], "rehearsal": to_plain(effects), "gas": sent.gas_used}
        return {**seen, "cause": entry.index, "status": "cleared"}
    why = {"unit": read.unit(now).id, "why": f"judged `{verdict}` in preflight", "rehearsal": entry.index}
    return _drifted(state, context.ledger.append("tx.dropped", why, binding=receipt.binding, cause=receipt.index))


def _rehearsed(state: State, context: Context, call: KernelCall) -> Rehearsal:
    envelope, chain = read.compiled(state).envelope, context.chain
    assumed = {} if is_announcement(call.data) else announcement_assumed(state, chain)
    return rehearse(chain, call, read.facts(state), envelope.recipients, envelope.spenders, assumed)


def _drifted(state: State, dropped: LedgerReceipt) -> Update:
    return {"cause": dropped.index, "status": "drifted", "drifts": state.get("drifts", 0) + 1}


def sign_call(state: State, runtime: Runtime[Context]) -> Update:
    """Signs once and keeps the bytes; nothing is sent yet."""
    context = runtime.context
    if context.wallet is None:
        raise ValueError("nothing is signed without a wallet")
    receipt = from_plain(LedgerReceipt, state["intent"])
    leaf, call = context.ledger.leaf(receipt.index), read.sending(state)
    assert isinstance(call, KernelCall)
    gas = state.get("gas", read.rehearsal(state).gas_used)
    return {"tx_hash": context.wallet.sign_call(call, leaf, gas, receipt)}
