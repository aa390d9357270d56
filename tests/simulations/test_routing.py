"""A split gives what no other split beats, in exact units, over Uniswap V3 pools alone and with a V2 pair among them; a
route accepts no less than oracles and quote allow."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulations.gas_bound import net_bound
from simulations.optimality import gap
from simulations.pools.uniswap_v2 import FEE_PIPS, PairSide
from simulations.routing import NoRoute, Terms, best_split, net_of, route, side_of, split
from simulations.water_filling import Depth, curve, water_fill
from strongroom.model import NATIVE, Address, Label, Labelled, PairState, Swap
from strongroom.protocols.erc20 import encode_approve, read_balance
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap, pair_from, pair_reads
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.valuation import Price
from strongroom.world.people import ALICE
from strongroom.world.treasury import DECIMALS, USDC, WETH

GRID = 40
DOLLAR = Price(10**8, 10**8)


@pytest.fixture(scope="module", params=["pools", "pools and a pair"])
def held(request, module_world, module_chain, pools):
    """Where WETH and USDC trade: the fee tiers of Uniswap V3, alone or with the Uniswap V2 pair."""
    tokens = module_world.contracts.tokens
    found = [state for state in pools if {state.token0, state.token1} == {tokens[WETH], tokens[USDC]}]
    if request.param == "pools":
        return found
    pair = module_world.contracts.pair(WETH, USDC).address
    return [*found, pair_from(pair, module_chain.read(pair_reads(pair), module_chain.head()))]


@pytest.fixture(scope="module")
def tiers(module_world, held):
    """The same, by the token sold."""
    tokens = module_world.contracts.tokens
    return {sold: [(state, side_of(state, tokens[sold])) for state in held] for sold in (WETH, USDC)}


def most_in(one_side):
    """What the side can take; of a pair a hundredfold of its reserve, which nobody would sell."""
    return 100 * one_side.reserve_in if isinstance(one_side, PairSide) else one_side.taken[-1]


def grid_best(sides, units):
    """The most that any split on a grid of fortieths gives. Rounding each share down leaves a few units unsold, which
    no grid point needs to win."""
    best = [0] + [float("-inf")] * GRID
    for each in sides:
        column = [out(each, units * step // GRID) for step in range(GRID + 1)]
        best = [max(best[total - step] + column[step] for step in range(total + 1)) for total in range(GRID + 1)]
    return best[GRID]


def out(one_side, units):
    quote = one_side.quote_in(units)
    return quote.units_out if quote else 0


def whole(sold, amount):
    return amount * 10 ** DECIMALS[sold]


def rounding(found):
    """What the pools' own rounding may cost or spare: a unit in and a unit out for each step crossed."""
    crossed = sum(steps(part.side, part.quote.units_in) for part in found.parts)
    units_in = sum(part.quote.units_in for part in found.parts)
    return crossed * (1 + -(-found.units_out // units_in))


def steps(one_side, units):
    return 1 if isinstance(one_side, PairSide) else bisect_left(one_side.taken, units)


@pytest.mark.parametrize(("sold", "amount"), [(WETH, 1), (WETH, 40), (WETH, 400), (USDC, 1_000), (USDC, 900_000)])
def test_no_split_on_a_grid_beats_the_split_found(tiers, sold, amount):
    sides = [each for _, each in tiers[sold]]
    found = split(tiers[sold], whole(sold, amount))
    best = grid_best(sides, whole(sold, amount))
    assert found.units_out + rounding(found) >= best


@pytest.mark.parametrize(("sold", "amount"), [(WETH, 400), (USDC, 900_000)])
def test_a_large_order_gains_by_being_split(tiers, sold, amount):
    units = whole(sold, amount)
    found = split(tiers[sold], units)
    assert len(found.parts) > 1
    assert found.units_out > max(out(each, units) for _, each in tiers[sold])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([WETH, USDC]), st.floats(0, 0.98), st.integers(1, 1000))
def test_every_split_sells_exactly_the_order_and_proves_its_optimality(tiers, sold, share, dust):
    """The certificate bounds what any other split could add: a billionth of the output, for any order."""
    sides = [each for _, each in tiers[sold]]
    units = dust + int(sum(most_in(each) for each in sides) ** share)
    # Dust is sold for nothing by a pair, which refuses: then the best split is one without it.
    found = best_split(tiers[sold], units)
    assert sum(part.quote.units_in for part in found.parts) == units
    assert found.units_out == sum(part.side.quote_in(part.quote.units_in).units_out for part in found.parts)
    assert 0 <= found.gap_units <= found.units_out // 10**9 + 2 * len(sides)


reserves = st.one_of(st.integers(1, 10**6), st.integers(10**12, 10**30))
any_pair = st.builds(PairState, st.just(NATIVE), st.just(Address("0xA")), st.just(Address("0xB")), reserves, reserves)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["0xA", "0xB"]), st.integers(0, 4), st.integers(0, 3), st.floats(0, 1))
def test_any_pools_gaps_included_take_exactly_the_order_and_beat_each_alone(any_pool, data, token, count, pairs, share):
    drawn = [*(data.draw(any_pool) for _ in range(count)), *(data.draw(any_pair) for _ in range(pairs))]
    tiers = [(state, side_of(state, token)) for state in drawn]
    units = int(sum(most_in(each) for _, each in tiers) * share)
    found = best_split(tiers, units)
    alone = max((out(each, units) for _, each in tiers), default=0)
    assert found is not None or alone == 0
    if found:
        assert sum(part.quote.units_in for part in found.parts) == units
        assert found.units_out >= alone


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([WETH, USDC]), st.floats(0.4, 0.98), st.floats(0, 1))
@example(USDC, 0.884765625, 1.0)  # The largest pool is sold out to the last unit: what rounding leaves goes elsewhere.
def test_nothing_moved_from_one_pool_to_another_gains(tiers, sold, share, moved):
    """The marginal prices are equal where they must be: no transfer, of any size, between any two pools gives a unit
    more than the pools' own rounding."""
    sides = [each for _, each in tiers[sold]]
    found = best_split(tiers[sold], int(sum(most_in(each) for each in sides) ** share))
    amounts = {id(part.side): part.quote.units_in for part in found.parts}
    for giver in found.parts:
        less = int(giver.quote.units_in * moved) or 1
        for taker in sides:
            had = amounts.get(id(taker), 0)
            if taker is not giver.side and had + less <= most_in(taker):
                before = giver.quote.units_out + out(taker, had)
                after = out(giver.side, giver.quote.units_in - less) + out(taker, had + less)
                assert after <= before + rounding(found) + steps(taker, had + less) + len(sides)


