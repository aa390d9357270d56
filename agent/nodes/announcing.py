"""Announced runs: what carries a delay is shown on chain, whole, before the agent's key may run it.

The unit sleeps from its announcement until it may be run. Then it is judged anew on fresh facts, and run by the very
bytes that were announced. Vetoed, voided or past its time, it is over: nothing announces it again by itself.
"""

from __future__ import annotations

from typing import cast

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from agent.units import ANNOUNCED, LAPSED, REVERTED, TAKEN, VETOED, VOIDED
from strongroom.errors import Unsettled
from strongroom.model import AnnouncedRun, Block, Digest
from strongroom.plain import to_plain
from strongroom.ports import Chain, MinedTransaction
from strongroom.protocols import kernel_runs
from strongroom.protocols.kernel_runs import (
    ANNOUNCED_TOPIC,
    VETOED_TOPIC,
    RunAnnounced,
    RunVetoed,
    decode_run_event,
)
from strongroom.quantities import format_moment

READY = "ready"
_ENDS = {
    VETOED: "a guardian vetoed it",
    VOIDED: "everything announced was voided: by a pause, another policy or agent, a revoked rule or a lowered bucket",
    LAPSED: "its time passed before it was run",
    TAKEN: "it was run with the agent's key, and by nobody who keeps this log; pause and re-key if that is a surprise",
}


def announce(state: State, runtime: Runtime[Context]) -> Update:
    """The tx.intent entry of the announcement, durable before anything is signed. The run gets its own, later."""
    context, run = runtime.context, read.kernel_call(state)
    call = read.announcement(run)
    body = {
        "unit": read.unit(state).id,
        "lane": "agent",
        "action": to_plain(call),
        "announces": read.binding(run),
        "policy": read.decision(state).document_hash,
    }
    receipt = record_once(context, "tx.intent", body, binding=read.binding(call), cause=state["cause"])
    return {"intent": to_plain(receipt), "cause": receipt.index, "stage": read.ANNOUNCING}


def confirm(state: State, runtime: Runtime[Context]) -> Update:
    """What the Kernel made of the announcement, from the event in its receipt's block."""
    context, unit, tx_hash = runtime.context, read.unit(state), Digest(state["tx_hash"])
    if context.wallet is None:
        raise ValueError("nothing is announced without a wallet")
    if context.wallet.underpriced(tx_hash):
        return {"status": "underpriced"}
    mined = context.wallet.await_mined(tx_hash)
    if mined is None:
        raise Unsettled(unit.id)
    told = _announced(context.chain, state, mined) if mined.success else None
    body = {"unit": unit.id, "tx_hash": mined.tx_hash, "block": mined.block.number, "gas_used": mined.gas_used}
    kind, status = ("tx.mined", ANNOUNCED) if told else ("tx.reverted", REVERTED)
    stands = {"announced": {**to_plain(told), "block": mined.block.number}} if told else {}
    binding = read.binding(read.sending(state))
    entry = record_once(context, kind, body | stands, binding=binding, cause=state["cause"])
    shown = f" as run {told.id}, paid from {format_moment(told.ready_at)} on unless vetoed" if told else ""
    context.notices.tell(f"{unit.id}: {status} in {mined.tx_hash}{shown}")
    return {"cause": entry.index, "status": status, "tx_hash": mined.tx_hash} | stands


def _announced(chain: Chain, state: State, mined: MinedTransaction) -> AnnouncedRun:
    """Raises `Unsettled` while the node does not show the event."""
    call = read.kernel_call(state)
    for logged in chain.events(call.kernel, [ANNOUNCED_TOPIC], mined.block.timestamp, chain.head()):
        event = kernel_runs.read_announced(logged)
        if event and logged.tx_hash == mined.tx_hash and event.run == call.data:
            return _noted(event, logged.tx_hash)
    raise Unsettled(read.unit(state).id)


def _noted(event: RunAnnounced, tx_hash: Digest) -> AnnouncedRun:
    return AnnouncedRun(event.id, event.run, event.ready_at, event.expires_at, tx_hash)


def rest(state: State) -> Update:
    """Sleeps until the runner saw on chain what became of the announcement; it does nothing else, since it runs again
    from the top when it is woken."""
    return {"event": interrupt({"unit": state["unit"]["id"], "run": state["announced"]["id"]})}


def wake(state: State, runtime: Runtime[Context]) -> Update:
    """To be judged anew, or over."""
    if state["event"] == READY:
        return {"stage": read.RUNNING, "tx_hash": "", "drifts": 0}
    return _over(state, runtime.context, state["event"])


def lose(state: State, runtime: Runtime[Context]) -> Update:
    """Denied when it was ready: by the policy, or because it is no longer announced since."""
    event = became(runtime.context.chain, state, runtime.context.chain.head())
    return _over(state, runtime.context, event) if event and event != READY else {"status": "denied"}


def _over(state: State, context: Context, event: str) -> Update:
    """Who vetoed it enters the ledger here."""
    unit, id_ = read.unit(state), state["announced"]["id"]
    binding = read.binding(read.announcement(read.kernel_call(state)))
    body = {"unit": unit.id, "run": id_, "event": event, "why": _ENDS[event]}
    body |= _vetoed_by(context.chain, state) if event == VETOED else {}
    dropped = record_once(context, "tx.dropped", body, binding=binding, cause=state["cause"])
    context.notices.tell(f"{unit.id}: run {id_} is over, {_ENDS[event]}")
    return {"cause": dropped.index, "status": event}


def _vetoed_by(chain: Chain, state: State) -> dict[str, str]:
    by = next((each.guardian for each in _vetoes(chain, state, chain.head())), None)
    return {} if by is None else {"guardian": by}


def became(chain: Chain, state: State, block: Block) -> str | None:
    """What became of an announced unit by `block`: ready to be run, over in one of four ways, or nothing yet. A node
    that does not answer, or is behind the announcement, says nothing."""
    call, announced = read.kernel_call(state), state["announced"]
    if block.number < announced["block"]:
        return None
    standing = chain.read(kernel_runs.standing_reads(call.kernel, Digest(announced["id"])), block)
    if None in standing:
        return None
    epoch, version, ready_at = standing
    is_current = kernel_runs.run_id(epoch, version, call.data) == announced["id"]
    if is_current and ready_at:
        return READY if block.timestamp >= ready_at else None
    if _vetoes(chain, state, block):
        return VETOED
    (noted,) = chain.storage(call.kernel, [kernel_runs.announced_slot(Digest(announced["id"]))], block)
    # First of all: what was run is not announced again because it was voided, or its time passed, besides.
    if not any(noted):
        return TAKEN
    return LAPSED if block.timestamp > announced["expires_at"] else VOIDED


def _vetoes(chain: Chain, state: State, block: Block) -> list[RunVetoed]:
    """Vetoes of this very run since it was announced."""
    announced, call = state["announced"], read.kernel_call(state)
    since = cast(int, announced["ready_at"]) - kernel_runs.delay_seconds(call.data)
    events = (decode_run_event(log.topics, log.data) for log in chain.events(call.kernel, [VETOED_TOPIC], since, block))
    return [each for each in events if isinstance(each, RunVetoed) and each.id == announced["id"]]
