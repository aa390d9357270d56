"""The owner lane: propose as delegate, sleep until guardians have acted, look again, execute with their signatures.

What is signed is good for one judgement: when it is no longer allowed, older than `PROPOSAL_SECONDS`, or was judged by
another policy, the proposal is dropped in the ledger and the unit begins again, at the same nonce, so that at most one
of them can ever execute. Where the new judgement denies, the Safe's customary rejection takes the nonce instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from policies.quorums import asked_in_words, lacking, precedence
from strongroom.errors import NoLongerQueued
from strongroom.model import Approval, Block, Decision, Lane, LedgerReceipt, SafeState, SafeTx, Unit
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.safe import rejection, safe_tx_hash

PROPOSAL_SECONDS = 3 * 86_400
"""How long approvals count, from the block that the proposal was judged at: as long as a swap that waits for guardians
stays valid. What says the same bytes again costs them no second signature."""
DROPPING = {"expired": "it expired", "outdated": "the policy changed", "approved": "it is no longer allowed"}
"""The events after which a proposal may be dropped, and why."""
_ORIGIN_LIMIT = 200


def propose(state: State, runtime: Runtime[Context]) -> Update:
    """The tx.intent entry is durable before the delegate signs. Proposing the same transaction again is no error.
    Nothing new is proposed at a nonce that is used up, or that somebody else uses: it waits where a proposal of its own
    stands, or takes another nonce. What was intended once is proposed there, for somebody may hold it already."""
    context, unit, tx = runtime.context, read.unit(state), read.safe_tx(state)
    if context.wallet is None:
        raise ValueError("nothing is proposed without a wallet")
    status = "drifted" if read.is_rejection(state) else "waiting"
    if tx.nonce < read.facts(state).safe.nonce:
        return {"asked": None, "status": status}
    if others_use(context, tx) and not context.ledger.intent(safe_tx_hash(tx)):
        context.notices.tell(f"{unit.id}: not proposed; nonce {tx.nonce} is also used by others")
        return {"asked": None, "status": status if state.get("nonce") == tx.nonce else "crowded"}
    decision, now = read.decision(state), read.facts(state).block.timestamp
    # Looked at again, what stands in the queue waits on: its delay began when it was proposed.
    proposed, expires = state.get("proposed") or now, now + decision.delay_seconds + PROPOSAL_SECONDS
    intended = {"unit": unit.id, "lane": "owner", "action": state["action"], "policy": decision.document_hash}
    terms = {} if read.is_rejection(state) else {"expires": expires}
    receipt = record_once(context, "tx.intent", intended | terms, binding=safe_tx_hash(tx), cause=state["cause"])
    context.wallet.propose(tx, _origin(unit, decision), receipt)
    body = {"unit": unit.id, "proposal": safe_tx_hash(tx), "nonce": tx.nonce} | terms
    asked = record_once(context, "human.req", body, cause=receipt.index)
    what = f"the rejection of nonce {tx.nonce} is proposed" if not terms else f"proposed at nonce {tx.nonce}"
    whom = asked_in_words(decision, context.document) if terms else ""
    context.notices.tell(f"{unit.id}: {what}, waiting for guardians{whom}")
    stands: Update = {"lane": Lane.OWNER.value, "nonce": tx.nonce, "asked": asked.index, "status": status}
    stands["proposed"] = proposed
    return {"intent": to_plain(receipt), "cause": asked.index} | stands | terms


def others_use(context: Context, tx: SafeTx) -> bool:
    """Whether a transaction that is not ours waits at the nonce of `tx`. A rejection claims no nonce."""
    waiting = [each for each in context.queue.pending(tx.nonce) if each.tx.nonce == tx.nonce]
    return any(
        each.tx != rejection(tx.account, tx.nonce) and not context.ledger.intent(each.safe_tx_hash) for each in waiting
    )


def _origin(unit: Unit, decision: Decision) -> str:
    origin = {"name": "Strongroom", "unit": unit.id, "policy": decision.document_hash}
    return json.dumps(origin, separators=(",", ":"))[:_ORIGIN_LIMIT]


def wait(state: State) -> Update:
    """Sleeps until the runner saw on queue and chain what became of the proposal; it does nothing else, since it runs
    again from the top when it is woken."""
    return {"event": interrupt({"unit": state["unit"]["id"], "proposal": safe_tx_hash(read.safe_tx(state))})}


def hear(state: State, runtime: Runtime[Context]) -> Update:
    """Records what humans did; their acts enter the ledger here and nowhere else."""
    context, event, asked = runtime.context, state["event"], state.get("asked")
    heard: Update = {"status": _status(state)}
    if event == "executed":
        # What the treasurer itself sent may have reverted, with the same signatures sent by others just before.
        heard |= {"action": to_plain(_executed(state, context)), "tx_hash": ""}
    if asked is None or not context.ledger.is_open(asked):
        return heard
    queued = context.queue.find(safe_tx_hash(read.safe_tx(state)))
    signed = [{"guardian": a.guardian, "signature": to_plain(a.signature)} for a in queued.approvals] if queued else []
    body = {"unit": read.unit(state).id, "event": event, "approvals": signed}
    return heard | {"cause": context.ledger.append("human.res", body, cause=asked).index}


def _status(state: State) -> str:
    if state["event"] not in ("rejected", "superseded"):
        return "waiting"
    # Whatever used up the nonce of a dropped proposal, the unit's last judgement stands.
    return "denied" if read.is_rejection(state) else state["event"]


def _executed(state: State, context: Context) -> SafeTx:
    """Which of the unit's proposals guardians have executed."""
    found = (tx for tx in (read.safe_tx(state), *read.dropped(state)) if context.queue.executed(safe_tx_hash(tx)))
    return next(found, read.safe_tx(state))


