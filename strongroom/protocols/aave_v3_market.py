"""How a `LendingState` is read at one pinned block: the Safe's account in an Aave V3 market, and each reserve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.model import Address, LendingReserve, LendingState
from strongroom.ports import Read
from strongroom.protocols.aave_v3 import (
    RAY,
    ReserveData,
    read_account,
    read_borrows,
    read_index,
    read_reserve,
    read_scaled_supply,
)
from strongroom.protocols.erc20 import read_balance

_RAY_PER_BPS = RAY // 10_000


@dataclass(frozen=True, slots=True)
class Market:
    """An Aave V3 pool, and each asset to be looked at there with the aToken that the policy names."""

    pool: Address
    reserves: tuple[tuple[Address, Address], ...]


def market_reads(market: Market, holder: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `market_from` takes: two of the account, then as many of each reserve."""
    pool = market.pool
    reserves = (_reserve_reads(pool, asset, receipt, holder) for asset, receipt in market.reserves)
    return read_account(pool, holder), read_borrows(pool, holder), *(read for each in reserves for read in each)


def market_from(market: Market, values: Sequence[Any]) -> LendingState | None:
    """The market from what `market_reads` gave, or `None` when the account did not answer: then nothing is known of
    debts. A reserve that does not answer, or whose aToken is another, is left out."""
    account, borrows, *rest = values
    if account is None or borrows is None:
        return None
    size = len(rest) // max(len(market.reserves), 1)
    shares = (rest[size * number : size * (number + 1)] for number in range(len(market.reserves)))
    found = (_reserve_from(asset, receipt, own) for (asset, receipt), own in zip(market.reserves, shares, strict=True))
    reserves = tuple(reserve for reserve in found if reserve is not None)
    health = account.health_factor_e18 if borrows else None
    return LendingState(market.pool, reserves, account.collateral_e8, account.debt_e8, borrows, health)


def _reserve_reads(pool: Address, asset: Address, receipt: Address, holder: Address) -> tuple[Read[Any], ...]:
    held = (read_balance(receipt, holder), read_balance(asset, receipt))
    return read_reserve(pool, asset), *held, read_scaled_supply(receipt), read_index(pool, asset)


def _reserve_from(asset: Address, receipt: Address, values: Sequence[Any]) -> LendingReserve | None:
    if any(value is None for value in values):
        return None
    data, supplied, available, scaled, index = values
    if data.a_token != receipt:
        return None
    rate_bps, room = data.supply_rate_ray // _RAY_PER_BPS, _room(data, scaled, index)
    return LendingReserve(asset, receipt, supplied, available, rate_bps, room, data.active, data.frozen, data.paused)


def _room(data: ReserveData, scaled: int, index: int) -> int | None:
    """Units under the supply cap, as `ValidationLogic.validateSupply` counts: all scaled units, what is owed to Aave's
    treasury included, times the index, rounded half up."""
    if data.supply_cap_units == 0:
        return None
    total = ((scaled + data.accrued_scaled) * index + RAY // 2) // RAY
    return max(data.supply_cap_units - total, 0)
