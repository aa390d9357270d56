"""The agent's day on a block of paths: prices move, income arrives, the watch looks, payroll first, then what else is
due, then the mandate's weights, then what lies idle. Pure: a state and a day's returns give the next state and acts.

Jobs run once a day here, at one time of day; what a real treasurer does within hours is one day's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulations.treasury.book import ALLOW, Book, Calendar, in_tokens
from simulations.treasury.conditions import CALM, Conditions, Course
from simulations.treasury.lending import lent_out, taken_back
from simulations.treasury.metering import kept, metered, passes, still_counting
from simulations.treasury.source import Floats
from simulations.treasury.state import TAKEN, Acts, Flags, Ints, State, less, opened, wealth
from simulations.treasury.trading import traded
from strongroom.fees import TIP_WEI

_BPS, _YEAR = 10_000, 365
_WEI = 10**18


def walk(book: Book, calendar: Calendar, returns: Floats, course: Course) -> Iterator[tuple[State, Acts]]:
    """Each evening and the day's acts; `returns` are log-returns of shape (days, series, paths). Raises `ValueError`
    on a return that is not finite."""
    if not np.isfinite(returns).all():
        raise ValueError("a return is not finite")
    state = opened(book, returns.shape[2])
    for day in range(calendar.days):
        state, acts = step(book, calendar, course.get(day, CALM), returns[day], state)
        yield state, acts


def step(book: Book, calendar: Calendar, now: Conditions, returns: Floats, state: State) -> tuple[State, Acts]:
    """One day; `returns` (series, paths) lead to its prices."""
    state, received = _arrived(book, calendar, now, _priced(book, now, returns, state))
    state = _watched(book, now, state)
    live, waits = state.paused_until <= state.day, state.owed_months > 0
    sends = live & (_base_fee(book, now) <= book.market.max_base_fee_wei)
    state, paid, verdict, short = _payroll(book, state, sends)
    state, owed, owing = _dues(book, state, sends)
    trading = sends & (calendar.rebalances[state.day] and not now.frozen)
    state, trades = traded(book, state, now, trading) if trading.any() else (state, ())
    lending = sends & calendar.lends[state.day]
    state, lent = lent_out(book, state, lending) if lending.any() else (state, np.zeros_like(state.lent))
    spent = np.where(paid, _payroll_usd(book, state), 0.0) + np.einsum("ak,ak->k", owed, state.prices)
    units = paid.astype(np.float64) + (owed > 0).sum(axis=0) + (lent != 0).sum(axis=0)
    gas = _gas(book, now, state, units + np.sum([trade.made for trade in trades], axis=0) if trades else units)
    asked = sends & waits & ~(paid | short)
    evening = replace(state, day=state.day + 1, past=still_counting(book, state.past, state.day + 1))
    return evening, Acts(trades, paid, verdict, short | owing, asked, ~live, lent, spent, received, gas)


def _priced(book: Book, now: Conditions, returns: Floats, state: State) -> State:
    """The day's prices; interest and losses of what is lent."""
    prices, lent = state.prices.copy(), state.lent.copy()
    growth = np.exp(returns)
    for place, asset in enumerate(book.assets):
        if asset.series is not None:
            prices[place] *= growth[asset.series]
        prices[place] *= now.prices.get(asset.token, 1.0)
        if asset.loans:
            lent[place] *= (1 + asset.loans.rate_bps / (_BPS * _YEAR)) * (1 - now.lent_lost.get(asset.token, 0.0))
    return replace(state, prices=prices, lent=lent)


def _arrived(book: Book, calendar: Calendar, now: Conditions, state: State) -> tuple[State, Floats]:
    """With the day's schedule and payday, and the USD that came."""
    units = np.zeros(len(book.assets))
    due = np.zeros(len(book.assets))
    for flow in book.flows:
        if flow.day == state.day:
            place = book.place(flow.token)
            tokens = abs(flow.units) / 10 ** book.assets[place].decimals
            (units if flow.units > 0 else due)[place] += tokens
    received: Floats = units @ state.prices
    months = state.owed_months + (calendar.pays[state.day] and bool(_payroll_need(book).any()))
    liquid, owed = state.liquid + units[:, None], state.owed + due[:, None]
    return replace(state, liquid=liquid, owed=owed, owed_months=months), received


