"""Exact quotes of Curve's stableswap pools, wei for wei with what `exchange` pays out.

The invariant D solves A n^n S + D = A D n^n + D^(n+1) / (n^n prod x), with x the balances in 18 decimals, by Newton's
method in whole numbers. Three generations round differently:

    3pool (2020)     counts A whole; an unsettled search goes on with what it has
    templates (2021) count A in hundredths (A_PRECISION) and revert where a search does not settle
    NG (2023)        divide D^(n+1) / prod x by n^n once and not token by token, charge more off the peg, and put
                     each price into an oracle of 128-bit numbers, which can revert too

`get_dy` of the 3pool takes its fee from whole units and `exchange` from 18 decimals: they may differ by a unit. What
arrives is `exchange`'s. Source: curve-contract `StableSwap3Pool.vy`, `SwapTemplateBase.vy`; stableswap-ng
`CurveStableSwapNG.vy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from simulations.pools.fixed_point import ONE, Reverts, word

FEE_ONE = 10**10
"""All of an amount, in fees and in the off-peg multiplier."""
_ROUNDS = 255
_HALF_WORD = 1 << 128


class Generation(Enum):
    """How a pool rounds."""

    THREE_POOL = "3pool"
    TEMPLATE = "template"
    NG = "ng"


@dataclass(frozen=True, slots=True)
class CurvePool:
    """`balances` in units without the admin's part; a token's `rate` is what its units are worth, such that units times
    rate over 1e18 has 18 decimals: 10^(36 - decimals), times what an oracle or vault says. `amp` is the amplification
    now, times A_PRECISION (1 in the 3pool, else 100: `A_precise`); the fee, the admin's part of it and the off-peg
    multiplier are scaled by 1e10. Tokens are meant by their places."""

    generation: Generation
    balances: tuple[int, ...]
    rates: tuple[int, ...]
    amp: int
    fee: int
    admin_fee: int = FEE_ONE // 2
    offpeg: int = 0

    def quote_in(self, into: int, outof: int, units: int) -> int | None:
        """Units of token `outof` that `exchange` pays for exactly `units` (>= 0) of `into`; `None` where it reverts."""
        swapped = self.swapped(into, outof, units)
        return swapped[0] if swapped else None

    def swapped(self, into: int, outof: int, units: int) -> tuple[int, CurvePool] | None:
        """As `quote_in`, with the pool as the swap leaves it."""
        try:
            return self._exchange(into, outof, units)
        except Reverts:
            return None

    def shown_in(self, into: int, outof: int, units: int) -> int | None:
        """What `get_dy` says, for pages that show it: the 3pool's fee is of whole units, and NG's `A()` in whole
        numbers."""
        whole = replace(self, amp=self.amp - self.amp % 100) if self.generation is Generation.NG else self
        try:
            gross, _, fee = whole._gross(into, outof, units)
            if self.generation is Generation.THREE_POOL:
                given = word(gross * ONE) // self.rates[outof]
                return word(given - word(self.fee * given) // FEE_ONE)
            return word(word(gross - fee) * ONE) // self.rates[outof]
        except Reverts:
            return None

    def quote_out(self, into: int, outof: int, units: int) -> int | None:
        """Units of token `into` for which `exchange` pays at least `units` (> 0) of `outof`; one less pays less. `None`
        where no input does."""
        most = 1
        while (given := self.quote_in(into, outof, most)) is None or given < units:
            if most >= _HALF_WORD:
                return None
            most *= 2
        least = most // 2
        while most - least > 1:
            middle = (least + most) // 2
            given = self.quote_in(into, outof, middle)
            least, most = (least, middle) if given is not None and given >= units else (middle, most)
        return most

    def _exchange(self, into: int, outof: int, units: int) -> tuple[int, CurvePool]:
        is_new = self.generation is Generation.NG
        if is_new and units == 0:
            raise Reverts("nothing is exchanged")
        gross, after, fee = self._gross(into, outof, units)
        given = word(word(gross - fee) * ONE) // self.rates[outof]
        kept = word(word(fee * self.admin_fee) // FEE_ONE * ONE) // self.rates[outof]
        if is_new:
            _require_prices(after, self._total(), self.amp * len(after))
        balances = list(self.balances)
        balances[into] = word(balances[into] + units)
        balances[outof] = word(word(balances[outof] - given) - kept)
        return given, replace(self, balances=tuple(balances))

    def _gross(self, into: int, outof: int, units: int) -> tuple[int, list[int], int]:
        """What leaves before fees and the fee, in 18 decimals; between them the scaled balances at the invariant."""
        if into == outof:
            raise Reverts("the two tokens are the same")
        scaled = self._scaled()
        after = list(scaled)
        after[into] = word(scaled[into] + word(units * self.rates[into]) // ONE)
        after[outof] = self._balance(after, outof)
        gross = word(word(scaled[outof] - after[outof]) - 1)
        rate = self._fee_rate(*((scaled[place] + after[place]) // 2 for place in (into, outof)))
        return gross, after, word(gross * rate) // FEE_ONE

    def _fee_rate(self, one: int, other: int) -> int:
        """Of the mean balances during the swap: off the peg the fee grows, up to `offpeg` times itself."""
        if self.generation is not Generation.NG or self.offpeg <= FEE_ONE:
            return self.fee
        squared = word(word(one + other) ** 2)
        near = _over(word(word(word((self.offpeg - FEE_ONE) * 4) * one) * other), squared)
        return self.offpeg * self.fee // (near + FEE_ONE)

    def _scaled(self) -> list[int]:
        return [word(units * rate) // ONE for units, rate in zip(self.balances, self.rates, strict=True)]

    @property
    def _precision(self) -> int:
        return 1 if self.generation is Generation.THREE_POOL else 100

    def _total(self) -> int:
        """The invariant. Raises `Reverts`."""
        scaled, count = self._scaled(), len(self.balances)
        total, amp_total, precision = word(sum(scaled)), self.amp * count, self._precision
        guess = total
        for _ in range(_ROUNDS if total else 0):
            product = self._product(scaled, guess)
            above = word(word(word(amp_total * total) // precision + word(product * count)) * guess)
            below = word((amp_total - precision) * guess) // precision + word((count + 1) * product)
            last, guess = guess, _over(above, word(below))
            if abs(guess - last) <= 1:
                return guess
        return self._settled(guess) if total else 0

    def _product(self, scaled: Sequence[int], guess: int) -> int:
        """D^(n+1) / (n^n prod x), rounded as the generation does."""
        product, count = guess, len(scaled)
        if self.generation is Generation.NG:
            for balance in scaled:
                product = _over(word(product * guess), balance)
            return int(product // count**count)
        for balance in scaled:
            product = _over(word(product * guess), word(balance * count))
        return product

    def _balance(self, scaled: Sequence[int], token: int) -> int:
        """What the scaled balance of `token` is at the invariant of the pool, with the others as given."""
        total, count, precision = self._total(), len(scaled), self._precision
        others = [balance for place, balance in enumerate(scaled) if place != token]
        amp_total, c = self.amp * count, total
        for balance in others:
            c = _over(word(c * total), word(balance * count))
        c = _over(word(word(c * total) * precision), amp_total * count)
        b = word(word(sum(others)) + _over(word(total * precision), amp_total))
        guess = total
        for _ in range(_ROUNDS):
            last, guess = guess, _over(word(word(guess * guess) + c), word(word(2 * guess + b) - total))
            if abs(guess - last) <= 1:
                return guess
        return self._settled(guess)

    def _settled(self, guess: int) -> int:
        if self.generation is Generation.THREE_POOL:
            return guess
        raise Reverts("the search does not settle")


def _require_prices(scaled: Sequence[int], total: int, amp_total: int) -> None:
    """Raises `Reverts` where the oracles of an NG pool cannot take the prices after a swap."""
    rest, own = total // len(scaled) ** len(scaled), word(amp_total * scaled[0]) // 100
    for balance in scaled:
        rest = _over(word(rest * total), balance)
    for balance in scaled[1:]:
        _over(word(ONE * word(own + _over(word(rest * scaled[0]), balance))), word(own + rest))
    if total >= _HALF_WORD:
        raise Reverts("the invariant has more than 128 bits")


def _over(above: int, below: int) -> int:
    if below == 0:
        raise Reverts("divided by nothing")
    return above // below
