"""What a supplied balance in Aave V3 is and becomes, wei for wei with the deployed Pool and aToken.

Suppliers hold scaled units; times the liquidity index (ray, 1e27) they are aTokens. The index grows by simple interest
on the seconds since its last update. Every ray product and quotient rounds half up, so a balance may differ by one wei
from what was supplied, either way. Source: Aave V3.0.2 `WadRayMath.sol`, `MathUtils.sol`, `ReserveLogic.sol`,
`ScaledBalanceTokenBase.sol`, `SupplyLogic.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from strongroom.errors import BadValue

RAY = 10**27
YEAR_SECONDS = 365 * 24 * 60 * 60
ALL = 2**256 - 1
"""Withdrawing this much means the whole balance."""

_HALF_RAY = RAY // 2
_MOST_INDEX = _MOST_SCALED = 2**128 - 1


def ray_mul(a: int, b: int) -> int | None:
    """a b / 1e27 rounded half up, both in 0..2^256-1, or `None` where the contract reverts for overflow."""
    product = a * b + _HALF_RAY
    return product // RAY if product <= ALL else None


def ray_div(a: int, b: int) -> int | None:
    """1e27 a / b rounded half up, or `None` where the contract reverts: for overflow or b = 0."""
    dividend = a * RAY + b // 2
    return dividend // b if b and dividend <= ALL else None


@dataclass(frozen=True, slots=True)
class Position:
    """One account's supply. `index_ray` (>= 1e27) and `rate_ray` (simple interest a year) are the reserve's, as last
    updated at `updated_at` (Unix seconds); `scaled` is the account's `scaledBalanceOf`."""

    scaled: int
    index_ray: int
    rate_ray: int
    updated_at: int

    def index_at(self, at: int) -> int | None:
        """`getReserveNormalizedIncome` at `at` (Unix seconds), or `None` where it reverts for overflow. Raises
        `BadValue` before the last update."""
        if at < self.updated_at:
            raise BadValue(at, "the time of a supply", f"give `{self.updated_at}` or later, when the index was updated")
        interest = RAY + self.rate_ray * (at - self.updated_at) // YEAR_SECONDS
        return ray_mul(interest, self.index_ray)

    def balance_at(self, at: int) -> int | None:
        """aTokens in units at `at`, or `None` where the aToken reverts."""
        index = self.index_at(at)
        return None if index is None else ray_mul(self.scaled, index)

    def supply(self, units: int, at: int) -> Position | None:
        """After supplying `units` at `at`, or `None` where the pool reverts: nothing, less than half a scaled unit, or
        more than 128 bits hold. Supply cap and pause are the caller's to check. The rate stays the one before: what the
        reserve pays after the deposit is its interest rate strategy's."""
        scaled = self._scaled_of(units, at)
        if not scaled or self.scaled + scaled > _MOST_SCALED:
            return None
        return self._updated(self.scaled + scaled, at)

    def withdraw(self, units: int, at: int) -> Position | None:
        """After withdrawing `units` (`ALL`: the whole balance) at `at`, or `None` where the pool reverts: nothing, or
        more than the balance. What others have borrowed and may be missing in cash is the caller's to check."""
        balance = self.balance_at(at)
        if balance is None:
            return None
        taken = balance if units == ALL else units
        scaled = self._scaled_of(taken, at)
        # Half up, the last wei of a balance can be worth one scaled unit more than is held: Aave reverts there.
        if taken > balance or not scaled or scaled > self.scaled:
            return None
        return self._updated(self.scaled - scaled, at)

    def _scaled_of(self, units: int, at: int) -> int | None:
        index = self.index_at(at)
        return ray_div(units, index) if index is not None and units > 0 else None

    def _updated(self, scaled: int, at: int) -> Position | None:
        index = self.index_at(at)
        if index is None or index > _MOST_INDEX:
            return None
        return replace(self, scaled=scaled, index_ray=index, updated_at=at)
