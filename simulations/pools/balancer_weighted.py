"""Exact quotes of a Balancer V2 weighted pool, wei for wei with the deployed pool's `onSwap`.

An input of x gives B_out (1 - (B_in / (B_in + x)) ^ (w_in / w_out)), rounded against the trader. Source: Balancer V2
`WeightedMath.sol`, `BaseMinimalSwapInfoPool.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.pools.fixed_point import (
    ONE,
    Reverts,
    complement,
    div_down,
    div_up,
    mul_down,
    mul_up,
    pow_up,
    word,
)

MOST_SHARE = 3 * 10**17
"""No swap takes in or gives out more than this share of a balance, scaled by 1e18."""


@dataclass(frozen=True, slots=True)
class WeightedSide:
    """One direction of a pool. Balances are units of tokens with these decimals (0..18); weights and the fee are
    scaled by 1e18. `exact_squares` is false for pools of the first version only (April 2021)."""

    balance_in: int
    balance_out: int
    weight_in: int
    weight_out: int
    fee: int
    decimals_in: int = 18
    decimals_out: int = 18
    exact_squares: bool = True

    def quote_in(self, units: int) -> int | None:
        """Units that exactly `units` (>= 0) of input give, or `None` where the pool reverts: above 30 % of its
        balance, or beyond what its arithmetic holds."""
        try:
            return self._given(units)
        except Reverts:
            return None

    def quote_out(self, units: int) -> int | None:
        """Units that exactly `units` (>= 0) of output cost, fee included, or `None` where the pool reverts."""
        try:
            return self._taken(units)
        except Reverts:
            return None

    def _given(self, units: int) -> int:
        scale = int(10 ** (18 - self.decimals_out))
        held, wanted, paid = self._scaled(word(units - mul_up(units, self.fee)), self.decimals_in)
        if paid > mul_down(held, MOST_SHARE):
            raise Reverts("more than the pool takes in")
        base = div_up(held, word(held + paid))
        ratio = div_down(self.weight_in, self.weight_out)
        kept = pow_up(base, ratio, exact_squares=self.exact_squares)
        return mul_down(wanted, complement(kept)) // scale

    def _taken(self, units: int) -> int:
        scale = int(10 ** (18 - self.decimals_in))
        held, wanted, paid = self._scaled(units, self.decimals_out)
        if paid > mul_down(wanted, MOST_SHARE):
            raise Reverts("more than the pool gives out")
        base = div_up(wanted, wanted - paid)
        ratio = div_up(self.weight_out, self.weight_in)
        grown = pow_up(base, ratio, exact_squares=self.exact_squares)
        return div_up(-(-mul_up(held, grown - ONE) // scale), complement(self.fee))

    def _scaled(self, units: int, decimals: int) -> tuple[int, int, int]:
        """Balance in, balance out and the amount with 18 decimals."""
        several = (self.balance_in, self.decimals_in), (self.balance_out, self.decimals_out), (units, decimals)
        held, wanted, amount = (word(value * 10 ** (18 - places)) for value, places in several)
        return held, wanted, amount
