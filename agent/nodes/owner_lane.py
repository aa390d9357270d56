"""The owner lane: propose as delegate, sleep until guardians have acted, look again, execute with their signatures."""

from __future__ import annotations

import json

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from strongroom.errors import NoLongerQueued
from strongroom.model import Decision, LedgerReceipt, Unit
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.safe import safe_tx_hash

_ORIGIN_LIMIT = 200


def propose(state: State, runtime: Runtime[Context]) -> Update:
    """The tx.intent entry is durable before the delegate signs. Proposing the same transaction again is no error."""
    context, unit, tx = runtime.context, read.unit(state), read.safe_tx(state)
    if context.wallet is None:
        raise ValueError("nothing is proposed without a wallet")
    decision = read.decision(state)
    intended = {"unit": unit.id, "lane": "owner", "action": state["action"], "policy": decision.document_hash}
    receipt = record_once(context, "tx.intent", intended, binding=safe_tx_hash(tx), cause=state["cause"])
    context.wallet.propose(tx, _origin(unit, decision), receipt)
    body = {"unit": unit.id, "proposal": safe_tx_hash(tx), "nonce": tx.nonce}
    asked = record_once(context, "human.req", body, cause=receipt.index)
    context.notices.tell(f"{unit.id}: proposed at nonce {tx.nonce}, waiting for guardians")
    return {"intent": to_plain(receipt), "asked": asked.index, "cause": asked.index, "status": "waiting"}


def _origin(unit: Unit, decision: Decision) -> str:
    origin = {"name": "Strongroom", "unit": unit.id, "policy": decision.document_hash}
    return json.dumps(origin, separators=(",", ":"))[:_ORIGIN_LIMIT]


def wait(state: State) -> Update:
    """Sleeps until the runner saw on queue and chain what became of the proposal; it does nothing else, since it runs
    again from the top when it is woken."""
    return {"event": interrupt({"unit": state["unit"]["id"], "proposal": safe_tx_hash(read.safe_tx(state))})}


def hear(state: State, runtime: Runtime[Context]) -> Update:
    """Records what humans did; their acts enter the ledger here and nowhere else."""
    context = runtime.context
    status = "superseded" if state["event"] == "superseded" else "waiting"
    if not context.ledger.is_open(state["asked"]):
        return {"status": status}
    queued = context.queue.find(safe_tx_hash(read.safe_tx(state)))
    signed = [{"guardian": a.guardian, "signature": to_plain(a.signature)} for a in queued.approvals] if queued else []
    body = {"unit": read.unit(state).id, "event": state["event"], "approvals": signed}
    heard = context.ledger.append("human.res", body, cause=state["asked"])
    return {"cause": heard.index, "status": status}


def execute(state: State, runtime: Runtime[Context]) -> Update:
    """Signs once and keeps the bytes; nothing is sent yet."""
    context, tx = runtime.context, read.safe_tx(state)
    queued = context.queue.find(safe_tx_hash(tx))
    if context.wallet is None or queued is None:
        raise NoLongerQueued(read.unit(state).id, safe_tx_hash(tx))
    approvals = sorted(queued.approvals, key=lambda approval: approval.guardian)[: read.facts(state).safe.threshold]
    receipt = from_plain(LedgerReceipt, state["intent"])
    return {"tx_hash": context.wallet.sign_execution(tx, approvals, read.rehearsal(state).gas_used, receipt)}
