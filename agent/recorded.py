"""The treasury's own ledger as a history to backtest: each action that was intended or only judged, with the facts, the
rehearsal and the intents that it was judged with, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from policies.backtesting.rows import OTHER_SAFE, By, HistoryRow, Kind, Outcome, Unjudged
from policies.backtesting.seen import Recorded
from policies.backtesting.service import NOTHING
from policies.effects import inner_calls
from policies.scenario import dress
from policies.terms import PolicyDocument
from strongroom.ledger.entries import Entry
from strongroom.ledger.reading import read_entries
from strongroom.model import Action, Digest, Facts, Rehearsal, SafeTx, Unit
from strongroom.plain import from_plain
from strongroom.protocols.safe import rejection, safe_tx_hash

INTENT, VERDICT, REHEARSAL, OBSERVED = "tx.intent", "verdict", "rehearsal", "tool.res"
_ENDS = {"tx.mined": Outcome.EXECUTED, "tx.reverted": Outcome.FAILED, "tx.dropped": Outcome.REJECTED}
_ATTEMPT = re.compile(r"\.[0-9]+$")


def is_ledger(folder: Path) -> bool:
    return (folder / "log").is_file() and (folder / "durable").is_file()


def read_recorded(folder: Path, document: PolicyDocument) -> list[HistoryRow | Unjudged]:
    """The ledger's actions in order. What really moved is recorded as changes of balances, not as transfers, so rows
    show none; the rehearsal tells what was to move. Raises `LedgerCorrupt` where the log cannot be read."""
    return list(_rows(read_entries(folder), document, folder.name))


def _rows(entries: Iterable[Entry], document: PolicyDocument, name: str) -> Iterator[HistoryRow | Unjudged]:
    found = _Found(entries)
    for binding, intent in found.intents.items():
        yield _read(found, intent, found.ends.get(binding), document, name)
    for verdict in found.only_judged():
        yield _read(found, verdict, None, document, name)


class _Found:
    """The entries that tell of actions, by their places: the last end of each intent, the last verdict of each unit."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.every, self.intents, self.ends = dict[int, Entry](), dict[Digest, Entry](), dict[Digest, Entry]()
        self.verdicts = dict[str, Entry]()
        for entry in entries:
            self.every[entry.index] = entry
            if entry.type == INTENT and "action" in entry.body:
                self.intents[entry.binding] = entry
            elif entry.type in _ENDS:
                self.ends[entry.binding] = entry
            elif entry.type == VERDICT:
                self.verdicts[str(entry.body.get("unit"))] = entry

    def only_judged(self) -> Iterator[Entry]:
        """The last verdicts of the units that nothing was intended for, as in shadow mode or where they were denied."""
        intended = {str(entry.body.get("unit")) for entry in self.intents.values()}
        yield from (entry for unit, entry in self.verdicts.items() if unit not in intended)

    def before(self, entry: Entry, kind: str, key: str) -> Entry | None:
        """The nearest entry of this type, with this key in it, that led to `entry`; or `entry` itself."""
        at: Entry | None = entry
        while at is not None and not (at.type == kind and key in at.body):
            cause = at.link.cause
            at = self.every.get(cause) if cause is not None and cause < at.index else None
        return at


def _read(found: _Found, entry: Entry, end: Entry | None, document: PolicyDocument, name: str) -> HistoryRow | Unjudged:
    place = f"{name} entry {entry.index}"
    try:
        rehearsed = found.before(entry, REHEARSAL, "action")
        if entry.type == VERDICT and rehearsed is None:
            return Unjudged(place, "", Kind.UNCOMPILED, _why(entry))
        action: Action = from_plain(Action, _action(entry, rehearsed))  # type: ignore[arg-type]
        if action.account != document.account:
            raise ValueError(f"{OTHER_SAFE}, `{action.account.safe}`")
        return _row(found, entry, end, action, document, place)
    except (ValueError, KeyError) as error:
        return Unjudged(place, "", Kind.UNREAD, str(error))


