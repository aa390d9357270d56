"""Shares of an order sum to it, also where it takes all that the pools hold, and none is sold for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.uniswap_v2 import PairSide
from simulations.pools.uniswap_v3 import side
from simulations.routing import best_split, split
from simulations.water_filling import Depth, curve, water_fill
from strongroom.model import Address, PoolState, PopulatedTick
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

ONE, OTHER = Address(f"0x{1:040x}"), Address(f"0x{2:040x}")
ranges = st.tuples(st.integers(-300, 290), st.integers(1, 40), st.integers(3, 28))


def pool(held: list[tuple[int, int, int]], price: int) -> PoolState:
    """Ranges of (from, width, digits of the liquidity), in tens of ticks."""
    nets: dict[int, int] = {}
    for start, width, digits in held:
        for tick, sign in ((start * 10, 1), ((start + width) * 10, -1)):
            nets[tick] = nets.get(tick, 0) + sign * 10**digits
    inside = sum(10**digits for start, width, digits in held if start * 10 <= price < (start + width) * 10)
    ticks = tuple(PopulatedTick(tick, net) for tick, net in sorted(nets.items()) if net)
    return PoolState(Address(f"0x{9:040x}"), ONE, OTHER, 500, 10, sqrt_price_at_tick(price), price, inside, ticks)


pools = st.lists(
    st.builds(pool, st.lists(ranges, min_size=1, max_size=4), st.integers(-200, 200)), min_size=1, max_size=4
)


@given(pools, st.fractions(0, 1), st.sampled_from([ONE, OTHER]))
def test_shares_sum_to_the_order_up_to_all_that_the_pools_take(
    states: list[PoolState], part: Any, sold: Address
) -> None:
    curves = [curve(side(each, sold)) for each in states]
    most = sum(each.taken[-1] for each in curves)
    for units in (int(most * part), most, most - 1):
        for found in (water_fill(curves, units), Depth.of(curves).amounts(units)):
            assert (found is None) is (units <= 0)
            assert found is None or sum(found) == units
            assert all(0 <= share <= each.taken[-1] for share, each in zip(found or (), curves))  # noqa: B905


@pytest.mark.parametrize("count", [1, 2, 8, 9, 12])
def test_an_order_too_small_for_every_pair_goes_to_fewer(count: int) -> None:
    """Four units of output in all: a dozen pairs would each be sold a third of one for nothing."""
    sides: list[Any] = [(None, PairSide(10**18, 10**6))] * count
    found = best_split(sides, 5 * 10**12)
    assert found is not None and sum(part.quote.units_in for part in found.parts) == 5 * 10**12
    assert found.units_out == 4
    assert split(sides, 10**9) is None, "nothing for it anywhere"
