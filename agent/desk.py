"""What operators can ask of a treasurer, in plain values: the same in this process or over its loopback socket."""

from __future__ import annotations

from typing import Any, Protocol

from agent.app import Treasurer
from agent.chat import reader, require_operator
from agent.units import Row
from strongroom.clock import WallClock
from strongroom.errors import BadValue


class Desk(Protocol):
    """Every answer is plain JSON."""

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        """Run one job now, for this month or another: the plan's rationale and where its units stand."""

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        """Carry out an operator's words: the units they led to, each with what the policy found against it."""

    def plans(self) -> list[dict[str, Any]]:
        """Every unit, oldest first."""

    def show(self, unit_id: str) -> dict[str, Any]:
        """One unit with its decision, rehearsal and action."""


class OwnDesk:
    """`Desk` over a treasurer of this process."""

    def __init__(self, treasurer: Treasurer) -> None:
        self._treasurer = treasurer

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        # APScheduler takes a moment to import; only the clock and this command need it.
        from agent.schedule import ask_for, find_job, month_at

        job = find_job(self._treasurer.documents.jobs, job_id)
        plan, rows = self._treasurer.runner.cycle(ask_for(job, month or month_at(job, WallClock().now())))
        return {"plan": plan.id, "rationale": plan.rationale, "units": [summary(row) for row in rows]}

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        documents = self._treasurer.documents
        require_operator(operator, documents.treasury.operators)
        plan, rows = self._treasurer.runner.order(operator, text, reader(operator, documents.policy))
        return {"plan": plan.id, "rationale": plan.rationale, "units": [self._judged(row) for row in rows]}

    def _judged(self, row: Row) -> dict[str, Any]:
        findings = self._treasurer.runner.state(row).get("decision", {}).get("findings", [])
        return summary(row) | {"findings": [finding for finding in findings if finding["verdict"] != "allow"]}

    def plans(self) -> list[dict[str, Any]]:
        return [summary(row) for row in self._treasurer.units.all()]

    def show(self, unit_id: str) -> dict[str, Any]:
        try:
            row = self._treasurer.units.get(unit_id)
        except KeyError as error:
            raise BadValue(unit_id, "a unit", "`strongroom plans` lists them") from error
        return summary(row) | {"state": self._treasurer.runner.state(row)}


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
