"""A second model's opinion on what the first one chose: the same question to another model, which is told nothing of
the first one's answer. The engine judges whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.planners.asking import Interview, Question, Unused
from policies.agreement import by_model
from strongroom.model import Intent, Opinion, Plan
from strongroom.ports import Ledger, Model


class SecondOpinion:
    """Asks `model`, on the record."""

    def __init__(self, model: Model, ledger: Ledger) -> None:
        self._name, self._interview = model.name, Interview(model, ledger)

    def on(self, plan: Plan, question: Question, read: Callable[[bytes], Plan], cause: int | None) -> Plan:
        """`plan` with the model's opinion on each unit in which a model chose something; where none did, it is not
        asked. `read` makes a plan of its answer, as of the first one's."""
        if not any(by_model(unit.intents) for unit in plan.units):
            return plan
        answer = self._interview.ask(question, read, cause)
        units = (
            replace(unit, opinions=(self._opinion(unit.id, answer),)) if by_model(unit.intents) else unit
            for unit in plan.units
        )
        return replace(plan, units=tuple(units))

    def _opinion(self, unit_id: str, answer: Plan | Unused) -> Opinion:
        if isinstance(answer, Unused):
            return Opinion(self._name, (), answer.why)
        return Opinion(self._name, _chosen_in(unit_id, answer))


def _chosen_in(unit_id: str, plan: Plan) -> tuple[Intent, ...]:
    """Nothing where the model left the whole unit out."""
    return next((by_model(unit.intents) for unit in plan.units if unit.id == unit_id), ())
