"""The steps of one unit. Each reads values from graph state, speaks to ports only, and returns what it adds.

State is plain JSON. A step may run again after a crash, so whatever has an effect is safe to repeat: proposals and
broadcasts repeat the same bytes, and the signer's receipt is the same tx.intent entry.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypedDict, cast

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.compiler import compile_unit, dress
from agent.context import Context
from policies.document import document_hash
from policies.engine import decide
from simulations.rehearse import executed_deltas, rehearse
from strongroom import observe as observation
from strongroom.errors import NoLongerQueued, StrongroomError, Unsettled
from strongroom.model import (
    Action,
    Block,
    Compiled,
    Decision,
    Delta,
    Digest,
    Facts,
    Finding,
    LedgerReceipt,
    Rehearsal,
    SafeTx,
    Unit,
    Verdict,
)
from strongroom.plain import from_plain, to_plain
from strongroom.ports import Chain
from strongroom.protocols.safe import safe_tx_hash

_ORIGIN_LIMIT = 200


class State(TypedDict, total=False):
    """One unit's thread. Values are plain forms of the model's nouns; `cause` is the ledger index that led here."""

    unit: dict[str, Any]
    actor: str
    cause: int
    nonce: int | None
    facts: dict[str, Any]
    compiled: dict[str, Any]
    action: dict[str, Any]
    rehearsal: dict[str, Any]
    decision: dict[str, Any]
    binding: str
    intent: dict[str, Any]
    asked: int
    event: str
    tx_hash: str
    status: str


Update = dict[str, Any]


def observe(state: State, runtime: Runtime[Context]) -> Update:
    context = runtime.context
    asked = context.ledger.append("tool.req", {"tool": "observe", "unit": _unit(state).id}, cause=state["cause"])
    try:
        facts = observation.observe(context.chain, context.queue, context.subject)
    except StrongroomError as error:
        context.ledger.append("gap", {"why": str(error)}, cause=asked.index)
        raise
    plain = to_plain(facts)
    seen = context.ledger.append("tool.res", {"facts": plain}, cause=asked.index)
    return {"facts": plain, "cause": seen.index}


def compile_calls(state: State, runtime: Runtime[Context]) -> Update:
    compiled = compile_unit(_unit(state), runtime.context.document)
    if isinstance(compiled, Finding):
        return _judged(state, runtime.context, _refusal(compiled, runtime.context))
    facts = _facts(state)
    nonce = state.get("nonce")
    action = dress(compiled, runtime.context.document.multisend, next_nonce(facts) if nonce is None else nonce)
    return {"compiled": to_plain(compiled), "action": to_plain(action), "binding": safe_tx_hash(action)}


def next_nonce(facts: Facts) -> int:
    """The first nonce that neither the chain nor anything queued has used."""
    return max([facts.safe.nonce, *(queued.tx.nonce + 1 for queued in facts.queue)])


def rehearse_action(state: State, runtime: Runtime[Context]) -> Update:
    envelope = _compiled(state).envelope
    result = rehearse(runtime.context.chain, _action(state), _facts(state), envelope.recipients, envelope.spenders)
    plain = to_plain(result)
    entry = runtime.context.ledger.append(
        "rehearsal", {"unit": _unit(state).id, "action": state["action"], "outcome": plain}, cause=state["cause"]
    )
    return {"rehearsal": plain, "cause": entry.index}


def judge(state: State, runtime: Runtime[Context]) -> Update:
    context = runtime.context
    rehearsal = from_plain(Rehearsal, state["rehearsal"])
    decision = decide(_compiled(state), _action(state), rehearsal, _without_own(state), context.document)
    return _judged(state, context, decision)


def _without_own(state: State) -> Facts:
    """Facts in which the unit's own proposal is not in flight beside itself."""
    facts = _facts(state)
    others = tuple(queued for queued in facts.queue if queued.safe_tx_hash != state.get("binding"))
    return replace(facts, queue=others)


def _judged(state: State, context: Context, decision: Decision) -> Update:
    plain = to_plain(decision)
    entry = context.ledger.append(
        "verdict", {"unit": _unit(state).id, "mode": context.mode, "decision": plain}, cause=state["cause"]
    )
    status = "denied" if decision.verdict is Verdict.DENY else "judged"
    return {"decision": plain, "cause": entry.index, "status": status}


def _refusal(finding: Finding, context: Context) -> Decision:
    return Decision(Verdict.DENY, (finding,), document_hash(context.document))


def propose(state: State, runtime: Runtime[Context]) -> Update:
    """The tx.intent entry is durable before the delegate signs. Proposing the same transaction again is no error."""
    context, unit = runtime.context, _unit(state)
    if context.wallet is None:
        raise ValueError("nothing is proposed without a wallet")
    tx, decision = _action(state), _decision(state)
    receipt = context.ledger.intent(safe_tx_hash(tx)) or context.ledger.append(
        "tx.intent",
        {"unit": unit.id, "lane": "owner", "action": state["action"], "policy": decision.document_hash},
        binding=safe_tx_hash(tx),
        cause=state["cause"],
    )
    context.wallet.propose(tx, _origin(unit, decision), receipt)
    asked = context.ledger.append(
        "human.req", {"unit": unit.id, "proposal": safe_tx_hash(tx), "nonce": tx.nonce}, cause=receipt.index
    )
    context.notices.tell(f"{unit.id}: proposed at nonce {tx.nonce}, waiting for guardians")
    return {"intent": to_plain(receipt), "asked": asked.index, "cause": asked.index, "status": "waiting"}