@given(
    st.sampled_from([WETH, USDC]), st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(sum), st.floats(0.3, 0.9)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_certificate_of_a_poor_split_covers_what_the_best_one_gains(tiers, sold, shares, size):
    sides = [each for _, each in tiers[sold]]
    units = int(min(most_in(each) for each in sides) ** size)
    amounts = [int(units * share / sum(shares)) for share in shares[: len(sides)]]
    quotes = [each.quote_in(amount) for each, amount in zip(sides, amounts, strict=True)]
    poor = sum(quote.units_out for quote in quotes if quote)
    best = split(tiers[sold], sum(amounts))
    if best:
        assert best.units_out <= poor + gap(sides, quotes) + len(sides) * rounding(best)


@pytest.mark.parametrize("cost", [0, 10**3, 10**6, 10**8, 10**12])
def test_a_pool_is_used_only_when_it_earns_its_gas(tiers, cost):
    """Output less gas is the best over all subsets, counted one by one."""
    units = whole(WETH, 400)
    found = best_split(tiers[WETH], units, cost)
    subsets = [list(some) for size in (1, 2, 3, 4) for some in combinations(tiers[WETH], size)]
    nets = [each.units_out - cost * (len(each.parts) - 1) for some in subsets if (each := split(some, units))]
    assert found.units_out - cost * (len(found.parts) - 1) == max(nets)
    assert cost < 10**12 or len(found.parts) == 1


def test_an_order_beyond_the_pools_has_no_split(tiers):
    most = sum(each.most_in if isinstance(each, PairSide) else each.taken[-1] for _, each in tiers[WETH])
    assert best_split(tiers[WETH], most + 1) is None
    assert best_split(tiers[WETH], 0) is None
    assert best_split([], 1) is None


@pytest.mark.parametrize("cost", [0, 10**5, 10**7, 10**9])
def test_of_many_pools_those_that_do_not_earn_their_gas_are_left_out_and_the_bound_says_what_was_missed(cost):
    sides = [(state, side_of(state, "0xA")) for state in many_pairs(40)]
    units, curves = 10**12, [curve(each) for _, each in sides]
    found = best_split(sides, units, cost)
    net = net_of(found, cost)
    assert net >= net_of(split(sides, units), cost)
    for part in found.parts:
        fewer = split([(other.pool, other.side) for other in found.parts if other is not part], units)
        assert fewer is None or net_of(fewer, cost) <= net
    bound = net_bound(curves, units, cost)
    assert net <= bound <= net * (1 + 10**-3)


@pytest.mark.parametrize("cost", [0, 10**6, 10**8])
def test_no_subset_nets_more_than_the_bound(tiers, cost):
    units = whole(WETH, 400)
    nets = [
        net_of(found, cost)
        for size in range(1, len(tiers[WETH]) + 1)
        for some in combinations(tiers[WETH], size)
        if (found := split(some, units))
    ]
    assert max(nets) <= net_bound([curve(each) for _, each in tiers[WETH]], units, cost)


def test_a_prepared_depth_ends_at_one_price():
    """Proven to a millionth of a basis point, at sizes over many magnitudes."""
    sides = [side_of(state, "0xA") for state in many_pairs(40)]
    depth = Depth.of([curve(each) for each in sides])
    for exponent in range(9, 16):
        amounts = depth.amounts(10**exponent)
        quotes = [each.quote_in(amount) if amount else None for each, amount in zip(sides, amounts, strict=True)]
        assert sum(amounts) == 10**exponent
        assert gap(sides, quotes) <= 10**exponent * 1e-10 + len(sides)


def many_pairs(count):
    """Pairs of one price within a per cent, over three magnitudes of depth."""
    draw = Random(count)
    for place in range(count):
        depth = int(10 ** draw.uniform(11, 14))
        yield PairState(
            Address(f"0x{place}"), Address("0xA"), Address("0xB"), depth, int(depth * draw.uniform(1, 1.01))
        )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.floats(0, 1))
