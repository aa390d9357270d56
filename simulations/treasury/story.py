"""What happened on one path, in values: each act of the agent and each thing it could not do, day by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from simulations.treasury.book import ALLOW, ASK, DENY, Book
from simulations.treasury.state import Acts, State, Trade

VERDICTS = {ALLOW: "allow", ASK: "ask", DENY: "deny"}


@dataclass(frozen=True, slots=True)
class Event:
    """On `day` (0 is the first) one thing happened. `kind`: `pay`, `late` (due and not covered), `unsigned` (due and
    covered, and no guardian signed, or none could), `swap`, `lend`, `take back`, `pause`, `resume`. Whole tokens of
    `token`, for `other` in a swap; the policy's verdict where one was asked; `made` is whether it was carried out."""

    day: int
    kind: str
    token: str = ""
    tokens: float = 0.0
    other: str = ""
    verdict: str = ""
    made: bool = True
    cost_usd: float = 0.0


def events(book: Book, days: Iterable[tuple[State, Acts]]) -> tuple[Event, ...]:
    """All of one path's days, each with exactly one path."""
    return tuple(event for event in _events(book, days))


def _events(book: Book, days: Iterable[tuple[State, Acts]]) -> Iterator[Event]:
    paused = False
    for state, acts in days:
        day, now_paused = state.day - 1, bool(acts.paused[0])
        if now_paused != paused:
            yield Event(day, "pause" if now_paused else "resume")
        paused = now_paused
        yield from _payments(day, acts)
        yield from (_swap(book, day, trade) for trade in acts.trades if trade.wanted[0])
        yield from _lending(book, day, acts)


def _payments(day: int, acts: Acts) -> Iterator[Event]:
    if acts.paid[0]:
        yield Event(day, "pay", verdict=VERDICTS[int(acts.payroll_verdict[0])])
    if acts.short[0]:
        yield Event(day, "late", made=False)
    if acts.asked[0]:
        yield Event(day, "unsigned", verdict=VERDICTS[int(acts.payroll_verdict[0])], made=False)


def _swap(book: Book, day: int, trade: Trade) -> Event:
    token, other = (book.assets[int(place[0])].token for place in (trade.token_in, trade.token_out))
    verdict, cost = VERDICTS[int(trade.verdict[0])], float(trade.cost[0])
    return Event(day, "swap", token, float(trade.tokens[0]), other, verdict, bool(trade.made[0]), cost)


def _lending(book: Book, day: int, acts: Acts) -> Iterator[Event]:
    for asset, moved in zip(book.assets, acts.lent, strict=True):
        if moved[0]:
            yield Event(day, "lend" if moved[0] > 0 else "take back", asset.token, float(np.abs(moved[0])))