def _origin(unit: Unit, decision: Decision) -> str:
    origin = json.dumps(
        {"name": "Strongroom", "unit": unit.id, "policy": decision.document_hash}, separators=(",", ":")
    )
    return origin[:_ORIGIN_LIMIT]


def wait(state: State) -> Update:
    """Sleeps until the runner saw on queue and chain what became of the proposal; it does nothing else, since it runs
    again from the top when it is woken."""
    return {"event": interrupt({"unit": state["unit"]["id"], "proposal": state["binding"]})}


def hear(state: State, runtime: Runtime[Context]) -> Update:
    """Records what humans did; their acts enter the ledger here and nowhere else."""
    status = "superseded" if state["event"] == "superseded" else "waiting"
    if not runtime.context.ledger.is_open(state["asked"]):
        return {"status": status}
    queued = runtime.context.queue.find(safe_tx_hash(_action(state)))
    signed = [{"guardian": a.guardian, "signature": to_plain(a.signature)} for a in queued.approvals] if queued else []
    body = {"unit": _unit(state).id, "event": state["event"], "approvals": signed}
    heard = runtime.context.ledger.append("human.res", body, cause=state["asked"])
    return {"cause": heard.index, "status": status}


def execute(state: State, runtime: Runtime[Context]) -> Update:
    """Signs once and keeps the bytes; nothing is sent yet."""
    context, tx = runtime.context, _action(state)
    queued = context.queue.find(safe_tx_hash(tx))
    if context.wallet is None or queued is None:
        raise NoLongerQueued(_unit(state).id, safe_tx_hash(tx))
    needed = sorted(queued.approvals, key=lambda approval: approval.guardian)[: _facts(state).safe.threshold]
    gas = from_plain(Rehearsal, state["rehearsal"]).gas_used
    receipt = from_plain(LedgerReceipt, state["intent"])
    return {"tx_hash": context.wallet.sign_execution(tx, needed, gas, receipt)}


def send(state: State, runtime: Runtime[Context]) -> Update:
    context, binding = runtime.context, safe_tx_hash(_action(state))
    if context.wallet is None:
        raise ValueError("nothing is sent without a wallet")
    context.wallet.broadcast(binding)
    body = {"unit": _unit(state).id, "tx_hash": state["tx_hash"]}
    sent = context.ledger.append("tx.sent", body, binding=binding, cause=state["cause"])
    return {"cause": sent.index, "status": "sent"}


def settle(state: State, runtime: Runtime[Context]) -> Update:
    """Compares what really happened with what was rehearsed, from balances at the block before and the block itself."""
    context, tx = runtime.context, _action(state)
    known = state.get("tx_hash")
    tx_hash = Digest(known) if known else context.queue.executed(safe_tx_hash(tx))
    mined = context.wallet.await_mined(tx_hash) if context.wallet and tx_hash else None
    if mined is None:
        raise Unsettled(_unit(state).id)
    deltas = _really_moved(context.chain, state, mined.block)
    as_rehearsed = deltas == from_plain(Rehearsal, state["rehearsal"]).deltas
    body = {
        "unit": _unit(state).id,
        "tx_hash": mined.tx_hash,
        "block": mined.block.number,
        "gas_used": mined.gas_used,
        "deltas": to_plain(deltas),
        "as_rehearsed": as_rehearsed,
    }
    kind = "tx.mined" if mined.success else "tx.reverted"
    entry = context.ledger.append(kind, body, binding=safe_tx_hash(tx), cause=state["cause"])
    status = "executed" if mined.success else "reverted"
    context.notices.tell(f"{_unit(state).id}: {status} in {mined.tx_hash}")
    return {"cause": entry.index, "status": status, "tx_hash": mined.tx_hash}


def _really_moved(chain: Chain, state: State, block: Block) -> tuple[Delta, ...] | None:
    facts, envelope = _facts(state), _compiled(state).envelope
    holders = [facts.account.safe, *envelope.recipients]
    return executed_deltas(chain, chain.parent(block), block, holders, facts.tokens)


def _unit(state: State) -> Unit:
    return from_plain(Unit, state["unit"])


def _facts(state: State) -> Facts:
    return from_plain(Facts, state["facts"])


def _compiled(state: State) -> Compiled:
    return from_plain(Compiled, state["compiled"])


def _action(state: State) -> SafeTx:
    return cast(SafeTx, from_plain(Action, state["action"]))  # type: ignore[arg-type]


def _decision(state: State) -> Decision:
    return from_plain(Decision, state["decision"])
