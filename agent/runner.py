"""Starts and resumes unit threads; nothing else does. One action at a time; a unit that waits holds nothing up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from agent.context import Context
from agent.gas import endurance, measured_gas, operation_of, require_gas, told, units_a_year
from agent.graph import Graph
from agent.nodes import announcing
from agent.nodes import state as read
from agent.nodes.owner_lane import enough, others_use, ripe
from agent.nodes.recording import observed
from agent.nodes.state import State
from agent.runs_ahead import REBALANCE
from agent.units import ANNOUNCED, DRIFTED, OVER, REVERTED, RUNNING, WAITING, Row, Units, lately_spent, next_attempt
from policies.document import document_hash
from strongroom import observe as observation
from strongroom.errors import GasTooDear, StrongroomError
from strongroom.fees import needed_wei
from strongroom.model import NATIVE, Block, Facts, Lane, Plan, SafeState, SafeTx
from strongroom.plain import to_plain
from strongroom.ports import Planner
from strongroom.protocols.safe import rejection, safe_tx_hash
from strongroom.settings import Job, Mode


class Runner:
    """One account's units. Thread-safe: every method holds the account's one lock while it acts. `jobs` are what the
    agent's coin for gas has to last for."""

    def __init__(
        self, graph: Graph, context: Context, units: Units, planner: Planner, jobs: Iterable[Job] = ()
    ) -> None:
        self._graph, self._context, self._units, self._planner = graph, context, units, planner
        self._jobs = tuple(jobs)
        self._one_at_a_time = threading.RLock()

    def cycle(self, ask: Mapping[str, Any]) -> tuple[Plan, tuple[Row, ...]]:
        """Observes, plans once, and takes every planned unit as far as it goes now. Raises `GasTooLow` when the agent's
        key cannot pay for what was planned: then nothing of it was started."""
        with self._one_at_a_time:
            self._finish_what_was_cut_off()
            plan, cause, facts = self._plan(ask)
            self._tell_gas(facts)
            return plan, self.start(plan, cause)

    def order(self, operator: str, text: str, read: Callable[[str, str, Facts], Plan]) -> tuple[Plan, tuple[Row, ...]]:
        """An operator's words, read by `read` (words, plan id, facts) into a plan; they enter the ledger concealed."""
        with self._one_at_a_time:
            self._finish_what_was_cut_off()
            ledger = self._context.ledger
            body = {"tool": "chat", "operator": operator}
            asked = ledger.append("tool.req", body, confidential={"text": text})
            plan, cause, _ = self._planned(asked.index, lambda facts: read(text, f"chat-{asked.index}", facts))
            return plan, self.start(plan, cause)

    def start(self, plan: Plan, cause: int) -> tuple[Row, ...]:
        """Takes the plan's units up; one that is under way or done already is left as it is."""
        with self._one_at_a_time:
            rows = []
            for unit in plan.units:
                attempts = self._looked_at(unit.id)
                name = next_attempt(unit.id, attempts)
                if name is None:
                    rows.append(attempts[-1])
                    continue
                own = replace(unit, id=name, actor=plan.actor)
                row = self._units.add(own, plan.actor, plan.id, cause, _standing_nonce(attempts))
                rows.append(self._advance(row, _initial(row)))
            return tuple(rows)

    def _looked_at(self, unit_id: str) -> tuple[Row, ...]:
        """The attempts at a unit, once those that sleep were looked at: what became of one decides about another. A dry
        run has none of the threads, and leaves what sleeps as it is."""
        asleep = {row.id for row in self._units.asleep() if self.state(row)}
        for row in self._units.attempts(unit_id):
            if row.id in asleep and (event := self._event(row)):
                self._wake(row, event)
        return self._units.attempts(unit_id)

    def poll(self) -> tuple[Row, ...]:
        """Takes up what was cut off, then wakes each sleeping unit whose wait is over. Returns the units that moved."""
        with self._one_at_a_time:
            moved = self._finish_what_was_cut_off()
            for row in self._units.asleep():
                if event := self._event(row):
                    moved.append(self._wake(row, event))
            return tuple(moved)

    def state(self, row: Row) -> dict[str, Any]:
        """The unit's graph state, plain."""
        return dict(self._graph.get_state(_config(row)).values)

    def _plan(self, ask: Mapping[str, Any]) -> tuple[Plan, int, Facts]:
        full = {**ask, "open": [row.id for row in self._units.open()], "others": self._paid_otherwise(ask)}
        if ask["operation"] == REBALANCE:
            full["spent"] = lately_spent(self._units.all(), REBALANCE)
        asked = self._context.ledger.append("tool.req", {"tool": "plan", "ask": to_plain(full)})
        return self._planned(asked.index, lambda facts: self._planner.plan({**full, "asked": asked.index}, facts))

    def _paid_otherwise(self, ask: Mapping[str, Any]) -> list[str]:
        """Transactions of ours that carried out another period's plan of this operation, however late."""
        own, kind = f"{ask['operation']}-{ask['period']}", f"{ask['operation']}-"
        rows = (row for row in self._units.all() if row.tx_hash)
        return [row.tx_hash for row in rows if row.plan.startswith(kind) and row.plan != own]

    def _planned(self, asked: int, plan: Callable[[Facts], Plan]) -> tuple[Plan, int, Facts]:
        """The plan on fresh facts, recorded as the answer to the entry `asked`; a failure is recorded as its gap."""
        context = self._context
        try:
            facts = observation.observe(context.chain, context.queue, context.subject)
            made = plan(facts)
            self._require_gas(made, facts)
        except StrongroomError as error:
            context.ledger.append("gap", {"why": str(error)}, cause=asked)
            raise
        entry = context.ledger.append("tool.res", {"plan": to_plain(made), "facts": observed(facts)}, cause=asked)
        return made, entry.index, facts

    def _require_gas(self, plan: Plan, facts: Facts) -> None:
        """What is about to be started is estimated, since nothing of it was rehearsed; what is judged and what waits is
        measured later by its own rehearsal. Guardians may pay for what they execute: a unit of the owner lane is not
        begun all the same, for who signs it expects the treasurer to carry it out."""
        wallet, document = self._context.wallet, self._context.document
        new = [unit for unit in plan.units if next_attempt(unit.id, self._units.attempts(unit.id))]
        if wallet is None or not new:
            return
        gas_of, most = self._measured_gas(), document.gas.max_gas_units
        likely = (min(gas_of.get(operation_of(unit.id), most), most) for unit in new)
        needed = sum(needed_wei(each, facts.gas.base_fee_wei) for each in likely)
        require_gas(plan.id, wallet.address, facts.gas.agent_balance_wei, needed)

    def _measured_gas(self) -> dict[str, int]:
        return measured_gas(self._context.chain, ((row.id, row.tx_hash) for row in self._units.all()))

    def _tell_gas(self, facts: Facts) -> None:
        """Whoever reads the notices hears in time that the agent's key wants coin."""
        context, native = self._context, self._context.document.token_at(NATIVE)
        runs = units_a_year(self._jobs, facts.block.timestamp)
        if context.wallet is None or not runs:
            return
        lasting = endurance(facts.gas, runs, self._measured_gas(), context.document.gas.max_gas_units)
        context.notices.tell(f"the agent's key holds {told(lasting, native.token.id if native else '')}")

    def _finish_what_was_cut_off(self) -> list[Row]:
        """Before anything else is begun: a transaction that was signed already has the account's next nonce."""
        return [self._take_up(row) for row in self._units.open() if row.status == RUNNING]

    def _take_up(self, row: Row) -> Row:
        # Killed before its first checkpoint, a thread has no state yet and starts over.
        known = self._graph.get_state(_config(row)).values
        return self._advance(row, None if known else _initial(row))

    def _wake(self, row: Row, event: str) -> Row:
        from langgraph.types import Command

        return self._advance(row, Command(resume=event))

    def _advance(self, row: Row, entry: Any) -> Row:
        self._units.change(row.id, status=RUNNING)
        try:
            self._graph.invoke(entry, _config(row), context=self._context, durability="sync")
        except StrongroomError as error:
            self._tell_once(row, str(error))
            return self._units.change(row.id, why=str(error))
        return self._settled(row, self._graph.get_state(_config(row)))

    def _settled(self, row: Row, snapshot: Any) -> Row:
        """Where the thread stands now. One that another mode cut off has steps to take that this mode lacks: it stays
        under way, so that nothing of it is done a second time."""
        if not snapshot.next and snapshot.values["status"] not in (*OVER, WAITING, DRIFTED):
            why = "begun in another mode and not done; set `mode` in treasury.toml back until it is"
            self._tell_once(row, why)
            return self._units.change(row.id, why=why)
        return self._units.change(row.id, **_columns(snapshot))

    def _event(self, row: Row) -> str | None:
        """What became of a sleeping unit: of its announcement, or of its proposal from the chain first."""
        context = self._context
        try:
            block = context.chain.head()
            if row.status == ANNOUNCED:
                return self._announced(row, block)
            safe = observation.safe_state(context.chain, context.subject.account.safe, block)
            return self._happened(row, safe, block)
        except StrongroomError as error:
            self._tell_once(row, str(error))
            self._units.change(row.id, why=str(error))
            return None

    def _happened(self, row: Row, safe: SafeState, block: Block) -> str | None:
        context, state = self._context, cast(State, self.state(row))
        tx = read.safe_tx(state)
        if safe.nonce > tx.nonce:
            return self._used(row, state)
        if row.status == REVERTED:
            return None
        if state.get("asked") is None:
            return None if others_use(context, tx) else "cleared"
        if (event := self._stale(state, block)) and not others_use(context, tx):
            return event
        queued = context.queue.find(safe_tx_hash(tx)) if safe.nonce == tx.nonce else None
        decision = None if read.is_rejection(state) else read.decision(state)
        if not queued or not enough(queued.approvals, safe, decision) or not ripe(state, decision, block):
            return None
        self._require_gas_to_execute(row, state, block)
        return "approved"

    def _announced(self, row: Row, block: Block) -> str | None:
        state = cast(State, self.state(row))
        event = announcing.became(self._context.chain, state, block)
        if event != announcing.READY:
            return event
        if self._context.mode is not Mode.GUARDED:
            self._tell_once(row, "announced in guarded mode, and ready; set `mode` in treasury.toml back to run it")
            return None
        self._require_cheap_gas(row, block)
        self._require_gas_to_execute(row, state, block)
        return event

    def _require_cheap_gas(self, row: Row, block: Block) -> None:
        """What was announced sleeps through a spike: woken, it would be denied for good."""
        base, most = self._context.chain.base_fee_wei(block), self._context.document.gas.max_base_fee_wei
        if base > most:
            raise GasTooDear(row.id, base, most)

    def _require_gas_to_execute(self, row: Row, state: State, block: Block) -> None:
        """What guardians have signed, or nobody has vetoed, sleeps on until the agent's key can pay: woken, it would be
        signed and refused."""
        wallet, chain = self._context.wallet, self._context.chain
        if wallet is None or "rehearsal" not in state:
            return
        needed = needed_wei(read.rehearsal(state).gas_used, chain.base_fee_wei(block))
        (held,) = chain.balances_wei([wallet.address], block)
        require_gas(row.id, wallet.address, held, needed)

    def _used(self, row: Row, state: State) -> str | None:
        """Who used the nonce: the unit itself, now or as it was proposed before, guardians with a rejection of their
        own, or another transaction. Attempts at one unit may have proposed the very same: it counts for one of them."""
        context, tx = self._context, read.safe_tx(state)
        others = [each for each in self._units.attempts(row.id.split(".")[0]) if each.id != row.id]
        if any(other.status == RUNNING for other in others):
            return None
        ours = (context.queue.executed(safe_tx_hash(each)) for each in (tx, *read.dropped(state)))
        if executed := next((tx_hash for tx_hash in ours if tx_hash), None):
            return "superseded" if executed in [other.tx_hash for other in others] else "executed"
        used = context.queue.used(tx.nonce)
        if used is None or used in map(safe_tx_hash, (tx, *read.dropped(state))):
            # The service is behind the chain: what it does not know yet may be the unit itself.
            return None
        theirs = used == safe_tx_hash(rejection(tx.account, tx.nonce)) and not context.ledger.intent(used)
        return "rejected" if theirs else "superseded"

    def _stale(self, state: State, block: Block) -> str | None:
        """Why what is signed no longer counts. A rejection is never stale."""
        if read.is_rejection(state):
            return None
        if read.decision(state).document_hash != document_hash(self._context.document):
            return "outdated"
        return "expired" if block.timestamp > state.get("expires", block.timestamp) else None

    def _tell_once(self, row: Row, why: str) -> None:
        """A unit that cannot go on is looked at again and again; people hear of it when the reason changes."""
        if why != row.why:
            self._context.notices.tell(f"{row.id}: {why}")


