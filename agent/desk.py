"""What operators can ask of a treasurer, in plain values: the same in this process or over its loopback socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from agent.app import Documents, connected
from agent.chat import offering, reader, require_operator
from agent.forecast_entry import record_forecast
from agent.owed import ask_for, find_job, month_at
from agent.records import Records, told
from agent.runs_ahead import runs_ahead
from agent.state_folder import StateFolder
from policies.document import document_hash
from strongroom.clock import WallClock
from strongroom.errors import BadValue, NotNamed
from strongroom.observe import Subject, observe
from strongroom.plain import to_plain

if TYPE_CHECKING:
    from agent.app import Treasurer
    from agent.units import Row


class Desk(Protocol):
    """Every answer is plain JSON."""

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        """Run one job now, for this month or another: the plan's rationale and where its units stand."""

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        """Carry out an operator's words: the units they led to, what each does and what the policy found against it."""

    def anchor(self) -> dict[str, Any]:
        """Anchor the ledger's newest head: its size, root and transaction."""

    def record(self, forecast: dict[str, Any]) -> dict[str, Any]:
        """Write a forecast's origin and digest (`forecast_entry`) into the ledger: the number of its `entry`."""

    def status(self) -> dict[str, Any]:
        """Fresh facts, the mode and the policy's hash that are acted on, and the units that wait for guardians with how
        many must sign. Raises `NodeError` or `ServiceError`."""


class OwnDesk:
    """`Desk` over a treasurer of this process."""

    def __init__(self, treasurer: Treasurer) -> None:
        self._treasurer = treasurer

    def cycle(self, job_id: str, month: str | None = None) -> dict[str, Any]:
        job = find_job(self._treasurer.documents.jobs, job_id)
        now = WallClock().now()
        ask = ask_for(job, month or month_at(job, now))
        if ask["since"] < now - self._treasurer.context.subject.window_seconds:
            raise BadValue(month, "a month", "it is so long ago that what was paid in it is not known; pay it by chat")
        ahead = runs_ahead(job, self._treasurer.documents.mandate.pacing, now)
        plan, rows = self._treasurer.runner.cycle(ask | ahead)
        return {"plan": plan.id, "rationale": plan.rationale, "units": [self._judged(row) for row in rows]}

    def chat(self, operator: str, text: str) -> dict[str, Any]:
        documents = self._treasurer.documents
        require_operator(operator, documents.treasury.operators)
        read = offering(reader(operator, documents.policy), self._treasurer.rewriter)
        plan, rows = self._treasurer.runner.order(operator, text, read)
        return {"plan": plan.id, "rationale": plan.rationale, "units": [self._judged(row) for row in rows]}

    def _judged(self, row: Row) -> dict[str, Any]:
        unit = told(row, self._treasurer.runner.state(row))
        return unit | {"findings": [finding for finding in unit["findings"] if finding["verdict"] != "allow"]}

    def anchor(self) -> dict[str, Any]:
        treasurer = self._treasurer
        if treasurer.anchoring is None:
            mend = f"name the registry, and put the anchoring key at `{treasurer.folder.anchor_keystore}`"
            raise NotNamed("registry", "treasury.toml", mend)
        return treasurer.anchoring.anchor(treasurer.documents.treasury.account)

    def record(self, forecast: dict[str, Any]) -> dict[str, Any]:
        return record_forecast(self._treasurer.ledger, forecast)

    def status(self) -> dict[str, Any]:
        return look(self._treasurer.documents, self._treasurer.context.subject)


def look(documents: Documents, subject: Subject) -> dict[str, Any]:
    """`Desk.status`, on connections of its own: no acting unit is waited for, and no treasurer is needed."""
    with connected(documents.treasury) as (chain, queue):
        facts = observe(chain, queue, subject)
    return {
        "mode": str(documents.treasury.mode),
        "policy": document_hash(documents.policy),
        "facts": to_plain(facts),
        "waiting": Records(StateFolder(documents.treasury.state_dir)).waiting(),
    }
