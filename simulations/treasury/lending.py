"""Markets on a block of paths: what is taken back before a payment or a sale, and what the mandate lends of what lies
idle. The array form of `strongroom.mandate.withdrawals_needed` and `lending_wanted`."""

from __future__ import annotations

import numpy as np

from simulations.treasury.book import Book, Loans
from simulations.treasury.metering import counted, kept, metered, moves_of, passes, room
from simulations.treasury.source import Floats
from simulations.treasury.state import LENT, TAKEN, Flags, State, less

_INTEREST_PART = 1_000
"""One part in so many of the largest position is left for interest, as the planner leaves it."""


def taken_back(book: Book, state: State, out: Floats) -> tuple[Floats, Flags]:
    """Whole tokens to take back before `out` (assets, paths) leaves, and whether it is then covered: what is missing
    and what the policy keeps, as far as that is lent too; nothing where all that is lent does not cover it."""
    keep = np.array([[asset.keep_units / 10**asset.decimals] for asset in book.assets])
    missing = less(out, state.liquid, out)
    covered = less(missing, state.lent, out) <= 0
    taken = np.where((missing > 0) & covered, np.minimum(missing + keep, state.lent), 0.0)
    whole: Flags = np.logical_and.reduce(covered, axis=0)
    return taken, whole


def lent_out(book: Book, state: State, live: Flags) -> tuple[State, Floats]:
    """The state after the job `lend`, and what went to markets (assets, paths), below zero what came back."""
    moved = np.zeros_like(state.liquid)
    for place, asset in enumerate(book.assets):
        if asset.loans and asset.loans.idle:
            moved[place] = np.where(live, _moved(book, state, place, asset.loans), 0.0)
    taken = np.where(moved < 0, -moved, 0.0)
    entry = np.stack([np.zeros_like(moved), np.where(moved > 0, moved, 0.0), taken])
    return state.with_moves(state.liquid - moved, state.lent + moved, entry), moved


def _moved(book: Book, state: State, place: int, loans: Loans) -> Floats:
    assert loans.idle is not None
    scale = 10 ** book.assets[place].decimals
    step, liquid, lent = loans.idle.step_units / scale, state.liquid[place], state.lent[place]
    over = liquid - loans.idle.keep_units / scale
    back = np.where(over <= -step, np.minimum(-over, lent), 0.0)
    asked = metered(book, state, TAKEN, place, back)
    back = np.where(passes(book, asked), back, 0.0)
    supply = np.where(over >= step, np.minimum(over, _room(book, state, place, loans)), 0.0)
    supply = np.where(passes(book, kept(book, state, place, supply, np.zeros_like(supply))), supply, 0.0)
    return np.where(supply >= step, supply, 0.0) - back


def _room(book: Book, state: State, place: int, loans: Loans) -> Floats:
    """What the agent may lend alone now: no guardian is asked for interest."""
    if loans.meter is None:
        return np.zeros_like(state.lent[place])
    decimals = book.assets[place].decimals
    before = counted(loans.meter, moves_of(state.past, LENT, place), decimals, state.day)
    most = (loans.most_units - loans.most_units // _INTEREST_PART) / 10**decimals
    free: Floats = np.minimum(room(loans.meter, decimals, before), most - state.lent[place])
    return np.maximum(free, 0.0)