def drop(state: State, runtime: Runtime[Context]) -> Update:
    """Voids the proposal, whatever is signed. It still stands in the queue, so its nonce stays the unit's own, and its
    lane the owners': what the Kernel paid could be paid once more by whoever executes the old proposal."""
    context, unit, tx = runtime.context, read.unit(state), read.safe_tx(state)
    why = DROPPING[state["event"]]
    intent = from_plain(LedgerReceipt, state["intent"])
    body = {"unit": unit.id, "proposal": safe_tx_hash(tx), "nonce": tx.nonce, "why": why}
    dropped = record_once(context, "tx.dropped", body, binding=intent.binding, cause=intent.index)
    context.notices.tell(f"{unit.id}: proposal at nonce {tx.nonce} dropped, {why}; judged again")
    past = [*state.get("past", ()), state["action"]]
    void: Update = {"past": past, "proposed": None, "status": "dropped"}
    return {"cause": dropped.index, "lane": Lane.OWNER.value, "nonce": tx.nonce} | void


def release(state: State) -> Update:
    """The unit is denied for good, but what was signed for it still stands before everything behind it: its nonce is
    to be used up by the Safe's customary rejection."""
    last = read.dropped(state)[-1]
    return {"action": to_plain(rejection(last.account, last.nonce)), "status": "drifted"}


def execute(state: State, runtime: Runtime[Context]) -> Update:
    """Signs once and keeps the bytes; nothing is sent yet. When the second look asks for more guardians than the first
    and have signed, they are asked; when it asks for a longer wait, that is waited for."""
    context, tx = runtime.context, read.safe_tx(state)
    queued = context.queue.find(safe_tx_hash(tx))
    if context.wallet is None or queued is None:
        raise NoLongerQueued(read.unit(state).id, safe_tx_hash(tx))
    facts = read.facts(state)
    safe, decision = facts.safe, None if read.is_rejection(state) else read.decision(state)
    if not enough(queued.approvals, safe, decision) or not ripe(state, decision, facts.block):
        return {"status": "short"}
    standing = (approval for approval in queued.approvals if approval.guardian in safe.owners)
    approvals = sorted(standing, key=lambda approval: precedence(decision, approval.guardian))[: safe.threshold]
    receipt = from_plain(LedgerReceipt, state["intent"])
    return {"tx_hash": context.wallet.sign_execution(tx, approvals, read.rehearsal(state).gas_used, receipt)}


def enough(approvals: Sequence[Approval], safe: SafeState, decision: Decision | None) -> bool:
    """Whether the Safe's threshold of owners has signed, and of the guardians that the decision names as many as it
    asks for. A rejection, which no policy judges, has no decision."""
    signed = {approval.guardian for approval in approvals} & set(safe.owners)
    if len(signed) < safe.threshold:
        return False
    return decision is None or not lacking(decision, signed)


def ripe(state: State, decision: Decision | None, block: Block) -> bool:
    """Whether the decision's delay is over since what it asks for was proposed; where that is not known, it is not."""
    if decision is None or not decision.delay_seconds:
        return True
    proposed = state.get("proposed")
    return proposed is not None and block.timestamp >= proposed + decision.delay_seconds