def _watched(book: Book, now: Conditions, state: State) -> State:
    """Paused where the watch finds too much lost; back after the pause, with a new mark."""
    if book.drawdown_bps is None:
        return state
    back = (state.paused_until == state.day) & (state.paused_until > 0)
    paid = np.where(back, 0.0, state.paid)
    worth = wealth(book, state.prices, state.held + paid)
    mark = np.where(back, worth, state.mark)
    fallen = (worth < mark * (1 - book.drawdown_bps / _BPS)) & (state.paused_until <= state.day)
    # A stale price stops the watch too: what it cannot value it cannot call lost.
    until = np.where(fallen & (not now.frozen), state.day + book.resume_days, state.paused_until)
    return replace(state, paid=paid, mark=mark, paused_until=until)


def _payroll(book: Book, state: State, sends: Flags) -> tuple[State, Flags, Ints, Flags]:
    """The oldest month that is due, whole or not at all: half of a payroll pays nobody."""
    due = sends & (state.owed_months > 0)
    out = np.where(due, _payroll_need(book)[:, None], 0.0)
    taken, covered = taken_back(book, state, out)
    verdict = np.maximum(_leaving(book, state, out, taken), np.where(due, book.payroll_verdict, ALLOW))
    paid = due & covered & passes(book, verdict)
    after = _paid_out(state, np.where(paid, out, 0.0), np.where(paid, taken, 0.0))
    return replace(after, owed_months=state.owed_months - paid), paid, verdict, due & ~covered


def _dues(book: Book, state: State, sends: Flags) -> tuple[State, Floats, Flags]:
    """Of what else is due, each token whole or not at all. People ask for these, so no verdict waits here."""
    due = np.where(sends, state.owed, 0.0)
    if not due.any():
        return state, due, np.zeros_like(sends)
    out = np.where(less(due, state.held, due) <= 0, due, 0.0)
    taken, _ = taken_back(book, state, out)
    short: Flags = np.logical_or.reduce(due > out, axis=0)
    return replace(_paid_out(state, out, taken), owed=state.owed - out), out, short


def _paid_out(state: State, out: Floats, taken: Floats) -> State:
    moved = np.stack([np.zeros_like(out), np.zeros_like(out), taken])
    paid = state.with_moves(less(state.liquid + taken, out, out), state.lent - taken, moved)
    return replace(paid, paid=state.paid + out)


def _leaving(book: Book, state: State, out: Floats, taken: Floats) -> Ints:
    """What the reserves, and the caps of what is taken back, say to a payment."""
    found = np.zeros(out.shape[1], np.int64)
    for place in range(len(book.assets)):
        if out[place].any():
            found = np.maximum(found, kept(book, state, place, out[place], taken[place]))
            found = np.maximum(found, metered(book, state, TAKEN, place, taken[place]))
    return found


def _payroll_need(book: Book) -> Floats:
    return np.array(in_tokens([asset.payroll_units for asset in book.assets], book.assets))


def _payroll_usd(book: Book, state: State) -> Floats:
    usd: Floats = _payroll_need(book) @ state.prices
    return usd


def _base_fee(book: Book, now: Conditions) -> int:
    return book.market.base_fee_wei if now.base_fee_wei is None else now.base_fee_wei


def _gas(book: Book, now: Conditions, state: State, units: Floats) -> Floats:
    """USD that the agent's key spends on so many units; no part of the treasury."""
    if book.market.coin is None:
        return np.zeros_like(units)
    usd: Floats = (
        units * (book.market.gas_units * (_base_fee(book, now) + TIP_WEI) / _WEI) * state.prices[book.market.coin]
    )
    return usd
