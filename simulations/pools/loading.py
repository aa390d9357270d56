"""Pools from the chain, whole, each from batches at one pinned block, and believed only once they have been tried: what
a pool or vault itself shows for a few amounts must be what it is quoted at, or it is not quoted. So a rate, a rounding
or a version that is not known here can give no wrong quote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from simulations.pools.balancer_stable import StablePool
from simulations.pools.balancer_weighted import WeightedSide
from simulations.pools.curve import CurvePool, Generation
from simulations.pools.erc4626 import Vault
from simulations.pools.fixed_point import ONE
from strongroom.model import Address, Block
from strongroom.ports import Chain, Read
from strongroom.protocols.balancer_v2 import (
    StableState,
    Traits,
    WeightedState,
    query_read,
    stable_from,
    stable_reads,
    trait_reads,
    traits_from,
    weighted_from,
    weighted_reads,
)
from strongroom.protocols.curve import CurveState, curve_from, curve_reads, shown_read
from strongroom.protocols.erc20 import read_decimals
from strongroom.protocols.erc4626 import VaultState, rated_reads, vault_from, vault_reads

_PARTS = (1_000_003, 997, 10)
"""One part in so many of a balance is asked for: dust, and enough to bend the price."""
_OFFSETS = (None, *range(19))


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Why a pool is not quoted."""

    pool: Address
    reason: str


@dataclass(frozen=True, slots=True)
class Coins:
    """A pool that trades any of its coins for any other, by their places."""

    coins: tuple[Address, ...]
    pool: CurvePool | StablePool


@dataclass(frozen=True, slots=True)
class Sides:
    """A weighted pool: its tokens, and each direction by the places of what is sold and bought."""

    coins: tuple[Address, ...]
    sides: dict[tuple[int, int], WeightedSide]


