"""Both lanes end here: send the kept bytes, and compare what was mined with what was rehearsed."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from simulations.rehearse import executed_deltas
from strongroom.errors import Unsettled
from strongroom.model import Block, Delta, Digest
from strongroom.plain import to_plain


def send(state: State, runtime: Runtime[Context]) -> Update:
    context, binding = runtime.context, read.binding(read.action(state))
    if context.wallet is None:
        raise ValueError("nothing is sent without a wallet")
    context.wallet.broadcast(Digest(state["tx_hash"]))
    body = {"unit": read.unit(state).id, "tx_hash": state["tx_hash"]}
    sent = record_once(context, "tx.sent", body, binding=binding, cause=state["cause"])
    return {"cause": sent.index, "status": "sent"}


def settle(state: State, runtime: Runtime[Context]) -> Update:
    """Measures what really moved, from balances at the block before and the block itself."""
    context, unit, binding = runtime.context, read.unit(state), read.binding(read.action(state))
    known = state.get("tx_hash")
    tx_hash = Digest(known) if known else context.queue.executed(binding)
    mined = context.wallet.await_mined(tx_hash) if context.wallet and tx_hash else None
    if mined is None:
        raise Unsettled(unit.id)
    deltas = _moved(state, context, mined.block)
    body = {
        "unit": unit.id,
        "tx_hash": mined.tx_hash,
        "block": mined.block.number,
        "gas_used": mined.gas_used,
        "deltas": to_plain(deltas),
        "as_rehearsed": deltas == read.rehearsal(state).deltas,
    }
    kind, status = ("tx.mined", "executed") if mined.success else ("tx.reverted", "reverted")
    entry = record_once(context, kind, body, binding=binding, cause=state["cause"])
    context.notices.tell(f"{unit.id}: {status} in {mined.tx_hash}")
    return {"cause": entry.index, "status": status, "tx_hash": mined.tx_hash}


def _moved(state: State, context: Context, block: Block) -> tuple[Delta, ...] | None:
    facts, envelope = read.facts(state), read.compiled(state).envelope
    holders = [facts.account.safe, *envelope.recipients]
    return executed_deltas(context.chain, context.chain.parent(block), block, holders, facts.tokens)
