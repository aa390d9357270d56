"""Uniswap V2 as it stands in the world, and the codec against the deployed router."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, PairState, TokenId
from strongroom.protocols import erc20, uniswap_v2
from strongroom.protocols.abi import encode_call
from strongroom.protocols.uniswap_v2 import PairSwap, decode_swap, encode_swap, pair_from, pair_reads
from strongroom.world.people import ALICE
from strongroom.world.treasury import DAI, DECIMALS, HALL, PRICES_E8, USDC, WETH
from strongroom.world.uniswap_v2 import OFFERS, Offer
from strongroom.world.world import World

FOREVER = 2**40
addresses = st.binary(min_size=20, max_size=20).map(to_address)
words = st.integers(0, 2**256 - 1)
swaps = st.builds(PairSwap, addresses, addresses, addresses, words, words, words)


def load(world: World, chain: RpcChain, one: TokenId, other: TokenId) -> PairState:
    pair = world.contracts.pair(one, other).address
    state = pair_from(pair, chain.read(pair_reads(pair), chain.head()))
    assert state is not None
    return state


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: "/".join(offer.pair))
def test_each_pair_starts_at_the_feeds_but_for_its_skew(offer: Offer, world: World, chain: RpcChain) -> None:
    state, tokens = load(world, chain, *offer.pair), world.contracts.tokens
    assert int(state.token0, 16) < int(state.token1, 16)
    held = {state.token0: state.reserve0_units, state.token1: state.reserve1_units}
    first, second = (held[tokens[t]] * PRICES_E8[t][0] // 10 ** DECIMALS[t] // 10**8 for t in offer.pair)
    assert first + second == pytest.approx(offer.depth_usd, rel=1e-3)
    assert (second - first) * 10_000 / first == pytest.approx(offer.skew_bps, abs=0.1)


def test_the_router_finds_each_pair_where_we_do(world: World, chain: RpcChain) -> None:
    """The router computes a pair's address from the hash of the pair's code, which must be that of the real one."""
    contracts, block = world.contracts, chain.head()
    (factory,) = chain.read([uniswap_v2.read_factory(contracts.pair_router)], block)
    assert factory == contracts.pair_factory
    for pair in contracts.pairs:
        one, other = (contracts.tokens[token] for token in pair.pair)
        reads = [uniswap_v2.read_pair(factory, one, other), uniswap_v2.read_pair(factory, other, one)]
        assert chain.read(reads, block) == [pair.address] * 2
    tokens = contracts.tokens
    assert chain.read([uniswap_v2.read_pair(factory, tokens[DAI], tokens[WETH])], block) == [None]
    with pytest.raises(KeyError):
        contracts.pair(DAI, WETH)


def test_a_swap_sells_exactly_its_amount_and_gives_no_less_than_it_must(world: World, chain: RpcChain) -> None:
    tokens, router, units = world.contracts.tokens, world.contracts.pair_router, 5 * 10**18
    world.mint(WETH, ALICE.address, 2 * units)
    world.send_as(ALICE.address, tokens[WETH], erc20.encode_approve(router, 2 * units))
    held = [erc20.read_balance(tokens[token], ALICE.address) for token in (WETH, USDC)]
    swap = PairSwap(tokens[WETH], tokens[USDC], ALICE.address, FOREVER, units, 14_000 * 10**6)
    assert world.send_as(ALICE.address, router, encode_swap(swap)).success
    left, got = chain.read(held, chain.head())
    assert left == units
    assert 14_900 * 10**6 < got < 15_000 * 10**6
    greedy = PairSwap(tokens[WETH], tokens[USDC], ALICE.address, FOREVER, units, 15_000 * 10**6)
    late = PairSwap(tokens[WETH], tokens[USDC], ALICE.address, world.now(), units, 0)
    assert not world.send_as(ALICE.address, router, encode_swap(greedy)).success
    world.advance(60)
    assert not world.send_as(ALICE.address, router, encode_swap(late)).success
    assert chain.read(held, chain.head()) == [left, got]


@given(swaps)
def test_a_swap_survives_the_round_trip_and_differs_from_its_blank_in_three_words_only(swap: PairSwap) -> None:
    data = encode_swap(swap)
    assert decode_swap(data) == swap
    blank = bytearray(encode_swap(PairSwap(swap.token_in, swap.token_out, swap.recipient, 0, 0, 0)))
    for word, value in (
        (uniswap_v2.AMOUNT_WORD, swap.amount_in_units),
        (uniswap_v2.MIN_OUT_WORD, swap.min_out_units),
        (uniswap_v2.DEADLINE_WORD, swap.deadline),
    ):
        blank[word : word + 32] = value.to_bytes(32, "big")
    assert bytes(blank) == data


@given(swaps, st.integers(0, 10**6))
def test_no_other_bytes_pass_for_a_swap(swap: PairSwap, at: int) -> None:
    """One flipped bit gives another swap or none; cut, lengthened and longer paths give none."""
    data = bytearray(encode_swap(swap))
    data[at % len(data)] ^= 1 << at % 8
    with suppress(ValueError):
        assert encode_swap(decode_swap(bytes(data))) == bytes(data)
    path = [swap.token_in, swap.token_out]
    for wrong in (path[:1], [*path, swap.token_in], []):
        with pytest.raises(ValueError, match="is not one pair"):
            decode_swap(encode_call(uniswap_v2.EXACT_TOKENS, 1, 1, wrong, swap.recipient, 1))
    for spoilt in (encode_swap(swap)[:-1], encode_swap(swap) + bytes(32)):
        with pytest.raises(ValueError, match=r"swapExactTokensForTokens|not \("):
            decode_swap(spoilt)


def test_what_is_no_pair_or_holds_nothing_has_no_state(world: World, chain: RpcChain) -> None:
    tokens, block = world.contracts.tokens, chain.head()
    for address in (NATIVE, tokens[USDC]):
        assert pair_from(address, chain.read(pair_reads(address), block)) is None
    create = encode_call("createPair(address,address)", tokens[DAI], tokens[HALL])
    assert world.send_as(ALICE.address, world.contracts.pair_factory, create).success
    read = uniswap_v2.read_pair(world.contracts.pair_factory, tokens[DAI], tokens[HALL])
    (empty,) = chain.read([read], chain.head())
    assert empty is not None
    assert pair_from(empty, chain.read(pair_reads(empty), chain.head())) is None
