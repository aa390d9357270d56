"""Both lanes end here: send the kept bytes, dearer when gas has risen above what they pay, and compare what was mined
with what was rehearsed."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent.context import Context
from agent.nodes import state as read
from agent.nodes.comparison import as_rehearsed
from agent.nodes.recording import record_once
from agent.nodes.state import State, Update
from simulations.rehearse import executed_deltas
from strongroom.errors import GasTooDear, Unsettled
from strongroom.model import Block, Delta, Digest, Facts, TokenId
from strongroom.plain import to_plain
from strongroom.protocols.erc20 import read_balance


def send(state: State, runtime: Runtime[Context]) -> Update:
    context, binding = runtime.context, read.binding(read.sending(state))
    tx_hash = Digest(state["tx_hash"])
    if context.wallet is None:
        raise ValueError("nothing is sent without a wallet")
    if context.wallet.underpriced(tx_hash):
        return {"status": "underpriced"}
    context.wallet.broadcast(tx_hash)
    body = {"unit": read.unit(state).id, "tx_hash": tx_hash}
    sent = record_once(context, "tx.sent", body, binding=binding, cause=state["cause"])
    return {"cause": sent.index, "status": "sent"}


def outbid(state: State, runtime: Runtime[Context]) -> Update:
    """The same call at the same nonce, so that only one of the two can ever be mined, for a fee that today's base fee
    asks for, signed under a tx.intent entry of its own. Waits while gas costs more than the policy pays."""
    context, unit = runtime.context, read.unit(state)
    if context.wallet is None:
        raise ValueError("nothing is signed without a wallet")
    base, most = context.chain.base_fee_wei(context.chain.head()), context.document.gas.max_base_fee_wei
    if base > most:
        raise GasTooDear(unit.id, base, most)
    action = read.sending(state)
    body = {"unit": unit.id, "action": to_plain(action), "outbids": state["tx_hash"], "base_fee_wei": str(base)}
    binding = read.binding(action)
    receipt = record_once(context, "tx.intent", body, binding=binding, cause=state["cause"])
    tx_hash = context.wallet.outbid(Digest(state["tx_hash"]), receipt)
    context.notices.tell(f"{unit.id}: {state['tx_hash']} pays less than gas costs now; {tx_hash} takes its place")
    return {"tx_hash": tx_hash, "cause": receipt.index}


def settle(state: State, runtime: Runtime[Context]) -> Update:
    """Measures what really moved, from balances at the block before and the block itself. Nothing is bent to fit: a
    share's interest is in the deltas, and in a bound of its own when they are compared."""
    context, unit, binding = runtime.context, read.unit(state), read.binding(read.action(state))
    known = state.get("tx_hash")
    if known and context.wallet and context.wallet.underpriced(Digest(known)):
        return {"status": "underpriced"}
    tx_hash = Digest(known) if known else context.queue.executed(binding)
    mined = context.wallet.await_mined(tx_hash) if context.wallet and tx_hash else None
    if mined is None:
        raise Unsettled(unit.id)
    deltas, same = _moved(state, context, mined.block)
    body = {
        "unit": unit.id,
        "tx_hash": mined.tx_hash,
        "block": mined.block.number,
        "gas_used": mined.gas_used,
        "deltas": to_plain(deltas),
        "as_rehearsed": same,
    }
    kind, status = ("tx.mined", "executed") if mined.success else ("tx.reverted", "reverted")
    entry = record_once(context, kind, body, binding=binding, cause=state["cause"])
    if mined.success and read.is_rejection(state):
        # What was denied stays denied: all that was executed is the use of its nonce.
        status = "denied"
    context.notices.tell(f"{unit.id}: {status} in {mined.tx_hash}")
    return {"cause": entry.index, "status": status, "tx_hash": mined.tx_hash}


def _moved(state: State, context: Context, block: Block) -> tuple[tuple[Delta, ...] | None, bool]:
    """What really moved in `block`, as far as it can be read, and whether that is what was rehearsed."""
    facts, envelope = read.facts(state), read.compiled(state).envelope
    safe, before = facts.account.safe, context.chain.parent(block)
    moved = executed_deltas(context.chain, before, block, [safe, *envelope.recipients], facts.tokens)
    positions = _positions(context, facts, before)
    if moved is None or positions is None:
        return moved, False
    seconds = block.timestamp - before.timestamp
    return moved, as_rehearsed(read.rehearsal(state).deltas, moved, safe, positions, seconds)


def _positions(context: Context, facts: Facts, block: Block) -> dict[TokenId, int] | None:
    """The Safe's units of every share at `block`, or `None` where one cannot be read."""
    shares = [token for id_, token in facts.tokens.items() if id_ in context.document.shares()]
    found = context.chain.read([read_balance(share.address, facts.account.safe) for share in shares], block)
    units = {share.id: held for share, held in zip(shares, found, strict=True) if held is not None}
    return units if len(units) == len(shares) else None