def _action(entry: Entry, rehearsed: Entry | None) -> Any:
    return entry.body["action"] if entry.type == INTENT or rehearsed is None else rehearsed.body["action"]


def _why(verdict: Entry) -> str:
    findings = verdict.body.get("decision", {}).get("findings", [])
    reason = findings[0].get("reason", "") if findings else ""
    return f"no transaction came of it: {reason}"


def _row(
    found: _Found, entry: Entry, end: Entry | None, action: Action, document: PolicyDocument, place: str
) -> HistoryRow | Unjudged:
    by_owners, intended = isinstance(action, SafeTx), entry.type == INTENT
    outcome = _ENDS[end.type] if end else Outcome.WAITING if intended else Outcome.JUDGED
    tx_hash = str(end.body.get("tx_hash", "")) if end else ""
    if isinstance(action, SafeTx) and action == rejection(action.account, action.nonce):
        used = action.nonce if outcome in (Outcome.EXECUTED, Outcome.FAILED) else None
        return Unjudged(place, tx_hash, Kind.CANCELLATION, NOTHING, used)
    # What the Kernel makes the Safe do is judged as if the Safe did it, unless its own policy judges it once more.
    tx = action if isinstance(action, SafeTx) else dress(inner_calls(action, document), document, 0)
    seen = _seen(found, entry, action)
    return HistoryRow(
        place,
        _time(entry, end, seen),
        tx_hash,
        tx.nonce if by_owners and intended else None,
        By.OWNERS if by_owners else By.MODULE,
        tx.to,
        tx.value_wei,
        tx.data,
        tx.operation,
        outcome,
        None,
        entry.binding if intended else place,
        seen=seen,
    )


def _seen(found: _Found, entry: Entry, action: Action) -> Recorded | None:
    """All that the verdict behind `entry` was made of; `None` where the ledger does not hold all of it."""
    verdict, rehearsed = found.before(entry, VERDICT, "decision"), found.before(entry, REHEARSAL, "action")
    observed, planned = found.before(entry, OBSERVED, "facts"), found.before(entry, OBSERVED, "plan")
    if verdict is None or rehearsed is None or observed is None or planned is None:
        return None
    of: Action = from_plain(Action, rehearsed.body["action"])  # type: ignore[arg-type]
    if of != action or observed.body["facts"].get("announced"):
        return None
    return Recorded(
        _unit(planned, str(verdict.body["unit"])),
        action,
        from_plain(Rehearsal, rehearsed.body["outcome"]),
        _facts(observed, action),
        Digest(verdict.body["decision"]["document_hash"]),
    )


def _unit(planned: Entry, name: str) -> Unit:
    """By its id, without the number of the attempt."""
    units = {str(each["id"]): each for each in planned.body["plan"]["units"]}
    plain = units.get(name) or units[_ATTEMPT.sub("", name)]
    return replace(from_plain(Unit, {"actor": planned.body["plan"].get("actor", ""), "opinions": [], **plain}), id=name)


def _facts(observed: Entry, action: Action) -> Facts:
    """As they were judged: its own proposal is not in flight beside it. Of deny lists only hashes are recorded."""
    facts = from_plain(Facts, {**observed.body["facts"], "announced": [], "listings": []})
    own = safe_tx_hash(action) if isinstance(action, SafeTx) else None
    return replace(facts, queue=tuple(each for each in facts.queue if each.safe_tx_hash != own))


def _time(entry: Entry, end: Entry | None, seen: Recorded | None) -> int:
    """The block's, where it was mined; that of the facts where it was only judged; else the log's own."""
    block = end.body.get("block") if end else None
    found = block.get("timestamp") if isinstance(block, Mapping) else None
    if found is not None:
        return int(found)
    return seen.facts.block.timestamp if seen and entry.type == VERDICT else entry.link.at
