"""A treasurer of the story's own process that plans, rehearses and judges, and signs nothing: what a text or a model
could change about a decision is seen by asking twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.chat import offering, reader
from agent.owed import ask_for, find_job, month_at
from strongroom.clock import WallClock
from strongroom.errors import Unparseable
from strongroom.model import Plan
from strongroom.notices import MemoryNotices
from strongroom.plain import to_plain
from strongroom.world.people import OPERATOR

if TYPE_CHECKING:
    from agent.app import Treasurer
    from agent.units import Row

REBALANCE = "rebalance"


@dataclass(frozen=True, slots=True)
class Judged:
    """All of a unit that decides: what it would do, the verdict, and every finding in full."""

    intents: tuple[Mapping[str, Any], ...]
    verdict: str
    findings: tuple[Mapping[str, Any], ...]

    @property
    def ruling(self) -> tuple[Any, ...]:
        """All of it that stays the same from one block to the next, when interest has moved amounts by a unit."""
        return tuple(map(_without_amount, self.intents)), self.verdict, rulings(self.findings)


def _without_amount(intent: Mapping[str, Any]) -> dict[str, Any]:
    """Where the amount comes from counts, and stays."""
    amounts = {key: each["label"] for key, each in intent.items() if key.startswith("amount")}
    return {**intent, **amounts}


def rulings(findings: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    """Findings without their measures: a block later the gas has another price, and more has flowed back."""
    return tuple(tuple(str(each[key]) for key in ("rule", "verdict", "reason")) for each in findings)


@dataclass(frozen=True, slots=True)
class Trials:
    treasurer: Treasurer
    notices: MemoryNotices

    def rebalance(self) -> tuple[Judged, ...]:
        """What a rebalancing now would do, and how each unit of it is judged."""
        job = find_job(self.treasurer.documents.jobs, REBALANCE)
        ask = ask_for(job, month_at(job, WallClock().now()))
        return self._judged(self.treasurer.runner.cycle(ask))

    def say(self, text: str) -> tuple[Judged, ...]:
        """What an operator's line would do; nothing, where it is not understood."""
        read = offering(reader(OPERATOR.name, self.treasurer.documents.policy), self.treasurer.rewriter)
        try:
            return self._judged(self.treasurer.runner.order(OPERATOR.name, text, read))
        except Unparseable:
            return ()

    def reasons(self) -> list[str]:
        """For each question to the model since the log began: why its answer was not used, empty where it was. Each
        question has exactly one answer or gap."""
        entries = list(self.treasurer.ledger.entries())
        asked = {entry.index for entry in entries if entry.type == "model.req"}
        answered = [entry for entry in entries if entry.link.cause in asked]
        assert sorted(entry.link.cause or 0 for entry in answered) == sorted(asked)
        return [str(entry.body["why"]) for entry in answered]

    def _judged(self, carried_out: tuple[Plan, tuple[Row, ...]]) -> tuple[Judged, ...]:
        states = [self.treasurer.runner.state(row) for row in carried_out[1]]
        return tuple(_judgement(state) for state in states)


def _judgement(state: Mapping[str, Any]) -> Judged:
    # A second attempt at the same unit is another unit by name alone; words are for people.
    intents = tuple({k: v for k, v in each.items() if k not in ("id", "reason")} for each in state["unit"]["intents"])
    decision = to_plain(state["decision"])
    return Judged(intents, str(decision["verdict"]), tuple(decision["findings"]))


def prepare() -> None:
    """Loads what takes long to load, while others work."""
    for module in ("agent.graph", "openai"):
        import_module(module)


@contextmanager
def trials(config: Path, notes: str = "", with_model: bool = True) -> Iterator[Trials]:
    """Takes the state folder. `notes`, where given, stands as the note of every payee of the policy."""
    from agent.app import open_documents, open_treasurer

    documents, notices = open_documents(config), MemoryNotices()
    if notes:
        payees = {id_: replace(payee, note=notes) for id_, payee in documents.policy.payees.items()}
        documents = replace(documents, policy=replace(documents.policy, payees=payees))
    if not with_model:
        documents = replace(documents, treasury=replace(documents.treasury, model=None))
    with open_treasurer(documents, notices, dry_run=True) as treasurer:
        yield Trials(treasurer, notices)
