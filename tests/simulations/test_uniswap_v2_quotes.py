"""Quotes equal the deployed router's where it hurts most, and the deployed pair pays them, and not a wei more."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.pools.uniswap_v2 import PairSide, amount_in, amount_out, pair_side
from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE, Address, PairState
from strongroom.ports import Override, SimulatedCall
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve, read_balance
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap, pair_from, pair_reads
from strongroom.world.people import ALICE
from strongroom.world.treasury import DAI, HALL, USDC, WETH
from strongroom.world.treasury import units as whole

MOST = 2**112 - 1
EDGES = (1, 2, 3, 996, 997, 998, 1_000, 1_001, 10**6, 10**18 - 1, 10**18 + 1, 2**96, MOST - 1, MOST)


def load(world, chain):
    """Every pair of the world, at the newest block."""
    block = chain.head()
    pairs = [pair.address for pair in world.contracts.pairs]
    return [pair_from(pair, chain.read(pair_reads(pair), block)) for pair in pairs]


def sides(world, chain, draw, count):
    """Both directions of every pair of the world, the extremes, and reserves of every magnitude."""
    real = [pair_side(state, token) for state in load(world, chain) for token in (state.token0, state.token1)]
    extreme = [PairSide(one, other) for one in (1, 1_000, MOST - 1, MOST) for other in (1, 997, MOST)]
    drawn = [PairSide(magnitude(draw, MOST), magnitude(draw, MOST)) for _ in range(count)]
    return [*real, *extreme, *drawn]


def magnitude(draw, most):
    return min(most, 2 ** draw.randint(0, most.bit_length()) + draw.choice([-1, 0, 1, draw.randrange(most)]) % most + 1)


def inputs(side, draw, spread):
    """Dust, the last that the pair can book, and the inputs at which the output grows by one."""
    outs = [magnitude(draw, side.reserve_out - 1) for _ in range(spread)] if side.reserve_out > 1 else []
    steps = [amount_in(out, side.reserve_in, side.reserve_out) for out in outs]
    edges = [1, side.most_in, 2**256 // 997, *steps, magnitude(draw, MOST)]
    return sorted({amount for edge in edges for amount in (edge - 1, edge, edge + 1) if 0 <= amount < 2**256})


def outputs(side, draw, spread):
    """Dust, the whole reserve, and outputs of every magnitude."""
    edges = [1, side.reserve_out, *(magnitude(draw, side.reserve_out) for _ in range(spread))]
    return sorted({amount for edge in edges for amount in (edge - 1, edge, edge + 1) if amount >= 0})


def answers(world, chain, name, asked):
    """What the deployed router's pure function says to each (side, amount), all in one simulation; `None` where it
    reverts."""
    signature, router = f"{name}(uint256,uint256,uint256)", world.contracts.pair_router
    calls = [
        SimulatedCall(ALICE.address, router, 0, encode_call(signature, amount, side.reserve_in, side.reserve_out))
        for side, amount in asked
    ]
    results = chain.simulate(calls, {}, chain.head())
    return [int.from_bytes(result.returned, "big") if result.success else None for result in results]


def test_every_quote_is_the_deployed_routers(module_world, module_chain):
    """The router's arithmetic knows two limits less than the pair: it sells for nothing, and beyond 112 bits."""
    draw, wrong = random.Random(5), []
    several = sides(module_world, module_chain, draw, 90)
    asked = [(side, amount) for side in several for amount in inputs(side, draw, 7)]
    wanted = [(side, amount) for side in several for amount in outputs(side, draw, 7)]
    given = answers(module_world, module_chain, "getAmountOut", asked)
    taken = answers(module_world, module_chain, "getAmountIn", wanted)
    for (side, amount), their in zip(asked, given, strict=True):
        booked = amount <= side.most_in
        if side.quote_in(amount) != ((amount, their) if their and booked else None):
            wrong.append(("in", side, amount, their))
        if booked and amount and amount_out(amount, side.reserve_in, side.reserve_out) != their:
            wrong.append(("raw", side, amount, their))
    for (side, amount), their in zip(wanted, taken, strict=True):
        if side.quote_out(amount) != ((their, amount) if their is not None and their <= side.most_in else None):
            wrong.append(("out", side, amount, their))
    assert not wrong, wrong[:3]
    assert len(asked) + len(wanted) >= 4_000
    assert sum(their is not None for their in (*given, *taken)) >= 3_500


