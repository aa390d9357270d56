"""What operators can ask of a treasurer, in plain values: the same in this process or over its loopback socket."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Protocol

from agent.app import Treasurer
from agent.chat import reader, require_operator
from agent.units import WAITING, Row
from policies.document import document_hash
from strongroom.clock import WallClock
from strongroom.errors import BadValue
from strongroom.model import Facts
from strongroom.observe import observe
from strongroom.plain import to_plain


class Desk(Protocol):
    """Every answer is plain JSON."""

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        """Run one job now, for this month or another: the plan's rationale and where its units stand."""

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        """Carry out an operator's words: the units they led to, each with what the policy found against it."""

    def anchor(self) -> dict[str, Any]:
        """Anchor the ledger's newest head: its size, root and transaction."""

    def plans(self) -> list[dict[str, Any]]:
        """Every unit, oldest first."""

    def show(self, unit_id: str) -> dict[str, Any]:
        """One unit with its decision, rehearsal and action."""

    def status(self) -> dict[str, Any]:
        """Fresh facts, the mode and the policy's hash that are acted on, and the units that wait for guardians with how
        many must sign. Raises `NodeError` or `ServiceError`."""


class OwnDesk:
    """`Desk` over a treasurer of this process."""

    def __init__(self, treasurer: Treasurer) -> None:
        self._treasurer = treasurer

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        # APScheduler takes a moment to import; only the clock and this command need it.
        from agent.schedule import ask_for, find_job, month_at

        job = find_job(self._treasurer.documents.jobs, job_id)
        now = WallClock().now()
        ask = ask_for(job, month or month_at(job, now))
        if ask["since"] < now - self._treasurer.context.subject.window_seconds:
            raise BadValue(month, "a month", "it is so long ago that what was paid in it is not known; pay it by chat")
        plan, rows = self._treasurer.runner.cycle(ask)
        return {"plan": plan.id, "rationale": plan.rationale, "units": [self._judged(row) for row in rows]}

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        documents = self._treasurer.documents
        require_operator(operator, documents.treasury.operators)
        plan, rows = self._treasurer.runner.order(operator, text, reader(operator, documents.policy))
        return {"plan": plan.id, "rationale": plan.rationale, "units": [self._judged(row) for row in rows]}

    def _judged(self, row: Row) -> dict[str, Any]:
        findings = self._treasurer.runner.state(row).get("decision", {}).get("findings", [])
        return summary(row) | {"findings": [finding for finding in findings if finding["verdict"] != "allow"]}

    def anchor(self) -> dict[str, Any]:
        treasurer = self._treasurer
        if treasurer.anchoring is None:
            mend = f"name the registry, and put the anchoring key at `{treasurer.folder.anchor_keystore}`"
            raise BadValue("nothing", "`registry` in treasury.toml", mend)
        return treasurer.anchoring.anchor(treasurer.documents.treasury.account)

    def plans(self) -> list[dict[str, Any]]:
        return [summary(row) for row in self._treasurer.units.all()]

    def show(self, unit_id: str) -> dict[str, Any]:
        try:
            row = self._treasurer.units.get(unit_id)
        except KeyError as error:
            raise BadValue(unit_id, "a unit", "`strongroom plans` lists them") from error
        return summary(row) | {"state": self._treasurer.runner.state(row)}

    def status(self) -> dict[str, Any]:
        context = self._treasurer.context
        return {
            "mode": str(context.mode),
            "policy": document_hash(context.document),
            "facts": to_plain(self._look()),
            "waiting": [self._needing(row) for row in self._treasurer.units.open() if row.status == WAITING],
        }

    def _look(self) -> Facts:
        """On connections of its own: the runner's serve one thread at a time, and no acting unit is waited for."""
        from strongroom.chain.rpc import RpcChain
        from strongroom.wallet.service import SafeService

        treasury = self._treasurer.documents.treasury
        with (
            closing(RpcChain(treasury.rpc)) as chain,
            closing(SafeService(treasury.service, treasury.account, chain)) as queue,
        ):
            return observe(chain, queue, self._treasurer.context.subject)

    def _needing(self, row: Row) -> dict[str, Any]:
        decision = self._treasurer.runner.state(row).get("decision", {})
        return summary(row) | {"approvals_needed": decision.get("approvals_needed", 0)}


def summary(row: Row) -> dict[str, Any]:
    """One unit in a line."""
    return {
        "id": row.id,
        "actor": row.actor,
        "status": row.status,
        "lane": row.lane,
        "intents": row.intents,
        "nonce": row.nonce,
        "proposal": row.binding,
        "tx_hash": row.tx_hash,
        "why": row.why,
    }
