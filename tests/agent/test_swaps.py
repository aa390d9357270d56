"""A swap goes over every listed pool of its tokens, at whichever venue, and does on chain what its route says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.example import policy
from agent.swaps import Routed, routed
from policies.terms import UNISWAP_V2, PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import Facts, Label, Labelled, Lane, Operation, Swap, TokenId
from strongroom.observe import Subject, observe
from strongroom.protocols.erc20 import read_allowance, read_balance
from strongroom.protocols.multisend import encode_multisend
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import GUARDIANS
from strongroom.world.treasury import DAI, USDC, WETH, units
from strongroom.world.world import World


def without_pairs(world: World) -> PolicyDocument:
    """The example's policy with the pools of Uniswap V3 alone."""
    document = policy(world)
    return replace(document, venues={id_: v for id_, v in document.venues.items() if v.kind != UNISWAP_V2})


def look(world: World, chain: RpcChain) -> Facts:
    contracts = world.contracts
    subject = Subject(
        world.account,
        world.tokens,
        world.feeds,
        None,
        0,
        pools=tuple((pool.address, contracts.tick_lens) for pool in contracts.pools),
        pairs=tuple(pair.address for pair in contracts.pairs),
    )
    return observe(chain, MemoryQueue(world.account, (), {}), subject)


def order(sold: TokenId, bought: TokenId, amount: int) -> Swap:
    token_in, token_out = Labelled(sold, Label.MANDATE), Labelled(bought, Label.MANDATE)
    return Swap("s", token_in, token_out, Labelled(amount, Label.MANDATE), Labelled("", Label.MANDATE))


@pytest.mark.parametrize(("sold", "bought"), [(WETH, USDC), (USDC, WETH)])
def test_a_large_swap_is_split_over_both_venues_and_gives_exactly_what_was_quoted(
    sold: TokenId, bought: TokenId, world: World, chain: RpcChain
) -> None:
    amount = world.treasury.holdings[sold]
    found = routed(order(sold, bought, amount), look(world, chain), policy(world), Lane.OWNER)
    assert isinstance(found, Routed)
    assert {venue.id for venue in found.venues} == {"uniswap", "uniswap_v2"}
    tokens, safe = world.contracts.tokens, world.account.safe
    held = [read_balance(tokens[token], safe) for token in (sold, bought)]
    before = chain.read(held, chain.head())
    batch = encode_multisend(found.calls)
    sent = world.safe_exec(
        world.account, GUARDIANS[:2], world.contracts.multisend, batch, operation=Operation.DELEGATECALL
    )
    assert sent.success
    left, got = chain.read(held, chain.head())
    assert before[0] - left == amount
    assert got - before[1] == sum(leg.quoted_out_units for leg in found.route.legs)
    allowances = [read_allowance(tokens[sold], safe, venue.router) for venue in found.venues]
    assert chain.read(allowances, chain.head()) == [0, 0]


def test_a_second_venue_gives_more_and_one_that_is_not_listed_is_never_used(world: World, chain: RpcChain) -> None:
    facts, swap = look(world, chain), order(WETH, USDC, units(WETH, 60))
    alone = routed(swap, facts, without_pairs(world), Lane.AGENT)
    both = routed(swap, facts, policy(world), Lane.AGENT)
    assert isinstance(alone, Routed)
    assert isinstance(both, Routed)
    assert [venue.id for venue in alone.venues] == ["uniswap"]
    quoted = [sum(leg.quoted_out_units for leg in found.route.legs) for found in (alone, both)]
    assert quoted[1] > quoted[0]


def test_a_pair_that_was_not_seen_is_left_out_and_a_pool_is_never_taken_for_a_pair(
    world: World, chain: RpcChain
) -> None:
    facts, document, swap = look(world, chain), policy(world), order(WETH, USDC, units(WETH, 60))
    unseen = routed(swap, replace(facts, pairs=()), document, Lane.AGENT)
    assert isinstance(unseen, Routed)
    assert [venue.id for venue in unseen.venues] == ["uniswap"]
    mistaken = {id_: replace(venue, kind=UNISWAP_V2) for id_, venue in document.venues.items() if id_ == "uniswap"}
    answer = routed(swap, facts, replace(document, venues=mistaken), Lane.AGENT)
    assert isinstance(answer, str)
    assert "cannot take" in answer


def test_two_tokens_without_a_listed_pool_are_named(world: World, chain: RpcChain) -> None:
    answer = routed(order(WETH, DAI, 1), look(world, chain), policy(world), Lane.AGENT)
    assert answer == "no venue is listed with a pool of `WETH` and `DAI`"
