"""Aave V3: supplying, withdrawing and repaying, a reserve's state, and an account's debt.

Source: aave-v3-core 1.19.3 (V3.0.2) `Pool.sol`, `DataTypes.sol`, `ReserveConfiguration.sol`, `ValidationLogic.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, encode_call, view

SUPPLY = "supply(address,uint256,address,uint16)"
WITHDRAW = "withdraw(address,uint256,address)"
REPAY = "repay(address,uint256,uint256,address)"
AMOUNT_WORD = 4 + 32
"""Byte offset of the amount in each call's calldata; all other words a template can pin."""

RAY = 10**27
_ALL = 2**256 - 1
_VARIABLE = 2
_RESERVE = [
    "(uint256,uint128,uint128,uint128,uint128,uint128,uint40,uint16,address,address,address,address,uint128,uint128,"
    "uint128)"
]
_VARIABLE_DEBT_FIELD = 10
# Bits of the configuration word: flags, and the supply cap in whole tokens.
_DECIMALS_BIT, _ACTIVE_BIT, _FROZEN_BIT, _PAUSED_BIT, _SUPPLY_CAP_BIT = 48, 56, 57, 60, 116
_SUPPLY_CAP_MASK = 2**36 - 1
# Every account's word holds two bits a reserve: the even ones say that it is borrowed.
_BORROWED_MASK = int("01" * 128, 2)


@dataclass(frozen=True, slots=True)
class Supply:
    """Lend `units` of `asset`; the aTokens go to `on_behalf_of`."""

    asset: Address
    units: int
    on_behalf_of: Address


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take exactly `units` of `asset` back, to `recipient`; the caller's aTokens are burned."""

    asset: Address
    units: int
    recipient: Address


@dataclass(frozen=True, slots=True)
class Repay:
    """Pay at most `units` of the variable debt in `asset` that `on_behalf_of` has; the pool takes no more than is
    owed."""

    asset: Address
    units: int
    on_behalf_of: Address


@dataclass(frozen=True, slots=True)
class ReserveData:
    """What the pool says of a reserve. The supply cap is in units, zero for none; the rate is simple interest a year,
    in ray (1e27); `accrued_scaled` is owed to Aave's treasury, in scaled units."""

    a_token: Address
    supply_rate_ray: int
    supply_cap_units: int
    accrued_scaled: int
    active: bool
    frozen: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class AccountData:
    """An account across all reserves, in USD scaled by 1e8 by Aave's own oracle. Health is scaled by 1e18, and 2^256-1
    without debt."""

    collateral_e8: int
    debt_e8: int
    health_factor_e18: int


def encode_supply(supply: Supply) -> bytes:
    """Calldata of `Pool.supply`, without a referral."""
    return encode_call(SUPPLY, supply.asset, supply.units, supply.on_behalf_of, 0)


def decode_supply(data: bytes) -> Supply:
    """The supply inside `Pool.supply` calldata. Raises `ValueError` on anything else, also on a referral."""
    asset, units, on_behalf_of, referral = decode_call(SUPPLY, data)
    if referral:
        raise ValueError(f"a supply with referral code {referral}")
    return Supply(asset, units, on_behalf_of)


def encode_withdraw(withdraw: Withdraw) -> bytes:
    """Calldata of `Pool.withdraw`. Raises `ValueError` on 2^256-1, which Aave takes for all there is."""
    return encode_call(WITHDRAW, withdraw.asset, _exact(withdraw.units), withdraw.recipient)


def decode_withdraw(data: bytes) -> Withdraw:
    """The withdrawal inside `Pool.withdraw` calldata. Raises `ValueError` on anything else, also on 2^256-1."""
    asset, units, recipient = decode_call(WITHDRAW, data)
    return Withdraw(asset, _exact(units), recipient)


def encode_repay(repay: Repay) -> bytes:
    """Calldata of `Pool.repay` for variable debt. Raises `ValueError` on 2^256-1, which Aave takes for all there is."""
    return encode_call(REPAY, repay.asset, _exact(repay.units), _VARIABLE, repay.on_behalf_of)


def decode_repay(data: bytes) -> Repay:
    """The repayment inside `Pool.repay` calldata. Raises `ValueError` on anything else: a debt that is not variable,
    2^256-1."""
    asset, units, mode, on_behalf_of = decode_call(REPAY, data)
    if mode != _VARIABLE:
        raise ValueError(f"a repayment of debt in mode {mode}, not in {_VARIABLE}")
    return Repay(asset, _exact(units), on_behalf_of)


def _exact(units: int) -> int:
    if units == _ALL:
        raise ValueError("whatever there is is no amount to judge")
    return units


def read_reserve(pool: Address, asset: Address) -> Read[ReserveData]:
    """One reserve; an asset that the pool does not list has the zero address for its aToken and is not active."""
    return view(pool, "getReserveData(address)", _RESERVE, _reserve, [asset])


def _reserve(fields: tuple[Any, ...]) -> ReserveData:
    from strongroom.addresses import to_address

    word, a_token = fields[0], to_address(fields[8])
    cap = (word >> _SUPPLY_CAP_BIT & _SUPPLY_CAP_MASK) * 10 ** (word >> _DECIMALS_BIT & 0xFF)
    flags = (bool(word >> bit & 1) for bit in (_ACTIVE_BIT, _FROZEN_BIT, _PAUSED_BIT))
    return ReserveData(a_token, fields[2], cap, fields[12], *flags)


def read_variable_debt(pool: Address, asset: Address) -> Read[Address]:
    """The token that stands for what is owed of an asset at a variable rate; the zero address for an unlisted one."""
    return view(pool, "getReserveData(address)", _RESERVE, _variable_debt, [asset])


def _variable_debt(fields: tuple[Any, ...]) -> Address:
    from strongroom.addresses import to_address

    return to_address(fields[_VARIABLE_DEBT_FIELD])


def read_account(pool: Address, holder: Address) -> Read[AccountData]:
    """Collateral, debt and health of an account."""
    return view(pool, "getUserAccountData(address)", ["uint256"] * 6, _account, [holder])


def _account(collateral: int, debt: int, _available: int, _threshold: int, _ltv: int, health: int) -> AccountData:
    return AccountData(collateral, debt, health)


def read_borrows(pool: Address, holder: Address) -> Read[bool]:
    """Whether the account owes anything at all, also less than its debt in USD shows."""
    return view(pool, "getUserConfiguration(address)", ["uint256"], lambda word: bool(word & _BORROWED_MASK), [holder])


def read_index(pool: Address, asset: Address) -> Read[int]:
    """Units that one scaled unit of aToken is worth at the block, in ray."""
    return view(pool, "getReserveNormalizedIncome(address)", ["uint256"], int, [asset])


def read_scaled_supply(a_token: Address) -> Read[int]:
    """All aTokens in scaled units: without interest."""
    return view(a_token, "scaledTotalSupply()", ["uint256"], int)