def test_a_prepared_depth_shares_every_order_as_the_search_does(any_pool, data, share):
    """Also where the order ends at a breakpoint, and where thin pools lie behind deep ones."""
    sides = [side_of(data.draw(any_pool), "0xA") for _ in range(data.draw(st.integers(1, 4)))]
    curves = [curve(each) for each in sides]
    most = sum(each.taken[-1] for each in curves)
    units = max(int(most**share), 1)
    depth = Depth.of(curves)
    if found := depth.amounts(units):
        assert sum(found) == units
        quotes = [each.quote_in(amount) for each, amount in zip(sides, found, strict=True)]
        searched = [each.quote_in(amount) for each, amount in zip(sides, water_fill(curves, units), strict=True)]
        given_units, expected = (sum(each.units_out for each in some if each) for some in (quotes, searched))
        assert abs(given_units - expected) <= gap(sides, quotes) + gap(sides, searched) + 200 * len(sides)
    assert depth.amounts(most + 1) is None and depth.amounts(0) is None


def order(sold, bought, units):
    token_in, token_out = Labelled(sold, Label.MANDATE), Labelled(bought, Label.MANDATE)
    return Swap("s", token_in, token_out, Labelled(units, Label.MANDATE), Labelled("", Label.MANDATE))


@pytest.fixture
def sell_weth(module_world, held):
    """Routes a sale of whole WETH for USDC under given terms."""
    tokens = {token.id: token for token in module_world.tokens}

    def routed(amount, terms):
        return route(order(WETH, USDC, whole(WETH, amount)), tokens[WETH], tokens[USDC], held, terms)

    return routed


