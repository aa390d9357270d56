"""What a node says of the past: each row of a history gets the facts of the block before its own, where it can."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from guardians.documents import subject_of
from policies.backtesting.rows import History, HistoryRow, Outcome
from policies.backtesting.scene import stage_row
from policies.backtesting.seen import Observed
from policies.terms import PolicyDocument
from simulations.rehearse import rehearse
from strongroom.errors import NodeRefused, NotDeployed
from strongroom.model import Block, Digest, Facts, Rehearsal, SafeTx
from strongroom.observe import Subject, observe_at
from strongroom.ports import Chain, MinedTransaction
from strongroom.wallet.memory import MemoryQueue

_MINED = (Outcome.EXECUTED, Outcome.FAILED)
_HASH = re.compile(r"0x[0-9a-f]{64}")

NOT_MINED = "never mined, so it has no block to read at"
UNKNOWN = "the node does not know the transaction"
NO_STATE = "the node does not give the state of that block"
NO_SAFE = "the Safe was not there yet"


@dataclass(frozen=True, slots=True)
class Unseen:
    """A row that no facts were found for. `said` is the node's own words, where it refused."""

    place: str
    why: str
    said: str = ""


class NodeOfThePast:
    """A node with the state of past blocks, asked once for each block."""

    def __init__(self, chain: Chain, document: PolicyDocument) -> None:
        self._chain, self._document, self._known = chain, document, dict[Digest, Facts | Unseen]()
        self._queue = MemoryQueue(document.account, (), {})
        # What left before is in the history itself, and nobody announces in it.
        self._subject: Subject = replace(subject_of(document), window_seconds=-1, announced_seconds=0)

    def seen(self, history: History) -> tuple[History, tuple[Unseen, ...]]:
        """The history with what was observed for each row, and the rows where nothing was. A row that has it already,
        as from a ledger, keeps it. Raises `NodeUnreachable`."""
        found = [self._row(row) if row.seen is None else row for row in history.rows]
        rows = [row for row, each in zip(history.rows, found, strict=True)]
        filled = tuple(row if isinstance(each, Unseen) else each for row, each in zip(rows, found, strict=True))
        return replace(history, rows=filled), tuple(each for each in found if isinstance(each, Unseen))

    def _row(self, row: HistoryRow) -> HistoryRow | Unseen:
        if row.outcome not in _MINED:
            return Unseen(row.place, NOT_MINED)
        try:
            mined = self._mined(row)
            if mined is None:
                return Unseen(row.place, UNKNOWN)
            facts = self._facts(self._chain.parent(mined.block), row.place)
        except NodeRefused as refused:
            return Unseen(row.place, NO_STATE, str(refused))
        if isinstance(facts, Unseen):
            return replace(facts, place=row.place)
        return row._replace(seen=Observed(facts, mined.gas_used, self._rehearsed(row, facts)))

    def _mined(self, row: HistoryRow) -> MinedTransaction | None:
        return self._chain.transaction(Digest(row.tx_hash)) if _HASH.fullmatch(row.tx_hash) else None

    def _facts(self, block: Block, place: str) -> Facts | Unseen:
        if block.hash not in self._known:
            self._known[block.hash] = self._observed(block, place)
        return self._known[block.hash]

    def _observed(self, block: Block, place: str) -> Facts | Unseen:
        try:
            return observe_at(self._chain, self._queue, self._subject, block)
        except NotDeployed:
            return Unseen(place, NO_SAFE)
        except NodeRefused as refused:
            return Unseen(place, NO_STATE, str(refused))

    def _rehearsed(self, row: HistoryRow, facts: Facts) -> Rehearsal | None:
        """The row's bytes run again on the block before, also where a module sent them: the Safe does the same."""
        if not row.has_bytes:
            return None
        nonce = facts.safe.nonce if row.nonce is None else row.nonce
        action = SafeTx(facts.account, row.to, row.value_wei, row.data, row.operation, nonce)
        paid = {payment.recipient for payment in stage_row(row, {}, self._document).case.payments}
        try:
            return rehearse(self._chain, action, facts, sorted(paid), ())
        except NodeRefused:
            # It does not simulate, or not so far back: its other answers stand.
            return None


def unseen_counts(unseen: Sequence[Unseen]) -> list[dict[str, Any]]:
    """How many rows lack facts for each reason, the most frequent first, with what the node said to the first."""
    counts = Counter(each.why for each in unseen)
    said = {each.why: each.said for each in reversed(unseen)}
    return [{"why": why, "rows": rows, "said": said[why]} for why, rows in counts.most_common()]
