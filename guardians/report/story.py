"""The entries as a treasurer tells them: who asked for what and why, and what became of every unit.

Pure. Bodies are plain JSON of whatever version wrote them; a field that is missing is told as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardians.report.plainly import mapping, mappings, number, text
from strongroom.ledger.entries import Entry


class Fate(StrEnum):
    """What became of a unit, in the order in which it can happen."""

    BEGUN = "begun"
    JUDGED = "judged only"
    DENIED = "denied"
    WAITING = "waits for guardians"
    REPLACED = "superseded"
    REJECTED = "rejected"
    ANNOUNCED = "announced"
    VETOED = "vetoed"
    DROPPED = "not sent"
    SENT = "sent, not mined yet"
    REVERTED = "reverted"
    EXECUTED = "executed"


@dataclass(slots=True)
class Told:
    """One unit, gathered entry by entry. Intents, findings and deltas are plain; `signed` are guardians' addresses.
    `announced` is what the Kernel noted of a run that waits before it may be made."""

    id: str
    intents: tuple[Mapping[str, Any], ...]
    fate: Fate = Fate.BEGUN
    lane: str = ""
    mode: str = ""
    decision: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)
    nonce: int | None = None
    proposal: str = ""
    signed: tuple[str, ...] = ()
    mined: Mapping[str, Any] = field(default_factory=dict)
    tx_hash: str = ""
    why: str = ""
    announced: Mapping[str, Any] = field(default_factory=dict)
    vetoed_by: str = ""
    entries: list[int] = field(default_factory=list)

    @property
    def is_denied(self) -> bool:
        """By the last judgement: what is proposed or mined from then on only uses up the nonce of what was proposed
        before."""
        return self.decision.get("verdict") == "deny"

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        return mappings(self.decision.get("findings"))


@dataclass(slots=True)
class Asked:
    """One plan and why it was made. `operator` is set for words in the chat; `failed` when there came no plan of it."""

    index: int
    at: int
    actor: str = ""
    rationale: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    units: list[Told] = field(default_factory=list)
    planned: tuple[Mapping[str, Any], ...] = ()
    failed: str = ""

    @property
    def untouched(self) -> tuple[str, ...]:
        """Units of the plan that it did not begin, being under way or done already."""
        begun = {unit.id.split(".")[0] for unit in self.units}
        return tuple(name for each in self.planned if (name := text(each.get("id"))) not in begun)


def tell(entries: Sequence[Entry]) -> tuple[Asked, ...]:
    """Every ask in the order it came. A unit belongs to the plan that its first entry names as its cause."""
    asks: dict[int, Asked] = {}
    plans: dict[int, Asked] = {}
    units: dict[str, Told] = {}
    for entry in entries:
        if entry.type == "tool.req" and entry.body.get("tool") in ("plan", "chat"):
            asks[entry.index] = _asked(entry)
        elif (asked := asks.get(_cause(entry))) is not None:
            _answered(asked, entry, plans)
        elif name := text(entry.body.get("unit")):
            if name not in units and (plan := plans.get(_cause(entry))) is not None:
                units[name] = Told(name, _intents(plan, name))
                plan.units.append(units[name])
            if name in units:
                _continue(units[name], entry)
    return tuple(asks.values())


def _cause(entry: Entry) -> int:
    return -1 if entry.link.cause is None else entry.link.cause


def _asked(entry: Entry) -> Asked:
    operator = text(entry.body.get("operator"))
    actor = f"operator:{operator}" if operator else text(mapping(entry.body.get("ask")).get("actor"))
    return Asked(entry.index, entry.link.at, actor)


def _answered(asked: Asked, entry: Entry, plans: dict[int, Asked]) -> None:
    if entry.type == "gap":
        asked.failed = text(entry.body.get("why")) or text(entry.body.get("reason")) or "no reason is recorded"
    plan = mapping(entry.body.get("plan"))
    if entry.type == "tool.res" and plan:
        asked.actor = text(plan.get("actor")) or asked.actor
        asked.rationale = text(plan.get("rationale"))
        asked.planned = mappings(plan.get("units"))
        asked.facts = mapping(entry.body.get("facts"))
        plans[entry.index] = asked


def _intents(plan: Asked, unit: str) -> tuple[Mapping[str, Any], ...]:
    """Attempts at one unit are `payroll-2026-11`, `payroll-2026-11.2`, …; all carry out the same intents."""
    planned = (each for each in plan.planned if text(each.get("id")) == unit.split(".", maxsplit=1)[0])
    return mappings(next(planned, {}).get("intents"))


def _continue(unit: Told, entry: Entry) -> None:
    unit.entries.append(entry.index)
    step = _STEPS.get(entry.type)
    if step is not None:
        step(unit, entry.body)


def _rehearsed(unit: Told, body: Mapping[str, Any]) -> None:
    unit.outcome = mapping(body.get("outcome"))
    kind = mapping(body.get("action")).get("kind")
    unit.lane = {"SafeTx": "owner", "KernelCall": "agent"}.get(text(kind), unit.lane)


def _judged(unit: Told, body: Mapping[str, Any]) -> None:
    unit.decision, unit.mode = mapping(body.get("decision")), text(body.get("mode"))
    if unit.is_denied:
        unit.fate = Fate.DENIED
    elif unit.fate in (Fate.BEGUN, Fate.DENIED):
        unit.fate = Fate.JUDGED


def _asks_humans(unit: Told, body: Mapping[str, Any]) -> None:
    unit.fate, unit.lane = Fate.WAITING, "owner"
    unit.nonce, unit.proposal = number(body.get("nonce")), text(body.get("proposal"))


def _humans_answered(unit: Told, body: Mapping[str, Any]) -> None:
    unit.signed = tuple(text(each.get("guardian")) for each in mappings(body.get("approvals")))
    used_up = {"superseded": Fate.REPLACED, "rejected": Fate.REJECTED}.get(text(body.get("event")))
    if used_up is not None:
        unit.fate = Fate.DENIED if unit.is_denied else used_up


def _dropped(unit: Told, body: Mapping[str, Any]) -> None:
    unit.fate, unit.why = Fate.VETOED if body.get("event") == "vetoed" else Fate.DROPPED, text(body.get("why"))
    unit.vetoed_by = text(body.get("guardian"))


def _sent(unit: Told, body: Mapping[str, Any]) -> None:
    unit.fate, unit.tx_hash = Fate.SENT, text(body.get("tx_hash"))


def _mined(unit: Told, body: Mapping[str, Any]) -> None:
    unit.mined, unit.tx_hash = body, text(body.get("tx_hash"))
    unit.fate = Fate.DENIED if unit.is_denied else Fate.EXECUTED
    if announced := mapping(body.get("announced")):
        # Nothing moved yet: what is mined is that everybody was told.
        unit.fate, unit.announced, unit.mined = Fate.ANNOUNCED, announced, {}


def _reverted(unit: Told, body: Mapping[str, Any]) -> None:
    _mined(unit, body)
    unit.fate = Fate.REVERTED


_STEPS = {
    "rehearsal": _rehearsed,
    "verdict": _judged,
    "human.req": _asks_humans,
    "human.res": _humans_answered,
    "tx.dropped": _dropped,
    "tx.sent": _sent,
    "tx.mined": _mined,
    "tx.reverted": _reverted,
}


@dataclass(frozen=True, slots=True)
class Signing:
    """One guardian's signature under one unit, as the entry `index` has it."""

    guardian: str
    unit: str
    index: int


def signings(entries: Iterable[Entry]) -> Iterator[Signing]:
    """Every recorded signature, in the order the agent saw it."""
    for entry in entries:
        if entry.type == "human.res":
            for each in mappings(entry.body.get("approvals")):
                yield Signing(text(each.get("guardian")), text(entry.body.get("unit")), entry.index)


@dataclass(frozen=True, slots=True)
class Anchoring:
    """One anchoring that was mined: `size` entries, in this transaction and block."""

    size: int | None
    registry: str
    tx_hash: str
    block: int | None


def anchorings(entries: Iterable[Entry]) -> tuple[Anchoring, ...]:
    """The anchorings that this log knows of; the chain alone says which head stands."""
    return tuple(
        Anchoring(
            number(entry.body.get("anchor")),
            text(entry.body.get("registry")),
            text(entry.body.get("tx_hash")),
            number(entry.body.get("block")),
        )
        for entry in entries
        if entry.type == "tx.mined" and "anchor" in entry.body
    )


def explained(entries: Iterable[Entry]) -> frozenset[str]:
    """Hashes of the transactions that this log accounts for."""
    return frozenset(text(entry.body.get("tx_hash")) for entry in entries if entry.type.startswith("tx."))
