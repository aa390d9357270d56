"""What a token is worth: raw oracle rounds become a price range, or a stated problem. Pure integers, USD scaled by
1e8 (`_e8`).

Chainlink feeds never revert on a bad answer, so each failure mode is looked for by name. Two sources give a range:
what leaves is valued at its high end, what arrives at its low end, so that a true price anywhere between the sources
never hides a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from strongroom.model import Round, TokenId

E8 = 10**8
BPS = 10_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a price counts: age of its newest round, spread between the sources in 1/10,000 of the lowest, number of
    sources."""

    max_age_seconds: int
    max_deviation_bps: int
    min_sources: int


@dataclass(frozen=True, slots=True)
class Price:
    """USD per whole token, scaled by 1e8: the lowest and the highest of the sources."""

    low_e8: int
    high_e8: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no price."""

    reason: str


@dataclass(frozen=True, slots=True)
class Nav:
    """Net asset value in USD scaled by 1e8, each holding at its low price, and the tokens that counted zero."""

    usd_e8: int
    unpriced: tuple[TokenId, ...]


def price(rounds: tuple[Round, ...], at: int, bounds: Bounds) -> Price | Problem:
    """The range all sources span at time `at` (Unix seconds, the pinned block's), or the first problem found.

    One bad source spoils the price: a source that is out must be mended or removed from the policy, not outvoted.
    Answers are scaled to 1e8, the low end rounded down and the high end up. `max_deviation_bps` and `max_age_seconds`
    are themselves still good. Source: Chainlink AggregatorV3Interface.
    """
    if len(rounds) < bounds.min_sources or not rounds:
        return Problem(f"{len(rounds)} of {max(bounds.min_sources, 1)} price sources answered")
    if len({r.feed for r in rounds}) != len(rounds):
        return Problem("one feed is counted as two sources")
    for round_ in rounds:
        if (reason := _fault(round_, at, bounds.max_age_seconds)) is not None:
            return Problem(f"feed `{round_.feed}` {reason}")
    low, high = min(map(_down_e8, rounds)), max(map(_up_e8, rounds))
    if low == 0:
        return Problem("the price is too small to be counted in 1e-8 USD")
    if (high - low) * BPS > low * bounds.max_deviation_bps:
        spread_bps = -(-(high - low) * BPS // low)
        return Problem(f"the sources are {spread_bps} bps apart, at most {bounds.max_deviation_bps} are allowed")
    return Price(low, high)


def value_e8_down(units: int, decimals: int, price_e8: int) -> int:
    """USD value of `units` scaled by 1e8, rounded down: for what is held or received."""
    scale: int = 10**decimals
    return units * price_e8 // scale


def value_e8_up(units: int, decimals: int, price_e8: int) -> int:
    """USD value of `units` scaled by 1e8, rounded up: for what is spent."""
    scale: int = 10**decimals
    return -(-units * price_e8 // scale)


def nav_e8(holdings: Iterable[tuple[TokenId, int, int]], prices: Mapping[TokenId, Price | Problem]) -> Nav:
    """Sum over (token, units, decimals) of each holding at its low price, each rounded down.

    A token without a price, or with a problem instead of one, counts zero and is listed in `unpriced`.
    """
    total, unpriced = 0, []
    for token, units, decimals in holdings:
        found = prices.get(token)
        if isinstance(found, Price):
            total += value_e8_down(units, decimals, found.low_e8)
        else:
            unpriced.append(token)
    return Nav(total, tuple(unpriced))


def floor_units_up(
    units_in: int, decimals_in: int, price_in: Price, decimals_out: int, price_out: Price, loss_bps: int
) -> int:
    """The least `token_out` units that lose at most `loss_bps` on `units_in`, rounded up.

    floor = ceil(units_in * high_in * 10^decimals_out * (1 - loss) / (low_out * 10^decimals_in)): spend at high,
    receipt at low.
    """
    numerator: int = units_in * price_in.high_e8 * 10**decimals_out * (BPS - loss_bps)
    denominator: int = price_out.low_e8 * 10**decimals_in * BPS
    return -(-numerator // denominator)


def _fault(round_: Round, at: int, max_age_seconds: int) -> str | None:
    if round_.updated_at == 0:
        return f"has not completed round `{round_.round_id}`"
    if round_.answer <= 0:
        return f"answers `{round_.answer}`"
    if round_.answered_in_round < round_.round_id:
        return f"carries an old answer into round `{round_.round_id}`"
    # The round and the block it is read at share one clock: no skew is forgiven.
    if round_.updated_at > at:
        return f"is dated {round_.updated_at - at} s in the future"
    if at - round_.updated_at > max_age_seconds:
        return f"is {at - round_.updated_at} s old, at most {max_age_seconds} s are allowed"
    return None


def _down_e8(round_: Round) -> int:
    scale: int = 10**round_.decimals
    return round_.answer * E8 // scale


def _up_e8(round_: Round) -> int:
    scale: int = 10**round_.decimals
    return -(-round_.answer * E8 // scale)