def _initial(row: Row) -> dict[str, Any]:
    begun = {"unit": to_plain(row.value()), "actor": row.actor, "cause": row.cause, "nonce": row.nonce}
    # Beside a proposal that stands, only the Safe's own nonce keeps this attempt from paying a second time.
    return begun if row.nonce is None else begun | {"lane": Lane.OWNER.value}


def _standing_nonce(attempts: tuple[Row, ...]) -> int | None:
    """A proposal that drifted or reverted still stands in the queue, signed, whatever was tried after it: its successor
    takes its nonce, so that only one can execute."""
    standing = [row.nonce for row in attempts if row.status in (DRIFTED, REVERTED)]
    return next((nonce for nonce in reversed(standing) if nonce is not None), None)


def _config(row: Row) -> dict[str, Any]:
    return {"configurable": {"thread_id": row.id}}


def _columns(snapshot: Any) -> dict[str, Any]:
    values: State = snapshot.values
    action = read.action(values) if "action" in values else None
    return {
        "status": _status(values["status"], bool(snapshot.next)),
        "lane": "" if action is None else Lane.OWNER if isinstance(action, SafeTx) else Lane.AGENT,
        "binding": "" if action is None else read.binding(action),
        "nonce": action.nonce if isinstance(action, SafeTx) else None,
        "tx_hash": values.get("tx_hash", ""),
        "why": "",
    }


def _status(said: str, asleep: bool) -> str:
    """A unit that was denied after it was proposed is over, though it sleeps until its nonce is used up."""
    if asleep:
        return said if said in (DRIFTED, REVERTED, ANNOUNCED) else WAITING
    return {"judged": "shadowed"}.get(said, said)
