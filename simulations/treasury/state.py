"""A block of paths on one evening, and what the agent did on a day: arrays whose last axis is the path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulations.treasury.book import Book, in_tokens
from simulations.treasury.source import Floats

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
SOLD, LENT, TAKEN = 0, 1, 2
"""Kinds of metered moves: a token sold, lent, or taken back from its market."""
_ROUNDING = 1e-11
"""Of what leaves: missing by less is what floats have lost over the years, and not money."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Whole tokens that counted in the policy's meters on `day`, shape (3 kinds, assets, paths)."""

    day: int
    tokens: Floats


@dataclass(frozen=True, slots=True)
class State:
    """After so many days: whole tokens in the Safe and lent, what was paid since the watch's mark (assets, paths);
    USD prices (assets, paths); the mark in USD, the first day that nothing stops, months of payroll that are due
    (paths); other tokens due (assets, paths); the moves that meters may still count."""

    day: int
    prices: Floats
    liquid: Floats
    lent: Floats
    paid: Floats
    mark: Floats
    paused_until: Ints
    owed_months: Ints
    owed: Floats
    past: tuple[Moved, ...] = ()

    @property
    def held(self) -> Floats:
        held: Floats = self.liquid + self.lent
        return held

    @property
    def nav(self) -> Floats:
        """USD that the priced tokens are worth, held and lent."""
        usd: Floats = np.einsum("ak,ak->k", self.held, self.prices)
        return usd

    def with_moves(self, liquid: Floats, lent: Floats, moved: Floats) -> State:
        """With other holdings, and `moved` (3 kinds, assets, paths) counting in the meters from today on."""
        past = (*self.past, Moved(self.day, moved)) if moved.any() else self.past
        return replace(self, liquid=liquid, lent=lent, past=past)


@dataclass(frozen=True, slots=True)
class Trade:
    """One swap that the planner wants on each path where `wanted`: places of the tokens, whole tokens sold, what it
    costs in USD, the policy's verdict, and whether it was made."""

    wanted: Flags
    token_in: Ints
    token_out: Ints
    tokens: Floats
    cost: Floats
    verdict: Ints
    made: Flags


@dataclass(frozen=True, slots=True)
class Acts:
    """What the agent did on a day, and what it could not do: `short` is a payment due that the tokens did not cover,
    `asked` a payroll that guardians did not sign. `lent` is what went to markets, below zero what came
    back (assets, paths); `spent` the USD that left as payments, `received` what arrived."""

    trades: tuple[Trade, ...]
    paid: Flags
    payroll_verdict: Ints
    short: Flags
    asked: Flags
    paused: Flags
    lent: Floats
    spent: Floats
    received: Floats
    gas: Floats

    @property
    def cost(self) -> Floats:
        """USD that the day's swaps lost against the prices."""
        made = [np.where(trade.made, trade.cost, 0.0) for trade in self.trades]
        return np.sum(made, axis=0) if made else np.zeros_like(self.spent)


def opened(book: Book, paths: int) -> State:
    """The book on every path, before the first day; the mark is what the watched tokens are worth."""
    prices = _spread([asset.price_e8 / 1e8 for asset in book.assets], paths)
    liquid = _spread(in_tokens([asset.units for asset in book.assets], book.assets), paths)
    lent = _spread(in_tokens([asset.loans.units if asset.loans else 0 for asset in book.assets], book.assets), paths)
    none, zero = np.zeros_like(prices), np.zeros(paths, np.int64)
    mark = wealth(book, prices, liquid + lent)
    return State(0, prices, liquid, lent, none, mark, zero, zero, none)


def wealth(book: Book, prices: Floats, tokens: Floats) -> Floats:
    """USD of the tokens that the watch counts."""
    watched = np.array([asset.watched for asset in book.assets])
    total: Floats = np.einsum("ak,ak->k", prices[watched], tokens[watched])
    return total


def less(one: Floats, other: Floats, out: Floats) -> Floats:
    """`one` less `other`, and exactly nothing where that is but the rounding of `out`, whole tokens that leave."""
    left = one - other
    return np.where(np.abs(left) <= _ROUNDING * out, 0.0, left)


def _spread(numbers: Iterable[float], paths: int) -> Floats:
    return np.repeat(np.array(list(numbers), np.float64)[:, None], paths, axis=1)
