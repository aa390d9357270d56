"""How far a fill falls short of its quote: often by nothing, else by a Student t that widens with the square root of
the wait.

Floats: this forecasts, and bounds nothing. A minimum out comes from exact quotes and the oracle floor only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from simulations.slippage.fills import Fill

LEAST_FILLS = 60
"""Below so many, tails are guesses."""
_LEAST_DIFFERENT = 20
BLOCK_SECONDS = 12
_YEAR_SECONDS = 365 * 86_400
_BOUND_VOLATILITY = 1.5
"""A year's, for the bounds without data: half as much again as ether's own was over 2014 to 2020."""


@dataclass(frozen=True, slots=True)
class Slippage:
    """Shortfall, as a share of the quote, of a fill that waits `h` seconds: sqrt(h) * (location + scale * t(freedom)),
    and exactly zero for a share `still` of fills, which nothing moved. `fills` is how many it was fitted on; `why` says
    why it was not, and is a bound instead."""

    freedom: float
    location: float
    scale: float
    fills: int
    why: str = ""
    still: float = 0.0

    def interval(self, level: float, seconds: float) -> tuple[float, float]:
        """The central interval that holds a share `level` (inside 0 to 1) of fills."""
        if not 0 < level < 1:
            raise ValueError(f"`{level}` is no share between 0 and 1")
        half = (1 - level) / 2
        return self.quantile(half, seconds), self.quantile(1 - half, seconds)

    def quantile(self, probability: float, seconds: float) -> float:
        """The shortfall that a share `probability` of fills stays below. No fill falls short of all."""
        from scipy.stats import t

        moved = 1 - self.still
        below = moved * float(t.cdf(0.0, self.freedom, self.location, self.scale))
        if below < probability <= below + self.still:
            return 0.0
        share = (probability if probability <= below else probability - self.still) / moved
        return min(sqrt(_waited(seconds)) * float(t.ppf(share, self.freedom, self.location, self.scale)), 1.0)

    def probability(self, shortfall: float, seconds: float) -> float:
        """The share of fills that stays at or below `shortfall`."""
        from scipy.stats import t

        moved = float(t.cdf(shortfall / sqrt(_waited(seconds)), self.freedom, self.location, self.scale))
        return (1 - self.still) * moved + (self.still if shortfall >= 0 else 0.0)


def fit(fills: Sequence[Fill], least: int = LEAST_FILLS) -> Slippage:
    """Maximum likelihood over those of `fills` that anything moved, each shortfall divided by the root of its wait; or
    the bounds, with the reason, where there are fewer than `least` of them, too few different ones, or no fit."""
    if len(fills) < least:
        return bounds(f"{len(fills)} fills are known, at least {least} are needed")
    # Exact zeros are a lump that no density has: a likelihood would gain without end by closing in on it.
    scaled = [fill.shortfall / sqrt(_waited(fill.waited_seconds)) for fill in fills if fill.shortfall]
    if len(scaled) < least:
        return bounds(f"{len(scaled)} fills are known that anything moved, at least {least} are needed")
    from scipy.stats import t

    if len({round(each, 12) for each in scaled}) < _LEAST_DIFFERENT:
        return bounds(f"{len(fills)} fills are known, but nearly all fell short by the same")
    # The search stops at an absolute tolerance, which is coarse for shares of 1e-4: it works on numbers around one.
    typical = sorted(map(abs, scaled))[len(scaled) // 2] or 1.0
    freedom, location, scale = map(float, t.fit([each / typical for each in scaled]))
    if not (isfinite(freedom) and isfinite(location) and scale > 0 and freedom > 1):
        return bounds(f"{len(fills)} fills are known, but no distribution fits them")
    still = 1 - len(scaled) / len(fills)
    return Slippage(freedom, location * typical, scale * typical, len(fills), still=still)


def bounds(why: str) -> Slippage:
    """Without data: three degrees of freedom, as daily returns of ether have them, and a volatility of 150 % a year."""
    return Slippage(3.0, 0.0, _BOUND_VOLATILITY / sqrt(_YEAR_SECONDS), 0, why)


def _waited(seconds: float) -> float:
    """At least one block: what is quoted now is included in the next one at best."""
    if not isfinite(seconds) or seconds < 0:
        raise ValueError(f"`{seconds}` seconds is no wait")
    return max(seconds, float(BLOCK_SECONDS))
