"""Back to the mandate's weights, on a block of paths: what the planner wants, the verdict, what a trade brings.

The array form of `strongroom.mandate.trades_wanted` and of the engine's rules `caps`, `approvals`, `reserves`, `losses`
and `drawdown`; tests hold all but the last against the originals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.pools.uniswap_v3_math import ONE_PIPS
from simulations.treasury.book import ALLOW, ASK, DENY, Book
from simulations.treasury.conditions import Conditions
from simulations.treasury.lending import taken_back
from simulations.treasury.metering import kept, metered, passes
from simulations.treasury.source import Floats
from simulations.treasury.state import SOLD, TAKEN, Flags, Ints, State, Trade, less, wealth

_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Sell whole `tokens` of `token_in` for `token_out` (places), on each path; zero where nothing is wanted."""

    token_in: Ints
    token_out: Ints
    tokens: Floats


def wishes(book: Book, prices: Floats, held: Floats) -> tuple[Wish, ...]:
    """Trades that bring every weighted token back to its target where one has left its band, in the planner's order:
    largest surplus against largest shortfall first, through a third token where no pool trades the two."""
    places = np.array(book.weighted, np.int64)
    if len(places) < 2:
        return ()
    values = prices[places] * held[places]
    total = values.sum(axis=0)
    target, band = (_column(book, name) for name in ("target_bps", "band_bps"))
    outside = (np.abs(values * _BPS - total * target) > total * band).any(axis=0)
    surplus = np.where(outside, values - total * target / _BPS, 0.0)
    pairs, moved = _matched(surplus, _hubs(book))
    whole = [
        (places[code // len(places)], places[code % len(places)], value)
        for code, value in zip(pairs, moved, strict=True)
    ]
    columns = np.arange(values.shape[1])
    return tuple(Wish(i, o, value / prices[i, columns]) for i, o, value in whole if value.any())


def _column(book: Book, name: str) -> Floats:
    return np.array([[getattr(book.assets[place], name)] for place in book.weighted], np.float64)


def _hubs(book: Book) -> Ints:
    """By numbers of two weighted tokens: the second itself where a pool trades them, else the first token through which
    two pools do, else -1."""
    places = book.weighted
    hubs = np.full((len(places), len(places)), -1, np.int64)
    for one, over in enumerate(places):
        for other, under in enumerate(places):
            through = (n for n, hub in enumerate(places) if {_pair(over, hub), _pair(hub, under)} <= book.pairs.keys())
            hubs[one, other] = other if _pair(over, under) in book.pairs else next(through, -1)
    return hubs


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def _matched(surplus: Floats, hubs: Ints) -> tuple[Ints, Floats]:
    """USD to move, and from which to which (number * count + number), in slots (slots, paths) as they first came up."""
    count, paths = surplus.shape
    columns = np.arange(paths)
    codes, values = np.full((2 * count, paths), -1, np.int64), np.zeros((2 * count, paths))
    for _ in range(count - 1):
        over, under = surplus.argmax(axis=0), surplus.argmin(axis=0)
        value = np.clip(np.minimum(surplus[over, columns], -surplus[under, columns]), 0.0, None)
        surplus = surplus.copy()
        surplus[over, columns] -= value
        surplus[under, columns] += value
        hub = hubs[over, under]
        first, second = (value > 0) & (hub >= 0), (value > 0) & (hub >= 0) & (hub != under)
        _add(codes, values, over * count + hub, np.where(first, value, 0.0))
        _add(codes, values, hub * count + under, np.where(second, value, 0.0))
    return np.where(values > 0, codes, 0), values


def _add(codes: Ints, values: Floats, code: Ints, value: Floats) -> None:
    """Into the slot of the same pair, or into the first free one."""
    left = value > 0
    for slot_codes, slot_values in zip(codes, values, strict=True):
        here = left & ((slot_codes == code) | (slot_codes == -1))
        slot_codes[here] = code[here]
        slot_values[here] += value[here]
        left = left & ~here


def traded(book: Book, state: State, now: Conditions, live: Flags) -> tuple[State, tuple[Trade, ...]]:
    """The state after each wish was judged and, where the verdict lets it, made; one after the other, as the units of a
    plan are. What each takes back from a market was planned before the first of them brought anything."""
    trades, planned = [], state
    for wish in wishes(book, state.prices, state.held):
        tokens = np.where(live, wish.tokens, 0.0)
        out = np.zeros_like(state.liquid)
        out[wish.token_in, np.arange(len(tokens))] = tokens
        taken, _ = taken_back(book, planned, out)
        state, trade = _one(book, state, now, Wish(wish.token_in, wish.token_out, tokens), out, taken)
        trades.append(trade)
    return state, tuple(trades)


def _one(book: Book, state: State, now: Conditions, wish: Wish, out: Floats, taken: Floats) -> tuple[State, Trade]:
    columns = np.arange(len(wish.tokens))
    value = wish.tokens * state.prices[wish.token_in, columns]
    fee = _fees(book)[wish.token_in, wish.token_out]
    cost = value * loss_share(book, now, value, fee)
    covered = np.logical_and.reduce((less(out, state.liquid + taken, out) <= 0) & (taken <= state.lent), axis=0)
    found = _verdict(book, state, wish, out, taken, cost)
    found = np.where(covered & (cost <= value * book.market.max_loss_bps / _BPS), found, DENY)
    made = (wish.tokens > 0) & passes(book, found)
    brought = np.zeros_like(out)
    brought[wish.token_out, columns] = (value - cost) / state.prices[wish.token_out, columns]
    after = _moved(state, np.where(made, out, 0.0), np.where(made, taken, 0.0), np.where(made, brought, 0.0))
    wanted = wish.tokens > 0
    return after, Trade(wanted, wish.token_in, wish.token_out, wish.tokens, cost, np.where(wanted, found, ALLOW), made)


def loss_share(book: Book, now: Conditions, value: Floats, fee: Floats) -> Floats:
    """What share of `value` (USD sold) a swap loses to its pool's `fee` (a share) and to its own impact: of a
    constant-product pool with R on each side, x less the fee f brings x (1 - f) R / (R + x (1 - f))."""
    depth = book.market.depth_e8 / 1e8 * now.depth
    return 1.0 - (1.0 - fee) * depth / (depth + value * (1.0 - fee))


def _fees(book: Book) -> Floats:
    """Shares, by the places of both tokens; zero where no pool trades them."""
    found = np.zeros((len(book.assets), len(book.assets)))
    for (one, other), pips in book.pairs.items():
        found[one, other] = found[other, one] = pips / ONE_PIPS
    return found


def _verdict(book: Book, state: State, wish: Wish, out: Floats, taken: Floats, cost: Floats) -> Ints:
    found = np.zeros(len(wish.tokens), np.int64)
    for place in book.weighted:
        if out[place].any():
            found = np.maximum(found, metered(book, state, SOLD, place, out[place]))
            found = np.maximum(found, metered(book, state, TAKEN, place, taken[place]))
            found = np.maximum(found, kept(book, state, place, out[place], taken[place]))
    if book.drawdown_bps is None:
        return found
    floor = state.mark * (1 - book.drawdown_bps / _BPS)
    falls = wealth(book, state.prices, state.held + state.paid) - cost < floor
    return np.maximum(found, np.where(falls & (cost > 0), ASK, ALLOW))


def _moved(state: State, out: Floats, taken: Floats, brought: Floats) -> State:
    moved = np.stack([out, np.zeros_like(out), taken])
    return state.with_moves(less(state.liquid + taken, out, out) + brought, state.lent - taken, moved)