TERMS = Terms(Price(3_000 * 10**8, 3_001 * 10**8), DOLLAR, slippage_bps=30, loss_bps=300)


def test_each_leg_accepts_the_quote_less_slippage_but_never_less_than_the_oracles(sell_weth):
    for terms in (TERMS, replace(TERMS, slippage_bps=1_000), replace(TERMS, slippage_bps=0)):
        found = sell_weth(400, terms)
        assert found.amount_in_units == sum(leg.amount_in_units for leg in found.legs) == whole(WETH, 400)
        assert found.min_out_units == sum(leg.min_out_units for leg in found.legs)
        for leg in found.legs:
            value = Fraction(leg.amount_in_units * 3_001 * 10**6, 10**18)
            quoted = leg.quoted_out_units * Fraction(10_000 - terms.slippage_bps, 10_000)
            least = max(quoted, value * Fraction(9_700, 10_000))
            assert least <= leg.min_out_units < least + 1
            assert leg.min_out_units <= leg.quoted_out_units


def test_a_quote_below_the_oracle_floor_is_refused_with_both_numbers(sell_weth):
    """The most expensive leg decides, and somewhere more tolerance turns the answer, once."""
    answers = [sell_weth(400, replace(TERMS, loss_bps=bps)) for bps in range(0, 400, 5)]
    refused = [isinstance(answer, NoRoute) for answer in answers]
    assert refused == sorted(refused, reverse=True)
    assert 0 < sum(refused) < 80
    assert re.search(
        r"gives `[\d,.]+ USDC` for `[\d,.]+ WETH`, below the oracle floor `[\d,.]+ USDC`", answers[0].reason
    )


def test_a_price_that_the_pools_have_left_behind_is_refused(sell_weth):
    assert isinstance(sell_weth(1, replace(TERMS, price_in=Price(3_200 * 10**8, 3_200 * 10**8))), NoRoute)


def test_an_order_that_the_pools_cannot_take_is_refused_with_its_size(sell_weth):
    answer = sell_weth(10**16, TERMS)
    assert isinstance(answer, NoRoute)
    assert "cannot take `10,000,000,000,000,000.00 WETH`" in answer.reason


def test_each_leg_gives_for_real_exactly_what_was_quoted(world, chain, held, sell_weth):
    tokens, pair = world.contracts.tokens, (world.contracts.tokens[WETH], world.contracts.tokens[USDC])
    world.mint(WETH, ALICE.address, whole(WETH, 400))
    for router in (world.contracts.swap_router, world.contracts.pair_router):
        world.send_as(ALICE.address, tokens[WETH], encode_approve(router, whole(WETH, 400)))
    legs = sell_weth(400, TERMS).legs
    pairs = {state.pool for state in held if isinstance(state, PairState)}
    assert len(legs) == len(held)
    for leg in legs:
        amounts = (leg.amount_in_units, leg.quoted_out_units)
        if leg.pool in pairs:
            assert leg.fee_pips == FEE_PIPS
            router, data = world.contracts.pair_router, encode_swap(PairSwap(*pair, ALICE.address, 2**40, *amounts))
        else:
            swap = ExactInput(*pair, leg.fee_pips, ALICE.address, 2**40, *amounts)
            router, data = world.contracts.swap_router, encode_exact_input(swap)
        assert world.send_as(ALICE.address, router, data).success
    assert chain.read([read_balance(tokens[USDC], ALICE.address)], chain.head()) == [
        sum(leg.quoted_out_units for leg in legs)
    ]


def test_the_pair_adds_to_what_the_pools_give_alone(module_world, held):
    """A large order gains by every venue: the split over all of them beats the split over any of them left out."""
    sides = [(state, side_of(state, module_world.contracts.tokens[WETH])) for state in held]
    every = best_split(sides, whole(WETH, 400))
    assert len(every.parts) == len(held)
    for left_out in range(len(sides)):
        others = sides[:left_out] + sides[left_out + 1 :]
        assert every.units_out > best_split(others, whole(WETH, 400)).units_out
