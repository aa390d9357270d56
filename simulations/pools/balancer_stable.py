"""Exact quotes of a Balancer V2 stable pool, wei for wei with the deployed pool's `onSwap`.

The invariant D solves A n^n S + D = A D n^n + D^(n+1) / (n^n prod B) by Newton's method in whole numbers. Pools of
June 2021 round the invariant up; those since 2022 round every step down. Source: Balancer V2 `StableMath.sol`,
`StablePool.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.pools.fixed_point import Reverts, complement, div_up, mul_up, word

AMP_PRECISION = 1_000
_ROUNDS = 255


@dataclass(frozen=True, slots=True)
class StablePool:
    """Balances in units of tokens with these `decimals` (0..18), in the pool's order; `amp` is the contract's, scaled
    by 1e3; the fee is scaled by 1e18. `rounds_up` is true for pools of the first version (June 2021)."""

    balances: tuple[int, ...]
    decimals: tuple[int, ...]
    amp: int
    fee: int
    rounds_up: bool = False

    def quote_in(self, into: int, outof: int, units: int) -> int | None:
        """Units of token `outof` for exactly `units` (>= 0) of token `into`, or `None` where the pool reverts."""
        try:
            return self._given(into, outof, units)
        except Reverts:
            return None

    def quote_out(self, into: int, outof: int, units: int) -> int | None:
        """Units of token `into` that exactly `units` (>= 0) of token `outof` cost, or `None` where it reverts."""
        try:
            return self._taken(into, outof, units)
        except Reverts:
            return None

    def _given(self, into: int, outof: int, units: int) -> int:
        balances = self._scaled()
        total = invariant(self.amp, balances, rounds_up=self.rounds_up)
        balances[into] = word(balances[into] + self._wide(into, units - mul_up(units, self.fee)))
        left = balance_given(self.amp, balances, total, outof)
        return word(balances[outof] - left - 1) // self._scale(outof)

    def _taken(self, into: int, outof: int, units: int) -> int:
        balances = self._scaled()
        total = invariant(self.amp, balances, rounds_up=self.rounds_up)
        balances[outof] = word(balances[outof] - self._wide(outof, units))
        needed = balance_given(self.amp, balances, total, into)
        paid = word(word(needed - balances[into]) + 1)
        return div_up(-(-paid // self._scale(into)), complement(self.fee))

    def _scale(self, token: int) -> int:
        return int(10 ** (18 - self.decimals[token]))

    def _wide(self, token: int, units: int) -> int:
        return word(units * self._scale(token))

    def _scaled(self) -> list[int]:
        return [self._wide(token, units) for token, units in enumerate(self.balances)]


def invariant(amp: int, balances: Sequence[int], *, rounds_up: bool) -> int:
    """D of `balances` (18 decimals) at `amp` (scaled by 1e3). Raises `Reverts` when it does not settle to within one
    wei in 255 rounds."""
    total, found = word(sum(balances)), 0
    if total == 0:
        return 0
    step, guess = _next_up if rounds_up else _next_down, total
    for _ in range(_ROUNDS):
        found, guess = guess, step(amp * len(balances), balances, total, guess)
        if abs(guess - found) <= 1:
            return guess
    raise Reverts("the invariant does not settle")


def _next_up(amp_total: int, balances: Sequence[int], total: int, guess: int) -> int:
    count = len(balances)
    product = word(count * balances[0])
    for balance in balances[1:]:
        product = _up(word(word(product * balance) * count), guess)
    above = word(word(count * guess) * guess) + _up(word(word(amp_total * total) * product), AMP_PRECISION)
    below = word((count + 1) * guess) + word((amp_total - AMP_PRECISION) * product) // AMP_PRECISION
    return _up(word(above), word(below))


def _next_down(amp_total: int, balances: Sequence[int], total: int, guess: int) -> int:
    count, product = len(balances), guess
    for balance in balances:
        product = _down(word(product * guess), word(balance * count))
    above = word(word(word(amp_total * total) // AMP_PRECISION + word(product * count)) * guess)
    below = word((amp_total - AMP_PRECISION) * guess) // AMP_PRECISION + word((count + 1) * product)
    return _down(above, word(below))


def balance_given(amp: int, balances: Sequence[int], total: int, token: int) -> int:
    """What the balance of `token` must be at the invariant `total` and the other balances, rounded up; its present
    one only scales the first guess. Raises `Reverts` when it does not settle in 255 rounds."""
    count, amp_total = len(balances), amp * len(balances)
    product = word(balances[0] * count)
    for balance in balances[1:]:
        product = _down(word(word(product * balance) * count), total)
    squared = word(total * total)
    c = word(word(_up(squared, word(amp_total * product)) * AMP_PRECISION) * balances[token])
    b = word(word(sum(balances)) - balances[token] + word(_down(total, amp_total) * AMP_PRECISION))
    guess = _up(word(squared + c), word(total + b))
    for _ in range(_ROUNDS):
        last, guess = guess, _up(word(word(guess * guess) + c), word(word(2 * guess + b) - total))
        if abs(guess - last) <= 1:
            return guess
    raise Reverts("the balance does not settle")


def _down(a: int, b: int) -> int:
    if b == 0:
        raise Reverts("divided by nothing")
    return a // b


def _up(a: int, b: int) -> int:
    return -_down(-a, b)
