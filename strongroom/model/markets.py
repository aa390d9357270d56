"""Pools and lending markets as they stood at one block."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.model.names import Address


@dataclass(frozen=True, slots=True)
class PopulatedTick:
    tick: int
    liquidity_net: int


@dataclass(frozen=True, slots=True)
class PoolState:
    """A Uniswap V3 pool at one block. `ticks` are the initialised ones from `known_from` to `known_to`, ascending; what
    lies beyond was not read, and no quote reaches there."""

    pool: Address
    token0: Address
    token1: Address
    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks: tuple[PopulatedTick, ...]
    known_from: int = -887272
    known_to: int = 887272


@dataclass(frozen=True, slots=True)
class PoolAverage:
    """A Uniswap V3 pool's mean tick over the last `over_seconds`, rounded toward negative infinity."""

    pool: Address
    over_seconds: int
    mean_tick: int


@dataclass(frozen=True, slots=True)
class PairState:
    """A Uniswap V2 pair at one block, with its reserves in units (both > 0, below 2^112)."""

    pool: Address
    token0: Address
    token1: Address
    reserve0_units: int
    reserve1_units: int


@dataclass(frozen=True, slots=True)
class LendingReserve:
    """One token of a lending market at one block, amounts in the token's units.

    `supplied_units` is the Safe's own position, interest included; of all positions together at most `available_units`
    can be withdrawn. `supply_room_units` is what the supply cap still lets in, `None` without a cap; the interest that
    the market itself takes at the next touch comes off it. `supply_rate_bps` is simple interest a year in 1/10,000,
    rounded down. A frozen reserve takes nothing in, a paused or inactive one also gives nothing out."""

    asset: Address
    receipt: Address
    supplied_units: int
    available_units: int
    supply_rate_bps: int
    supply_room_units: int | None
    active: bool
    frozen: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class LendingState:
    """An Aave V3 market and the Safe's account there, in USD by the market's own oracle. `borrows` is exact; a debt
    below 1e-8 USD shows as zero in `debt_e8`. Below a health factor of 1e18 the account is liquidated; without debt
    there is none."""

    pool: Address
    reserves: tuple[LendingReserve, ...]
    collateral_e8: int
    debt_e8: int
    borrows: bool
    health_factor_e18: int | None
