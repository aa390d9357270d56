"""The agent lane: record the intent, put its leaf into the call, rehearse the final bytes once more, sign once."""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.judging import judged, observe
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from simulations.rehearse import rehearse
from strongroom.model import LedgerReceipt, Verdict
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.kernel_legs import with_leaf


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
    return {"intent": to_plain(receipt), "cause": receipt.index}


def preflight(state: State, runtime: Runtime[Context]) -> Update:
    """Simulates the final bytes on the newest block and judges them again. What is no longer allowed is not sent: the
    intent is dropped, and the unit goes back to the beginning."""
    context = runtime.context
    receipt = from_plain(LedgerReceipt, state["intent"])
    # Killed right after it: nothing is signed under an intent that the log calls dropped, whatever is allowed now.
    if dropped := context.ledger.caused(receipt.index, "tx.dropped"):
        return _drifted(state, dropped)
    fresh = observe(state, runtime)
    now: State = {**state, "facts": fresh["facts"], "cause": fresh["cause"]}
    call, envelope = read.kernel_call(now), read.compiled(now).envelope
    final = replace(call, data=with_leaf(call.data, context.ledger.leaf(receipt.index)))
    outcome = rehearse(context.chain, final, read.facts(now), envelope.recipients, envelope.spenders)
    body = {"unit": read.unit(now).id, "action": to_plain(final), "outcome": to_plain(outcome)}
    entry = context.ledger.append("rehearsal", body, cause=now["cause"])
    verdict = judged(now, context, outcome).verdict
    if verdict is Verdict.ALLOW:
        return {"facts": now["facts"], "rehearsal": to_plain(outcome), "cause": entry.index, "status": "cleared"}
    why = {"unit": read.unit(now).id, "why": f"judged `{verdict}` in preflight", "rehearsal": entry.index}
    return _drifted(state, context.ledger.append("tx.dropped", why, binding=receipt.binding, cause=receipt.index))


def _drifted(state: State, dropped: LedgerReceipt) -> Update:
    return {"cause": dropped.index, "status": "drifted", "drifts": state.get("drifts", 0) + 1}


def sign_call(state: State, runtime: Runtime[Context]) -> Update:
    """Signs once and keeps the bytes; nothing is sent yet."""
    context = runtime.context
    if context.wallet is None:
        raise ValueError("nothing is signed without a wallet")
    receipt = from_plain(LedgerReceipt, state["intent"])
    leaf, gas = context.ledger.leaf(receipt.index), read.rehearsal(state).gas_used
    return {"tx_hash": context.wallet.sign_call(read.kernel_call(state), leaf, gas, receipt)}
