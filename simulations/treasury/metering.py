"""The policy's meters over a block of paths: what the rules `caps` and `approvals` say to a move, in whole tokens.

The level of a leaky bucket is taken from the moves themselves, as the rule does: the most that any stretch up to now
took in beyond what has drained since. All that moves on a day moves at one time of day.
"""

from __future__ import annotations

import numpy as np

from simulations.treasury.book import ALLOW, ASK, DAY_SECONDS, DENY, Asset, Book, Meter
from simulations.treasury.source import Floats
from simulations.treasury.state import LENT, SOLD, TAKEN, Flags, Ints, Moved, State, less


def metered(book: Book, state: State, kind: int, place: int, tokens: Floats) -> Ints:
    """What the caps and tiers say to a move of `tokens` (paths,), after the moves of the state."""
    asset = book.assets[place]
    meter = meter_of(asset, kind)
    before = counted(meter, moves_of(state.past, kind, place), asset.decimals, state.day)
    return np.where(tokens > 0, verdict(meter, asset.decimals, before, tokens), ALLOW)


def kept(book: Book, state: State, place: int, out: Floats, taken: Floats) -> Ints:
    """An ask where less than the policy's `keep` would stay in the Safe and the unit takes some of it."""
    asset = book.assets[place]
    left = less(state.liquid[place] + taken, out + asset.keep_units / 10**asset.decimals, out)
    return np.where((out > taken) & (left < 0), ASK, ALLOW)


def passes(book: Book, verdict: Ints) -> Flags:
    """What is carried out the same day: what is allowed, and what guardians sign."""
    found: Flags = (verdict == ALLOW) | ((verdict == ASK) & book.guardians_sign)
    return found


def meter_of(asset: Asset, kind: int) -> Meter | None:
    """The meter that a move of this kind counts in; lending and taking back have the same limits, each by itself."""
    if kind == SOLD:
        return asset.swaps
    return asset.loans.meter if asset.loans else None


def verdict(meter: Meter | None, decimals: int, past: tuple[Floats, ...], tokens: Floats) -> Ints:
    """On one move of `tokens` (paths,): `past` are the window's total, the bucket's level and each tier's total before
    it, as `counted` gives them."""
    if meter is None:
        return np.where(tokens > 0, DENY, ALLOW)
    scale = 10**decimals
    limits = (meter.cap_units, meter.at_once_units, *(tier.above_units for tier in meter.tiers))
    asked = np.zeros(tokens.shape, np.bool_)
    for before, limit in zip(past, limits, strict=True):
        asked |= before + tokens > limit / scale
    return np.where(tokens > meter.never_units / scale, DENY, np.where(asked, ASK, ALLOW))


def room(meter: Meter, decimals: int, past: tuple[Floats, ...]) -> Floats:
    """Whole tokens that the agent may move alone: the least left of window, bucket and lowest tier, never negative."""
    scale = 10**decimals
    alone = min([meter.at_once_units, *(tier.above_units for tier in meter.tiers)]) / scale
    left = np.minimum(meter.cap_units / scale - past[0], meter.at_once_units / scale - past[1])
    free: Floats = np.clip(np.minimum(left, alone), 0.0, None)
    return free


def counted(meter: Meter | None, moves: tuple[tuple[int, Floats], ...], decimals: int, day: int) -> tuple[Floats, ...]:
    """What moved before, by (day, whole tokens): the window's total, the bucket's level, each tier's total."""
    if meter is None:
        return ()
    windows = (meter.window_seconds, *(tier.window_seconds for tier in meter.tiers))
    totals = [_since(moves, window, day) for window in windows]
    return totals[0], _level(meter, moves, decimals, day), *totals[1:]


def moves_of(past: tuple[Moved, ...], kind: int, place: int) -> tuple[tuple[int, Floats], ...]:
    """The moves of one kind and token, oldest first."""
    return tuple((each.day, each.tokens[kind, place]) for each in past)


def still_counting(book: Book, past: tuple[Moved, ...], day: int) -> tuple[Moved, ...]:
    """Without the moves that no meter counts any more."""
    meters = (meter_of(asset, kind) for asset in book.assets for kind in (SOLD, LENT, TAKEN))
    reach = max((meter.reach_seconds for meter in meters if meter), default=0)
    return tuple(each for each in past if (day - each.day) * DAY_SECONDS < reach)


def _since(moves: tuple[tuple[int, Floats], ...], seconds: int, day: int) -> Floats:
    young = [tokens for at, tokens in moves if (day - at) * DAY_SECONDS < seconds]
    return np.sum(young, axis=0) if young else np.zeros(1)


def _level(meter: Meter, moves: tuple[tuple[int, Floats], ...], decimals: int, day: int) -> Floats:
    scale = 10**decimals
    highest = taken = np.zeros(1)
    for at, tokens in reversed(moves):
        age = (day - at) * DAY_SECONDS
        # The rule forgets a move after the longer of the two, though a larger one may not have drained yet.
        if age >= max(meter.window_seconds, meter.drain_seconds):
            continue
        taken = taken + tokens
        highest = np.maximum(highest, taken - age * meter.at_once_units / (meter.drain_seconds * scale))
    return highest