def load_curve(chain: Chain, pool: Address, block: Block) -> Coins | NotLoaded:
    """A stableswap pool of Curve, in two batches."""
    state = curve_from(pool, chain.read(curve_reads(pool), block))
    if isinstance(state, str):
        return NotLoaded(pool, state)
    pairs = list(permutations(range(len(state.coins)), 2))
    asked = [(*pair, max(state.balances_units[pair[0]] // part, 1)) for pair in pairs for part in _PARTS]
    places, shown = _split(chain, block, _decimals(state.coins), [shown_read(pool, *each) for each in asked])
    if any(each is None or each > 18 for each in places):
        return NotLoaded(pool, "a coin has no decimals, or more than 18")
    found = _curve(state, places)
    if [found.shown_in(*each) for each in asked] != shown:
        return NotLoaded(pool, "its `get_dy` is not what its balances, rates and fee make it")
    return Coins(state.coins, found)


def _curve(state: CurveState, decimals: Sequence[int]) -> CurvePool:
    generation = Generation.NG if state.rates_e18 else Generation.THREE_POOL
    if state.amp_precise is not None and not state.rates_e18:
        generation = Generation.TEMPLATE
    return CurvePool(
        generation,
        state.balances_units,
        state.rates_e18 or tuple(10 ** (36 - each) for each in decimals),
        state.amp if state.amp_precise is None else state.amp_precise,
        state.fee_e10,
        state.admin_fee_e10,
        state.offpeg_e10 or 0,
    )


def load_stable(chain: Chain, vault: Address, pool: Address, block: Block) -> Coins | NotLoaded:
    """A stable pool of Balancer V2, in three batches."""
    traits = traits_from(chain.read(trait_reads(pool), block))
    if isinstance(traits, str):
        return NotLoaded(pool, traits)
    state = stable_from(pool, chain.read(stable_reads(vault, pool, traits.pool_id), block))
    if state is None:
        return NotLoaded(pool, "does not answer as a stable pool, or holds nothing of a token")
    pairs = list(permutations(range(len(state.tokens)), 2))
    places, shown = _tried(chain, vault, traits, state, pairs, block)
    found = StablePool(state.balances_units, tuple(places), state.amp_e3, state.fee_e18, traits.is_first)
    if [found.quote_in(*pair, units) for pair, units in _amounts(state, pairs)] != shown:
        return NotLoaded(pool, _OTHERWISE)
    return Coins(state.tokens, found)


def load_weighted(chain: Chain, vault: Address, pool: Address, block: Block) -> Sides | NotLoaded:
    """A weighted pool of Balancer V2, in three batches."""
    traits = traits_from(chain.read(trait_reads(pool), block))
    if isinstance(traits, str):
        return NotLoaded(pool, traits)
    state = weighted_from(pool, chain.read(weighted_reads(vault, pool, traits.pool_id), block))
    if state is None:
        return NotLoaded(pool, "does not answer as a weighted pool, or holds nothing of a token")
    pairs = list(permutations(range(len(state.tokens)), 2))
    places, shown = _tried(chain, vault, traits, state, pairs, block)
    sides = {pair: _side(state, places, traits, *pair) for pair in pairs}
    if [sides[pair].quote_in(units) for pair, units in _amounts(state, pairs)] != shown:
        return NotLoaded(pool, _OTHERWISE)
    return Sides(state.tokens, sides)


_OTHERWISE = "the Vault's `queryBatchSwap` is not what its balances and fee make it"


def _side(state: WeightedState, places: Sequence[int], traits: Traits, into: int, outof: int) -> WeightedSide:
    held, weights = state.balances_units, state.weights_e18
    return WeightedSide(
        held[into],
        held[outof],
        weights[into],
        weights[outof],
        state.fee_e18,
        places[into],
        places[outof],
        exact_squares=not traits.is_first,
    )


def _amounts(state: StableState | WeightedState, pairs: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], int]]:
    return [(pair, max(state.balances_units[pair[0]] // part, 1)) for pair in pairs for part in _PARTS]


def _tried(
    chain: Chain,
    vault: Address,
    traits: Traits,
    state: StableState | WeightedState,
    pairs: Sequence[tuple[int, int]],
    block: Block,
) -> tuple[list[Any], list[Any]]:
    """The tokens' decimals, and what the Vault says of the amounts."""
    queries = [query_read(vault, traits.pool_id, state.tokens, *pair, units) for pair, units in _amounts(state, pairs)]
    return _split(chain, block, _decimals(state.tokens), queries)


def load_vault(chain: Chain, vault: Address, block: Block) -> tuple[VaultState, Vault] | NotLoaded:
    """A tokenized vault, in two batches: plain, or with the virtual shares of that decimals offset which gives what
    the vault itself says of a few amounts. One that takes a fee, or reckons otherwise, is not quoted."""
    state = vault_from(vault, chain.read(vault_reads(vault), block))
    if state is None:
        return NotLoaded(vault, "does not answer as a tokenized vault")
    # Virtual shares show in amounts that no vault holds.
    held = state.assets_units, state.shares_units
    amounts = [max(whole // part, 1) for whole in held for part in _PARTS] + [whole * ONE for whole in held]
    shown = chain.read(rated_reads(vault, amounts), block)
    for offset in _OFFSETS:
        found = Vault(state.assets_units, state.shares_units, offset)
        if shown == [rate(units) for units in amounts for rate in _rates(found)]:
            return state, found
    return NotLoaded(vault, "its previews are not what its assets and shares make them")


def _rates(vault: Vault) -> tuple[Callable[[int], int | None], ...]:
    """In the order of `rated_reads`."""
    return vault.deposit, vault.mint, vault.withdraw, vault.redeem


def _decimals(tokens: Sequence[Address]) -> list[Read[int]]:
    return [read_decimals(token) for token in tokens]


def _split(
    chain: Chain, block: Block, first: Sequence[Read[Any]], then: Sequence[Read[Any]]
) -> tuple[list[Any], list[Any]]:
    """One batch; the values of both parts."""
    values = chain.read([*first, *then], block)
    return values[: len(first)], values[len(first) :]
