"""Balancer V2: the state that a weighted or a stable pool is made of, in two batches at one block: the pool's id first,
then the rest.

Source: balancer-v2-monorepo `Vault.sol` (`PoolTokens.sol`), `BasePool.sol`, `WeightedPool.sol`, `StablePool.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.model import NATIVE, Address
from strongroom.ports import Read
from strongroom.protocols.abi import view


@dataclass(frozen=True, slots=True)
class WeightedState:
    """A weighted pool's tokens in its order, their balances in units, weights and fee scaled by 1e18."""

    pool: Address
    tokens: tuple[Address, ...]
    balances_units: tuple[int, ...]
    weights_e18: tuple[int, ...]
    fee_e18: int


@dataclass(frozen=True, slots=True)
class StableState:
    """A stable pool's tokens in its order, their balances in units, the amplification scaled by 1e3, the fee by
    1e18."""

    pool: Address
    tokens: tuple[Address, ...]
    balances_units: tuple[int, ...]
    amp_e3: int
    fee_e18: int


@dataclass(frozen=True, slots=True)
class Traits:
    """A pool's id at the Vault, and whether it is of the first factories of 2021, which knew no recovery mode."""

    pool_id: bytes
    is_first: bool


def trait_reads(pool: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `traits_from` takes. Those that a pool does not answer say what it is."""
    paused = view(pool, "getPausedState()", ["bool", "uint256", "uint256"], lambda value, *_: value)
    recovers = view(pool, "inRecoveryMode()", ["bool"], bool)
    rated = view(pool, "getRateProviders()", ["address[]"], lambda found: any(each != NATIVE for each in found))
    own = view(pool, "getBptIndex()", ["uint256"], int)
    return read_pool_id(pool), paused, recovers, rated, own


def traits_from(values: Sequence[Any]) -> Traits | str:
    """The traits from what `trait_reads` gave, or why the pool is not quoted, in words."""
    pool_id, paused, recovers, rated, own = values
    if pool_id is None or paused is None:
        return "does not answer as a pool of Balancer V2"
    if paused:
        return "is paused"
    if rated:
        return "trades by rates of other contracts"
    if own is not None:
        return "holds its own shares"
    return Traits(pool_id, recovers is None)


def query_read(
    vault: Address, pool_id: bytes, tokens: Sequence[Address], into: int, outof: int, units: int
) -> Read[int]:
    """What the Vault says that exactly `units` of one token bring of another; it is no view, but leaves nothing."""
    swap = (pool_id, into, outof, units, b"")
    funds = (vault, False, vault, False)
    return view(vault, _QUERY, ["int256[]"], lambda deltas: -int(deltas[outof]), [0, [swap], list(tokens), funds])


_QUERY = "queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],(address,bool,address,bool))"


def read_pool_id(pool: Address) -> Read[bytes]:
    """The pool's id at the Vault, 32 bytes."""
    return view(pool, "getPoolId()", ["bytes32"], bytes)


def read_pool_tokens(vault: Address, pool_id: bytes) -> Read[tuple[tuple[Address, ...], tuple[int, ...]]]:
    """Tokens and balances in units; what asset managers hold counts as the pool's."""
    returns = ["address[]", "uint256[]", "uint256"]
    return view(vault, "getPoolTokens(bytes32)", returns, lambda tokens, held, _: (tokens, tuple(held)), [pool_id])


def read_swap_fee(pool: Address) -> Read[int]:
    """Scaled by 1e18."""
    return view(pool, "getSwapFeePercentage()", ["uint256"], int)


def weighted_reads(vault: Address, pool: Address, pool_id: bytes) -> tuple[Read[Any], ...]:
    """The reads whose values `weighted_from` takes."""
    weights = view(pool, "getNormalizedWeights()", ["uint256[]"], tuple)
    return read_pool_tokens(vault, pool_id), weights, read_swap_fee(pool)


def weighted_from(pool: Address, values: Sequence[Any]) -> WeightedState | None:
    """The state from what `weighted_reads` gave, or `None` when a read failed or the pool holds none of a token."""
    if any(value is None for value in values):
        return None
    (tokens, balances), weights, fee = values
    if len(weights) != len(tokens) or not all(balances):
        return None
    return WeightedState(pool, tokens, balances, weights, fee)


def stable_reads(vault: Address, pool: Address, pool_id: bytes) -> tuple[Read[Any], ...]:
    """The reads whose values `stable_from` takes."""
    amp = view(pool, "getAmplificationParameter()", ["uint256", "bool", "uint256"], lambda value, *_: value)
    return read_pool_tokens(vault, pool_id), amp, read_swap_fee(pool)


def stable_from(pool: Address, values: Sequence[Any]) -> StableState | None:
    """The state from what `stable_reads` gave, or `None` when a read failed or the pool holds none of a token."""
    if any(value is None for value in values):
        return None
    (tokens, balances), amp, fee = values
    return StableState(pool, tokens, balances, amp, fee) if all(balances) else None
