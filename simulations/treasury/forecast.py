"""A book walked over many paths: what became of each, block after block, so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from simulations.treasury.book import ALLOW, ASK, DENY, Book, Calendar, in_tokens
from simulations.treasury.conditions import Course
from simulations.treasury.source import Floats, Source
from simulations.treasury.state import Acts, Flags, Ints, State, opened
from simulations.treasury.stepping import walk

BLOCK = 1_024
"""Paths a block: its arrays stay in the processor's cache."""
_MARKS = 120


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One number a path: USD at the end, paid, received, lost by swaps, spent on gas, due and unpaid at the end; the
    largest fall from a peak (0 to 1), the start among them, of what one share is worth, as a fund counts: payments and
    income only change how many shares there are; the first day on which something due was not covered, on which
    the treasury was worth less than what is due and a month's payroll, on which its runway was below the mandate's (-1:
    never); days paused; trades by verdict; USD sold; months of payroll left. `navs`, `runways` and `falls` are (marks,
    paths): on the evenings `Forecast.marks`."""

    nav: Floats
    spent: Floats
    received: Floats
    cost: Floats
    gas: Floats
    unpaid: Floats
    drawdown: Floats
    late_day: Ints
    ruin_day: Ints
    below_day: Ints
    paused_days: Ints
    allowed: Ints
    asked: Ints
    denied: Ints
    turnover: Floats
    runway: Floats
    navs: Floats
    runways: Floats
    falls: Floats


@dataclass(frozen=True, slots=True)
class Forecast:
    """`marks` are the evenings, counted from 1, on which `outcomes.navs` stand, the last day among them; `nav` is what
    the treasury was worth at the start, in USD."""

    book: Book
    nav: float
    marks: tuple[int, ...]
    outcomes: Outcomes

    @property
    def paths(self) -> int:
        return len(self.outcomes.nav)

    @property
    def has_payroll(self) -> bool:
        return any(asset.payroll_units for asset in self.book.assets)


def forecast(
    book: Book,
    calendar: Calendar,
    source: Source,
    series: int,
    paths: int,
    course: Course | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> Forecast:
    """So many paths of `calendar.days` days under the agent; `done` hears of each block. The result is the same for
    any size of block."""
    marks = marks_of(calendar.days)
    blocks = []
    for first in range(0, paths, BLOCK):
        count = min(BLOCK, paths - first)
        returns = np.empty((calendar.days, series, count))
        source.block_returns(first, count, calendar.days, returns)
        blocks.append(collected(book, walk(book, calendar, returns, course or {}), count, marks))
        done(count)
    return Forecast(book, float(opened(book, 1).nav[0]), marks, joined(blocks))


def marks_of(days: int) -> tuple[int, ...]:
    """Evenings evenly apart, at most 121, the last one among them."""
    apart = -(-days // _MARKS)
    return tuple(range(days, 0, -apart))[::-1]


def joined(blocks: Sequence[Outcomes]) -> Outcomes:
    """The blocks' paths one behind the other."""
    return Outcomes(*(np.concatenate([getattr(b, f.name) for b in blocks], axis=-1) for f in fields(Outcomes)))


def runway(book: Book, held: Floats) -> Floats:
    """Whole months of payroll that the payroll's own tokens cover, the scarcest deciding, as `strongroom.mandate` has
    it; infinite without a payroll."""
    need = np.array(in_tokens([asset.payroll_units for asset in book.assets], book.assets))
    if not need.any():
        return np.full(held.shape[1], np.inf)
    months: Floats = np.floor(held[need > 0] / need[need > 0, None] + 1e-12).min(axis=0)
    return months


def collected(book: Book, days: Iterator[tuple[State, Acts]], paths: int, marks: Sequence[int]) -> Outcomes:
    """What one block's days amount to."""
    seen = _Seen(book, paths)
    on = frozenset(marks)
    for state, acts in days:
        seen.day(state, acts, state.day in on)
    return seen.outcomes()


class _Seen:
    """Adds up a block day by day; the arrays are its own."""

    def __init__(self, book: Book, paths: int) -> None:
        self._book = book
        self._need = np.array(in_tokens([asset.payroll_units for asset in book.assets], book.assets))
        self._sums = {name: np.zeros(paths) for name in ("spent", "received", "cost", "gas", "turnover")}
        self._counts = {name: np.zeros(paths, np.int64) for name in ("paused_days", "allowed", "asked", "denied")}
        self._first = {name: np.full(paths, -1, np.int64) for name in ("late_day", "ruin_day", "below_day")}
        self._before, self._worth = opened(book, paths).nav, np.ones(paths)
        self._peak, self._drawdown = np.ones(paths), np.zeros(paths)
        self._marked: dict[str, list[Floats]] = {"navs": [], "runways": [], "falls": []}
        self._last: dict[str, Floats] = {}

    def day(self, state: State, acts: Acts, is_mark: bool) -> None:
        nav, months = state.nav, runway(self._book, state.held)
        for name in ("spent", "received", "cost", "gas"):
            self._sums[name] += getattr(acts, name)
        self._count(state, acts)
        self._note("late_day", acts.short, state.day)
        month: Floats = self._need @ state.prices
        unpaid: Floats = state.owed_months * month + np.einsum("ak,ak->k", state.owed, state.prices)
        self._note("ruin_day", nav < month + unpaid, state.day)
        self._note("below_day", months < self._book.runway_months, state.day)
        self._worth = self._worth * _growth(self._before, nav + acts.spent, acts.received)
        self._before, self._peak = nav, np.maximum(self._peak, self._worth)
        fall = 1 - self._worth / self._peak
        self._drawdown = np.maximum(self._drawdown, fall)
        self._last = {"nav": nav, "runway": months, "unpaid": unpaid}
        if is_mark:
            for name, numbers in (("navs", nav), ("runways", months), ("falls", fall)):
                self._marked[name].append(numbers)

    def _count(self, state: State, acts: Acts) -> None:
        self._counts["paused_days"] += acts.paused
        columns = np.arange(len(acts.paused))
        for trade in acts.trades:
            for name, verdict in (("allowed", ALLOW), ("asked", ASK), ("denied", DENY)):
                self._counts[name] += trade.wanted & (trade.verdict == verdict)
            sold = np.where(trade.made, trade.tokens, 0.0)
            self._sums["turnover"] += sold * state.prices[trade.token_in, columns]

    def _note(self, name: str, happened: Flags, day: int) -> None:
        self._first[name] = np.where(happened & (self._first[name] < 0), day, self._first[name])

    def outcomes(self) -> Outcomes:
        numbers: dict[str, Any] = {**self._last, "drawdown": self._drawdown}
        numbers |= self._sums | self._counts | self._first
        numbers |= {name: np.array(rows) for name, rows in self._marked.items()}
        return Outcomes(**numbers)


def _growth(before: Floats, after: Floats, received: Floats) -> Floats:
    """By what factor a day changed the worth of what was held `before` it; `after` is with what was paid, and
    `received` is among it. One where next to nothing was held: rounding is no fall."""
    held = before > 1e-9 * after
    found: Floats = np.divide(after - received, before, out=np.ones_like(before), where=held)
    return np.maximum(found, 0.0)
