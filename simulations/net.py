"""The pools of several tokens at one block, made ready for the search of prices: every direction in which a flow from
the token sold to the token bought may use a pool, its ranges in rows, and prices to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.price_search import Floats, Ints
from simulations.routing import State, side_of
from simulations.water_filling import AnySide, Curve, curve
from strongroom.model import Address


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of one pool."""

    pool: State
    token_in: Address
    token_out: Address
    side: AnySide
    curve: Curve


@dataclass(frozen=True)
class Net:
    """Ways from `sold` to `bought`, none of them into the first or out of the second. `tokens` are those met, in the
    order of the arrays that `price_search` takes."""

    sold: Address
    bought: Address
    ways: tuple[Way, ...]
    tokens: tuple[Address, ...]

    @cached_property
    def rows(self) -> tuple[Floats, Ints]:
        """Ranges (n, 3) of level from, level to and weight, and the way of each. Gaps have none."""
        found = [(*each, place) for place, way in enumerate(self.ways) for each in _ranges(way.curve)]
        table = np.array(found, dtype=np.float64).reshape(-1, 4)
        return np.ascontiguousarray(table[:, :3]), table[:, 3].astype(np.int64)

    @cached_property
    def places(self) -> dict[Address, int]:
        """The token sold is the first, the token bought the second."""
        return {token: place for place, token in enumerate(self.tokens)}

    @cached_property
    def steps(self) -> list[tuple[int, int]]:
        """The tokens, by place, that each way sells and buys."""
        return [(self.places[way.token_in], self.places[way.token_out]) for way in self.ways]

    @cached_property
    def ends(self) -> Ints:
        return np.array(self.steps, dtype=np.int64)

    @cached_property
    def begin(self) -> Floats:
        """Prices in the token bought, each by the first pool that leads to what is priced already."""
        known = {self.bought: 1.0}
        while fresh := next((way for way in self.ways if (way.token_in in known) != (way.token_out in known)), None):
            ratio = fresh.curve.levels[0] ** 2
            if fresh.token_out in known:
                known[fresh.token_in] = known[fresh.token_out] / ratio
            else:
                known[fresh.token_out] = known[fresh.token_in] * ratio
        return np.array([known.get(token, 1.0) for token in self.tokens])


def net(pools: Iterable[State], sold: Address, bought: Address) -> Net | None:
    """The net of all pools that some flow from `sold` to `bought` can use; `None` where none leads there."""
    found = [way for pool in pools for way in _ways(pool) if way.token_in != bought and way.token_out != sold]
    ahead = _met(sold, [(way.token_in, way.token_out) for way in found])
    behind = _met(bought, [(way.token_out, way.token_in) for way in found])
    ways = tuple(way for way in found if {way.token_in, way.token_out} <= ahead & behind)
    tokens = dict.fromkeys([sold, bought, *(way.token_out for way in ways)])
    return Net(sold, bought, ways, tuple(tokens)) if bought in ahead and sold != bought else None


def _ways(pool: State) -> Iterator[Way]:
    for token_in, token_out in ((pool.token0, pool.token1), (pool.token1, pool.token0)):
        one = side_of(pool, token_in)
        yield Way(pool, token_in, token_out, one, curve(one))


def _met(start: Address, steps: Sequence[tuple[Address, Address]]) -> set[Address]:
    """What can be reached from `start`, itself too."""
    met, more = {start}, {start}
    while more:
        more = {end for begin, end in steps if begin in more} - met
        met |= more
    return met


def _ranges(curve: Curve) -> Iterator[tuple[float, float, float]]:
    for start, end, weight in zip(curve.levels, curve.levels[1:], curve.weights, strict=False):
        if weight and end > start:
            yield start, end, weight