# Storage of a pair: tokens, reserves and the lock (v2-core `UniswapV2Pair.sol`); of the token: balances first.
TOKEN0, TOKEN1, RESERVES, UNLOCKED, BALANCES = 6, 7, 8, 12, 0


class Stage:
    """The deployed pair's code at fresh addresses inside one simulation, each with reserves and an input paid in."""

    def __init__(self, world, chain):
        self.chain, self.block = chain, chain.head()
        self.code = chain.code(world.contracts.pairs[0].address, self.block)
        self.tokens = sorted((world.contracts.tokens[DAI], world.contracts.tokens[HALL]), key=lambda t: int(t, 16))
        self.pairs, self.held, self.calls = {}, {token: {} for token in self.tokens}, []

    def ask(self, side, zero_for_one, paid, wanted):
        """A pair of these reserves that was paid `paid` and is asked for `wanted`."""
        place = to_address((len(self.pairs) + 1 << 80).to_bytes(20, "big"))
        reserves = (side.reserve_in, side.reserve_out) if zero_for_one else (side.reserve_out, side.reserve_in)
        storage = {TOKEN0: int(self.tokens[0], 16), TOKEN1: int(self.tokens[1], 16), UNLOCKED: 1}
        storage[RESERVES] = reserves[0] | reserves[1] << 112
        self.pairs[place] = Override(
            {slot: value.to_bytes(32, "big") for slot, value in storage.items()}, code=self.code
        )
        balances = (reserves[0] + paid, reserves[1]) if zero_for_one else (reserves[0], reserves[1] + paid)
        for token, balance in zip(self.tokens, balances, strict=True):
            self.held[token][slot_of(place)] = balance.to_bytes(32, "big")
        outs = (0, wanted) if zero_for_one else (wanted, 0)
        data = encode_call("swap(uint256,uint256,address,bytes)", *outs, ALICE.address, b"")
        self.calls.append(SimulatedCall(ALICE.address, place, 0, data))

    def answers(self):
        overrides = {token: Override(slots) for token, slots in self.held.items()} | self.pairs
        return [answer.success for answer in self.chain.simulate(self.calls, overrides, self.block)]


def slot_of(holder: Address) -> int:
    return int.from_bytes(keccak(bytes(12) + bytes.fromhex(holder[2:]) + BALANCES.to_bytes(32, "big")), "big")


def test_the_deployed_pair_pays_each_quote_and_not_one_wei_more(module_world, module_chain):
    draw, stage = random.Random(6), Stage(module_world, module_chain)
    expected = []
    for side in sides(module_world, module_chain, draw, 25):
        for paid in inputs(side, draw, 2):
            if not 0 < paid <= MOST:
                continue
            quote, zero_for_one = side.quote_in(paid), draw.random() < 0.5
            raw = amount_out(paid, side.reserve_in, side.reserve_out)
            stage.ask(side, zero_for_one, paid, raw)
            stage.ask(side, zero_for_one, paid, raw + 1)
            expected += [quote is not None, False]
    assert stage.answers() == expected
    assert len(expected) >= 500
    assert 200 <= sum(expected) < len(expected) // 2


def test_the_deployed_pair_gives_each_output_for_its_price(module_world, module_chain):
    draw, stage = random.Random(7), Stage(module_world, module_chain)
    expected = []
    for side in sides(module_world, module_chain, draw, 25):
        for wanted in outputs(side, draw, 2):
            quote = side.quote_out(wanted)
            paid = quote.units_in if quote else side.most_in
            stage.ask(side, draw.random() < 0.5, paid, wanted)
            expected.append(quote is not None)
    assert stage.answers() == expected
    assert sum(expected) >= 150


