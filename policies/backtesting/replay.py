"""A stretch of a history under a policy, after what came before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.backtesting.judging import Judgement, Recall, judge_row, quick
from policies.backtesting.past import Past
from policies.backtesting.rows import HistoryRow
from policies.backtesting.scene import Prices, outflows_of, stage_row
from policies.terms import PolicyDocument


@dataclass(frozen=True, slots=True)
class Stretch:
    """`rows` to judge, and what came `before` as far back as the policy's rules look; both oldest first."""

    before: tuple[HistoryRow, ...]
    rows: tuple[HistoryRow, ...]


def replay(stretch: Stretch, prices: Prices, document: PolicyDocument, recall: Recall = quick) -> Iterator[Judgement]:
    """Each row's judgement."""
    past = Past(document)
    for row in stretch.before:
        moves = () if row.transfers is not None else stage_row(row, {}, document).case.moves
        for outflow in outflows_of(row, moves, document):
            past.add(outflow)
    yield from (judge_row(row, past, prices, document, recall) for row in stretch.rows)


def stretches(rows: Sequence[HistoryRow], count: int, document: PolicyDocument) -> Iterator[Stretch]:
    """The rows in `count` parts of like length, each with its own past: none waits for another."""
    reach, size = document.history_seconds(), max(1, -(-len(rows) // count))
    for first in range(0, len(rows), size):
        since = bisect_right(rows, rows[first].time - reach, key=lambda row: row.time)
        yield Stretch(tuple(rows[since:first]), tuple(rows[first : first + size]))
