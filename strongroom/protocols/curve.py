"""Curve's stableswap pools: the state that quotes are made of, in one batch at one block.

Source: curve-contract `StableSwap3Pool.vy`, `SwapTemplateBase.vy`; stableswap-ng `CurveStableSwapNG.vy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import view

MOST_COINS = 8
_NUMBERS = ("A", "A_precise", "fee", "admin_fee", "offpeg_fee_multiplier")
_KINDS = {
    "base_pool()": "trades shares of another pool",
    "underlying_coins(uint256)": "lends what it holds",
    "oracle_method()": "takes its rates from a contract that does not show them",
}
"""What answers only where the pool does something that is not quoted."""


@dataclass(frozen=True, slots=True)
class CurveState:
    """A pool at one block: coins in its order, their balances in units without the admin's part, the amplification
    (`amp`, and in hundredths `amp_precise`, where the pool counts so), fee and the admin's part of it by 1e10; of an NG
    pool the off-peg multiplier by 1e10 and its rates, what units are worth in 18 decimals, scaled by 1e18."""

    pool: Address
    coins: tuple[Address, ...]
    balances_units: tuple[int, ...]
    amp: int
    amp_precise: int | None
    fee_e10: int
    admin_fee_e10: int
    offpeg_e10: int | None
    rates_e18: tuple[int, ...] | None


def curve_reads(pool: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `curve_from` takes. Those that a pool does not answer say what it is."""
    return tuple(_reads(pool))


def _reads(pool: Address) -> Iterator[Read[Any]]:
    yield from (view(pool, "coins(uint256)", ["address"], Address, [place]) for place in range(MOST_COINS))
    yield from (view(pool, "balances(uint256)", ["uint256"], int, [place]) for place in range(MOST_COINS))
    yield from (view(pool, f"{name}()", ["uint256"], int) for name in _NUMBERS)
    yield view(pool, "stored_rates()", ["uint256[]"], tuple)
    for signature in _KINDS:
        values = [0] if "(uint256)" in signature else []
        yield view(pool, signature, ["bytes32"], bytes, values)


def curve_from(pool: Address, values: Sequence[Any]) -> CurveState | str:
    """The state from what `curve_reads` gave, or why there is none to be quoted, in words."""
    coins = tuple(takewhile(lambda coin: coin is not None, values[:MOST_COINS]))
    balances = tuple(values[MOST_COINS : MOST_COINS + len(coins)])
    amp, precise, fee, admin_fee, offpeg, rates, *others = values[2 * MOST_COINS :]
    if len(coins) < 2 or any(each is None for each in (*balances, amp, fee, admin_fee)):
        return "does not answer as a stableswap pool of Curve"
    for found, why in zip(others, _KINDS.values(), strict=True):
        if found is not None:
            return why
    if (offpeg is None) != (rates is None) or (rates is not None and (precise is None or len(rates) != len(coins))):
        return "charges more off the peg, and does not show its rates as an NG pool does"
    return CurveState(pool, coins, balances, amp, precise, fee, admin_fee, offpeg, rates)


def shown_read(pool: Address, into: int, outof: int, units: int) -> Read[int]:
    """What the pool shows that these units would bring."""
    return view(pool, "get_dy(int128,int128,uint256)", ["uint256"], int, [into, outof, units])
