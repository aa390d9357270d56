"""The frozen start of a forecast: what the treasury holds, what the mandate wants of it, what the policy lets the agent
do alone, and when it acts. Amounts are units of their token, values USD scaled by 1e8, times seconds, shares bps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.errors import BadValue
from strongroom.model import Idle, TokenId

DAY_SECONDS = 86_400
ALLOW, ASK, DENY = 0, 1, 2
"""Verdicts as numbers, so that arrays of them compare; `delay` is an ask that only waits."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Guardians are asked once more than `above_units` would have gone within the window."""

    above_units: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Meter:
    """What may move of a token in one class without guardians: `at_once_units` at one moment, less what has drained
    since (all of it in `drain_seconds`), and `cap_units` in any window. A unit above `never_units` is denied."""

    at_once_units: int
    drain_seconds: int
    cap_units: int
    window_seconds: int
    never_units: int
    tiers: tuple[Tier, ...] = ()

    @property
    def reach_seconds(self) -> int:
        """How far back what moved still counts."""
        return max(self.window_seconds, self.drain_seconds, *(tier.window_seconds for tier in self.tiers))


@dataclass(frozen=True, slots=True)
class Loans:
    """One token at its market: what lies there now, the policy's largest position, and interest a year,
    a 365th of it added each day."""

    units: int
    most_units: int
    rate_bps: int
    meter: Meter | None
    idle: Idle | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """One listed token. `series` is the column of the returns that its price follows, `None` where it stays as it is;
    without a price it counts nothing and is only paid out. `target_bps` and `band_bps` are `None` off the weights."""

    token: TokenId
    decimals: int
    units: int
    price_e8: int = 0
    series: int | None = None
    target_bps: int | None = None
    band_bps: int | None = None
    payroll_units: int = 0
    keep_units: int = 0
    watched: bool = False
    swaps: Meter | None = None
    loans: Loans | None = None

    @property
    def value_usd(self) -> float:
        """What is held of it, in the Safe and lent, at the first day's price."""
        units = self.units + (self.loans.units if self.loans else 0)
        tokens: float = units / 10**self.decimals
        return tokens * (self.price_e8 / 1e8)


@dataclass(frozen=True, slots=True)
class Flow:
    """On `day` (0 is the first) so many units arrive; below zero they are due, and leave when the Safe has them."""

    day: int
    token: TokenId
    units: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """For each day from the first: whether the mandate's jobs run on it."""

    first: int
    pays: tuple[bool, ...]
    rebalances: tuple[bool, ...]
    lends: tuple[bool, ...]

    @property
    def days(self) -> int:
        return len(self.pays)


@dataclass(frozen=True, slots=True)
class Market:
    """What a trade costs beside its pool's fee: the impact on one constant-product pool that holds `depth_e8` of USD on
    each side; a swap that loses more than `max_loss_bps` is denied. A unit takes `gas_units` at `base_fee_wei` and a
    tip, above `max_base_fee_wei` nothing is sent; the agent's key pays it, in coins priced as asset `coin`."""

    depth_e8: int
    max_loss_bps: int
    gas_units: int
    base_fee_wei: int
    max_base_fee_wei: int
    coin: int | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """One treasury at the start. `pairs` are places in `assets`, the lower first, that a pool trades, each with the fee
    of its cheapest pool in 1/1,000,000. Below `1 - drawdown_bps` of the
    last mark the Kernel pauses and nothing moves for `resume_days`; `None`: no watch. `payroll_verdict` is the policy's
    on a month's payroll. With `guardians_sign` what it asks for is signed the same day, otherwise never."""

    assets: tuple[Asset, ...]
    pairs: Mapping[tuple[int, int], int]
    market: Market
    runway_months: int
    drawdown_bps: int | None = None
    resume_days: int = 7
    payroll_verdict: int = ALLOW
    guardians_sign: bool = True
    flows: tuple[Flow, ...] = field(default=())

    def __post_init__(self) -> None:
        _require(self)

    def place(self, token: TokenId) -> int:
        """Where a token stands in `assets`; raises `BadValue`."""
        for place, asset in enumerate(self.assets):
            if asset.token == token:
                return place
        raise BadValue(token, "a token", "name one of " + ", ".join(f"`{a.token}`" for a in self.assets))

    @property
    def weighted(self) -> tuple[int, ...]:
        """Places of the weighted assets, in the mandate's order."""
        return tuple(place for place, asset in enumerate(self.assets) if asset.target_bps is not None)


def _require(book: Book) -> None:
    """Raises `BadValue` at the first number that no treasury has."""
    for asset in book.assets:
        for name, units in (("balance", asset.units), ("payroll", asset.payroll_units), ("keep", asset.keep_units)):
            _not_negative(units, f"the {name} of {asset.token}")
        _not_negative(asset.price_e8, f"the price of {asset.token}")
        if asset.target_bps is not None and not asset.price_e8:
            raise BadValue(0, f"the price of {asset.token}", "a weighted token needs one; give it with `--price`")
    if book.market.depth_e8 <= 0:
        raise BadValue(book.market.depth_e8, "the depth of a pool", "write what it holds on each side, above zero")
    if book.resume_days < 1:
        raise BadValue(book.resume_days, "the days until a pause ends", "write one at least")
    if not any(asset.value_usd for asset in book.assets):
        raise BadValue(0, "what the treasury is worth", "it holds nothing that has a price")
    for flow in book.flows:
        book.place(flow.token)


def _not_negative(number: int, where: str) -> None:
    if number < 0:
        raise BadValue(number, where, "write zero or more")


def in_tokens(units: Sequence[int], assets: Sequence[Asset]) -> list[float]:
    """Units as whole tokens, correctly rounded: what the arrays of a simulation hold."""
    return [each / 10**asset.decimals for each, asset in zip(units, assets, strict=True)]
