"""A flow over several tokens is executable to the last unit, and nothing that a flow can give exceeds its bound."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulations.multi_hop import Flow, best_flow
from simulations.routing import side_of, split
from strongroom.model import Address, PairState

A, B, C, D = (Address(f"0x{letter}") for letter in "ABCD")
UNIT = 10**18


def market(seed: int, tokens: int, pairs: int, noise: float = 0.003) -> list[PairState]:
    """Pairs of tokens whose prices agree but for `noise`, over three magnitudes of depth."""
    draw = Random(seed)
    prices = [10 ** draw.uniform(-2, 2) for _ in range(tokens)]
    return [_drawn(draw, prices, place, noise) for place in range(pairs)]


def _drawn(draw: Random, prices: list[float], place: int, noise: float) -> PairState:
    first, second = draw.sample(range(len(prices)), 2)
    value = 10 ** draw.uniform(21, 24)
    reserves = int(value / prices[first]), int(value / prices[second] * draw.uniform(1 - noise, 1 + noise))
    return PairState(
        Address(f"0x{place}"), Address(f"0x{'ABCDEFGH'[first]}"), Address(f"0x{'ABCDEFGH'[second]}"), *reserves
    )


def pair(name: str, first: Address, second: Address, reserve: int, other: int) -> PairState:
    return PairState(Address(name), first, second, reserve, other)


def out(pool: PairState, sold: Address, units: int) -> int:
    quote = side_of(pool, sold).quote_in(units)
    return quote.units_out if quote else 0


def replayed(found: Flow, sold: Address, units: int) -> Counter[Address]:
    """What one holds after the swaps, made in their order. Fails on a swap of more than is held by then, and on a pool
    used twice, whose second quote would be of a state that is gone."""
    held = Counter({sold: units})
    for hop in found.hops:
        assert held[hop.way.token_in] >= hop.quote.units_in > 0
        again = side_of(hop.pool, hop.way.token_in).quote_in(hop.quote.units_in)
        assert again == hop.quote
        held[hop.way.token_in] -= hop.quote.units_in
        held[hop.way.token_out] += hop.quote.units_out
    assert len({hop.pool.pool for hop in found.hops}) == len(found.hops)
    return +held


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 6),
    st.integers(1, 25),
    st.floats(3, 23.5),
    st.sampled_from([0.0, 0.003, 0.05]),
)
def test_every_flow_spends_the_order_to_the_last_unit_and_stays_below_its_bound(seed, tokens, pairs, size, noise):
    """What is in between is spent whole, also where pools are so far out of line that trades would run in circles."""
    pools = market(seed, tokens, pairs, noise)
    units = int(10**size)
    found = best_flow(pools, A, B, units)
    if found:
        assert replayed(found, A, units) == Counter({B: found.units_out})
        assert found.units_out <= found.bound_units
    direct = [(pool, side_of(pool, A)) for pool in pools if {pool.token0, pool.token1} == {A, B}]
    if direct and units > 10**6 and (alone := split(direct, units)):
        assert found and found.bound_units >= alone.units_out


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 5), st.integers(4, 20), st.floats(18, 23))
@example(21, 3, 19, 20.25)
@example(427466, 5, 17, 20.936654087990547)
def test_where_the_pools_agree_the_flow_reaches_its_bound(seed, tokens, pairs, size):
    """Without fees to be earned in a circle, primal and dual meet to a part in a billion."""
    found = best_flow(market(seed, tokens, pairs, 0.0), A, B, int(10**size))
    if found:
        assert found.bound_units - found.units_out <= found.units_out * 1e-9 + 100 * len(found.hops)


def test_of_one_pair_the_flow_is_the_split():
    pools = [pair(f"0x{place}", A, B, UNIT * 10**place, UNIT * 10**place) for place in range(3, 7)]
    found = best_flow(pools, A, B, 10_000 * UNIT)
    alone = split([(pool, side_of(pool, A)) for pool in pools], 10_000 * UNIT)
    assert found and alone
    assert abs(found.units_out - alone.units_out) <= len(pools)


def test_no_grid_of_two_paths_beats_the_flow():
    """A to B directly, and through C: every hundredth of the order on either path, quoted exactly."""
    direct, first = pair("0x1", A, B, 10**24, 10**24), pair("0x2", A, C, 10**24, 2 * 10**24)
    second = pair("0x3", C, B, 10**24, 5 * 10**23)
    units = 10**23
    found = best_flow([direct, first, second], A, B, units)

    def through(share):
        own = units * share // 100
        middle = out(first, A, units - own)
        return out(direct, A, own) + out(second, C, middle)

    best = max(map(through, range(101)))
    assert len(found.hops) == 3
    assert best <= found.units_out <= found.bound_units <= best * (1 + 10**-4)


@pytest.mark.parametrize("cost", [0, 10**15, 10**18, 10**20, 10**21])
def test_a_hop_is_kept_only_when_it_earns_its_gas(cost):
    """Of a small net the best of all subsets of pools, counted one by one, nets no more than the bound, and hardly more
    than what was found."""
    pools, units = market(5, 3, 7), 10**22
    found = best_flow(pools, A, B, units, cost)
    subsets = [some for size in range(1, 8) for some in combinations(pools, size)]
    nets = [each.net_units(cost) for some in subsets if (each := best_flow(some, A, B, units))]
    assert max(nets) <= found.bound_units
    assert found.net_units(cost) >= max(nets) * (1 - 1e-5)


def test_trades_that_would_run_in_a_circle_become_a_sequence():
    """Two pools of C and D far out of line: at the prices found, C is sold in one and bought back in the other."""
    apart = [pair("0x1", C, D, 10**22, 10**22), pair("0x2", C, D, 10**22, 2 * 10**22)]
    through = [pair("0x3", A, C, 10**23, 10**23), pair("0x4", C, B, 10**23, 10**23)]
    found = best_flow([*apart, *through], A, B, 10**21)
    assert found and replayed(found, A, 10**21) == Counter({B: found.units_out})
    assert len(found.hops) == 2 and found.units_out < found.bound_units


def test_what_leads_nowhere_or_holds_too_little_has_no_flow():
    pools = [pair("0x1", A, C, 10**20, 10**20), pair("0x2", D, B, 10**20, 10**20)]
    assert best_flow(pools, A, B, 10**18) is None
    assert best_flow([], A, B, 1) is None
    assert best_flow([pair("0x1", A, B, 10**20, 10**20)], A, B, 0) is None
    assert best_flow([pair("0x1", A, B, 10**20, 10**20)], A, B, 2**112) is None
    assert best_flow([pair("0x1", A, B, 10**20, 10**20)], A, A, 1) is None


def test_ranges_and_pairs_share_a_flow(any_pool):
    """Any pool of Uniswap V3 beside pairs: executable and below its bound."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(any_pool, st.floats(0.2, 0.95))
    def holds(pool, share):
        most = side_of(pool, A).taken[-1]
        units = int(most**share) or 1
        others = [pair("0x1", A, C, 10**22, 10**22), pair("0x2", C, B, 10**22, 10**22)]
        found = best_flow([pool, *others], A, B, units)
        if found:
            assert replayed(found, A, units) == Counter({B: found.units_out})
            assert found.units_out <= found.bound_units

    holds()
