"""The treasury's own ledger as a history to backtest: each action that was intended, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from policies.backtesting.rows import OTHER_SAFE, By, HistoryRow, Kind, Outcome, Unjudged
from policies.effects import inner_calls
from policies.scenario import dress
from policies.terms import PolicyDocument
from strongroom.ledger.entries import Entry
from strongroom.ledger.reading import read_entries
from strongroom.model import Action, SafeTx
from strongroom.plain import from_plain

INTENT = "tx.intent"
_ENDS = {"tx.mined": Outcome.EXECUTED, "tx.reverted": Outcome.FAILED, "tx.dropped": Outcome.REJECTED}


def is_ledger(folder: Path) -> bool:
    return (folder / "log").is_file() and (folder / "durable").is_file()


def read_recorded(folder: Path, document: PolicyDocument) -> list[HistoryRow | Unjudged]:
    """The ledger's actions in order. What really moved is recorded as changes of balances, not as transfers, so rows
    show none. Raises `LedgerCorrupt` where the log cannot be read."""
    return list(_rows(read_entries(folder), document, folder.name))


def _rows(entries: Iterable[Entry], document: PolicyDocument, name: str) -> Iterator[HistoryRow | Unjudged]:
    intents, ends = dict[str, Entry](), dict[str, Entry]()
    for entry in entries:
        if entry.type == INTENT and "action" in entry.body:
            intents[entry.binding] = entry
        elif entry.type in _ENDS:
            ends[entry.binding] = entry
    for binding, intent in intents.items():
        place = f"{name} entry {intent.index}"
        try:
            yield _row(intent, ends.get(binding), document, place)
        except ValueError as error:
            yield Unjudged(place, "", Kind.UNREAD, str(error))


def _row(intent: Entry, end: Entry | None, document: PolicyDocument, place: str) -> HistoryRow:
    action: Action = from_plain(Action, intent.body["action"])  # type: ignore[arg-type]
    if action.account != document.account:
        raise ValueError(f"{OTHER_SAFE}, `{action.account.safe}`")
    by_owners = isinstance(action, SafeTx)
    # What the Kernel makes the Safe do is judged as if the Safe did it: its own leaves belong to another policy.
    tx = action if isinstance(action, SafeTx) else dress(inner_calls(action, document), document, 0)
    outcome = _ENDS[end.type] if end else Outcome.WAITING
    return HistoryRow(
        place,
        _time(intent, end),
        str(end.body.get("tx_hash", "")) if end else "",
        tx.nonce if by_owners else None,
        By.OWNERS if by_owners else By.MODULE,
        tx.to,
        tx.value_wei,
        tx.data,
        tx.operation,
        outcome,
        None,
        intent.binding,
    )


def _time(intent: Entry, end: Entry | None) -> int:
    """The block's, where it was mined; else the log's own."""
    block = end.body.get("block") if end else None
    found = block.get("timestamp") if isinstance(block, Mapping) else None
    return int(found) if found is not None else intent.link.at
