"""Exact quotes of a Uniswap V4 pool without hooks from its frozen state, wei for wei with the deployed quoter.

A V4 pool steps and rounds as a V3 pool does; four things differ. The protocol's fee is added to the providers' and both
are taken as one. Amounts are signed 128-bit numbers, so an order that would take or give 2^127 units or more reverts.
Steps may be so wide that a price takes the coarser form (`price_after_input`). And an order that the pool cannot fill
whole is refused, while a V3 pool fills what it can. Source: v4-core `Pool.swap`, `SwapMath`, `ProtocolFeeLibrary`;
v4-periphery `V4Quoter`.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.pools.uniswap_v3 import PoolQuote, Side, table
from simulations.pools.uniswap_v3_math import ONE_PIPS
from simulations.pools.uniswap_v3_walk import walk_in, walk_out
from strongroom.model import NATIVE, Address
from strongroom.protocols.uniswap_v4 import DYNAMIC_FEE, KeyedPoolState, PoolKey

MOST_UNITS = 2**127 - 1
"""The most that a pool can take or give at once."""


@dataclass(frozen=True, slots=True)
class NotQuoted:
    """Why a pool is not quoted."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeyedSide:
    """One direction of a pool, step by step."""

    table: Side

    def quote_in(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of input give, or `None` when the known pool cannot take them all."""
        return bounded(self.table.quote_in(units))

    def quote_out(self, units: int) -> PoolQuote | None:
        """What exactly `units` (> 0) of output cost, or `None` when the known pool does not hold them."""
        return bounded(self.table.quote_out(units))


@dataclass(frozen=True, slots=True)
class KeyedWalk:
    """One direction of a pool for single quotes, without a table."""

    state: KeyedPoolState
    zero_for_one: bool
    fee_pips: int

    def quote_in(self, units: int) -> PoolQuote | None:
        """As `KeyedSide.quote_in`."""
        return bounded(walk_in(self.state, self.zero_for_one, self.fee_pips, units))

    def quote_out(self, units: int) -> PoolQuote | None:
        """As `KeyedSide.quote_out`."""
        return bounded(walk_out(self.state, self.zero_for_one, self.fee_pips, units))


def bounded(quote: PoolQuote | None) -> PoolQuote | None:
    """The quote, or `None` where an amount has more bits than the pool counts in."""
    return quote if quote is not None and max(quote.units_in, quote.units_out) <= MOST_UNITS else None


def keyed_side(state: KeyedPoolState, currency_in: Address) -> KeyedSide | NotQuoted:
    """The direction that sells `currency_in`, or why it is not quoted. Raises `ValueError` when the pool does not hold
    that currency."""
    found = keyed_walk(state, currency_in)
    if isinstance(found, NotQuoted):
        return found
    return KeyedSide(table(state, found.zero_for_one, found.fee_pips))


def keyed_walk(state: KeyedPoolState, currency_in: Address) -> KeyedWalk | NotQuoted:
    """The direction that sells `currency_in`, for single quotes, or why it is not quoted. Raises `ValueError` when the
    pool does not hold that currency."""
    if currency_in not in (state.key.currency0, state.key.currency1):
        raise ValueError(f"pool `0x{state.key.id.hex()}` does not hold `{currency_in}`")
    if reason := unquotable(state.key):
        return NotQuoted(reason)
    zero_for_one = currency_in == state.key.currency0
    fee_pips = swap_fee_pips(state.head.provider_fee_pips, state.head.protocol_fees_pips[not zero_for_one])
    if fee_pips >= ONE_PIPS:
        return NotQuoted(f"pool `0x{state.key.id.hex()}` keeps the whole input as fee; swap elsewhere")
    return KeyedWalk(state, zero_for_one, fee_pips)


def unquotable(key: PoolKey) -> str:
    """Why a pool of this key is not quoted, in words; empty when it can be. Hooks may change any amount and any fee."""
    if key.hooks != NATIVE:
        return f"pool `0x{key.id.hex()}` has hooks `{key.hooks}`, whose code decides amounts; use a pool without hooks"
    if key.fee_pips == DYNAMIC_FEE:
        return f"pool `0x{key.id.hex()}` has a dynamic fee, which its hooks set; use a pool with a static fee"
    return ""


def swap_fee_pips(provider_pips: int, protocol_pips: int) -> int:
    """Both fees as one, in 1/1,000,000: the protocol's from the input, the providers' from what is left, rounded up."""
    return protocol_pips + provider_pips - protocol_pips * provider_pips // ONE_PIPS