@pytest.mark.parametrize(("sold", "bought"), [(WETH, USDC), (USDC, WETH), (USDC, DAI), (HALL, WETH)])
def test_swaps_through_the_router_give_exactly_what_was_quoted_one_after_another(world, chain, sold, bought):
    tokens, router = world.contracts.tokens, world.contracts.pair_router
    pair, draw = world.contracts.pair(sold, bought).address, random.Random(8)
    held = read_balance(tokens[bought], ALICE.address)
    world.mint(sold, ALICE.address, whole(sold, 500))
    world.send_as(ALICE.address, tokens[sold], encode_approve(router, whole(sold, 500)))
    for _ in range(6):
        state = pair_from(pair, chain.read(pair_reads(pair), chain.head()))
        (before,) = chain.read([held], chain.head())
        paid = draw.randint(10**13, whole(sold, 500) // 6) if sold != USDC else draw.randint(1, whole(sold, 80))
        quote = pair_side(state, tokens[sold]).quote_in(paid)
        order = PairSwap(tokens[sold], tokens[bought], ALICE.address, 2**40, paid, 0)
        assert world.send_as(ALICE.address, router, encode_swap(order)).success == (quote is not None)
        (after,) = chain.read([held], chain.head())
        assert after - before == (quote.units_out if quote else 0)


reserves = st.one_of(st.sampled_from(EDGES), st.integers(1, 2_000), st.integers(1, MOST))


@given(reserves, reserves, st.one_of(st.integers(1, 5_000), reserves), st.integers(1, 10**6))
def test_more_in_never_gives_less_and_the_price_of_an_output_always_buys_it(into, outof, paid, step):
    side = PairSide(into, outof)
    quote, more = side.quote_in(paid), side.quote_in(paid + step)
    if quote and more:
        assert quote.units_out <= more.units_out < outof
    if quote:
        price = side.quote_out(quote.units_out)
        assert price is not None
        assert price.units_in <= paid + 1
    if asked := side.quote_out(min(paid, outof)):
        assert side.quote_in(asked.units_in).units_out >= asked.units_out
        # One less is too little, but where the router's added wei was not needed: then two less are.
        less = side.quote_in(asked.units_in - 2)
        assert less is None or less.units_out < asked.units_out


@given(reserves, reserves, reserves)
def test_no_swap_makes_the_pair_poorer(into, outof, paid):
    """The product of the reserves never falls, and without the fee it never rises."""
    if quote := PairSide(into, outof).quote_in(paid):
        left = outof - quote.units_out
        assert (into + paid) * left >= into * outof
        assert (1_000 * into + 997 * paid) * (left - 1) < 1_000 * into * outof


@given(reserves, reserves, reserves, st.integers(1, 10**6))
def test_the_marginal_price_falls_and_bounds_what_a_further_unit_gives(into, outof, paid, step):
    side, scale = PairSide(into, outof), 2**192
    before, after = side.marginal(paid, scale), side.marginal(paid + step, scale)
    assert after <= before
    exact = (
        997
        * 1_000
        * into
        * outof
        * scale
        * step
        // ((1_000 * into + 997 * paid) * (1_000 * into + 997 * (paid + step)))
    )
    assert after * step <= exact <= (before + 1) * step


def test_what_a_pair_does_not_hold_or_is_empty_of_is_refused():
    state = PairState(NATIVE, Address("0xA"), Address("0xB"), 5, 7)
    assert pair_side(state, Address("0xA")) == PairSide(5, 7)
    assert pair_side(state, Address("0xB")) == PairSide(7, 5)
    with pytest.raises(ValueError, match="does not hold"):
        pair_side(state, NATIVE)
    with pytest.raises(ValueError, match="is empty"):
        pair_side(PairState(NATIVE, Address("0xA"), Address("0xB"), 5, 0), Address("0xA"))
