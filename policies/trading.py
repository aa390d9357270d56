"""The market as the policy bounds it: slippage, impact, depth and averages of the pools in [swaps], and the swings of
prices in [volatility]. All are optional, none is the Kernel's: they hold while the engine judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue, NotNamed
from strongroom.quantities import format_bps, format_seconds, parse_bps, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

MIN_AVERAGE_SECONDS, MAX_AVERAGE_SECONDS = 60, 86_400
"""An average over less than a minute follows one trade; past a day no pool is asked to remember."""
MIN_SWING_SECONDS, MAX_SWING_SECONDS = 3_600, 7 * 86_400
_SHARES = ("max_slippage", "max_impact", "max_pool_share", "max_from_average")
_VOLATILITY = """\
# In stormy markets swaps shrink. Measured is how far a price swung `over` this time: its highest over its lowest round
# at the token's first feed. Up to `calm` nothing changes; above, what sells without guardians is `at_once` of
# [caps.swaps.TOKEN] times `calm` over the swing: at twice the calm swing, half."""


@dataclass(frozen=True, slots=True)
class TradingTerms:
    """What a swap may do to its market, shares in 1/10,000; `None` sets no bound. `average_seconds` comes with
    `max_from_average_bps`, and only with it."""

    max_slippage_bps: int | None = None
    max_impact_bps: int | None = None
    max_pool_share_bps: int | None = None
    average_seconds: int | None = None
    max_from_average_bps: int | None = None

    @property
    def needs_pools(self) -> bool:
        """Whether any bound is measured at the pools themselves."""
        return (self.max_impact_bps, self.max_pool_share_bps, self.max_from_average_bps) != (None, None, None)


@dataclass(frozen=True, slots=True)
class VolatilityTerms:
    """Above a swing of `calm_bps` within `over_seconds`, what sells without guardians shrinks in proportion."""

    over_seconds: int
    calm_bps: int


def trading(row: Table) -> TradingTerms:
    """The optional keys of [swaps] that bound the market; whoever reads the rest of the table closes it."""
    slippage, impact, share, apart = (parse_bps(row.text(k), row.path(k)) if row.has(k) else None for k in _SHARES)
    over = parse_seconds(row.text("average_over"), row.path("average_over")) if row.has("average_over") else None
    return TradingTerms(slippage, impact, share, over, apart)


def volatility(row: Table) -> VolatilityTerms | None:
    """The table [volatility]; absent: prices may swing as they will."""
    if not row.keys():
        return None
    with row:
        over, calm = row.text("over"), row.text("calm")
        return VolatilityTerms(parse_seconds(over, row.path("over")), parse_bps(calm, row.path("calm")))


def check_trading(document: PolicyDocument, name: str) -> None:
    """Raises `InputError` at the first bound that bounds nothing, or stops everything."""
    terms, where = document.trading, f"[swaps] of {name}"
    for key, bps in _shares(terms):
        if not 0 < bps < 10_000:
            raise BadValue(format_bps(bps), f"`{key}` in {where}", "more than zero, less than `100 %`, or leave it out")
    _check_average(terms, where)
    _check_volatility(document.volatility, f"[volatility] of {name}")


def _shares(terms: TradingTerms) -> Iterator[tuple[str, int]]:
    """Each bound that is set, by its key."""
    shares = (terms.max_slippage_bps, terms.max_impact_bps, terms.max_pool_share_bps, terms.max_from_average_bps)
    return ((key, bps) for key, bps in zip(_SHARES, shares, strict=True) if bps is not None)


def _check_average(terms: TradingTerms, where: str) -> None:
    over, apart = terms.average_seconds, terms.max_from_average_bps
    if over is None and apart is None:
        return
    if over is None:
        raise NotNamed("average_over", where, '`max_from_average` needs it: write for example "30 minutes"')
    if apart is None:
        raise NotNamed("max_from_average", where, '`average_over` needs it: write for example "1 %"')
    _within(over, MIN_AVERAGE_SECONDS, MAX_AVERAGE_SECONDS, f"`average_over` in {where}")


def _check_volatility(terms: VolatilityTerms | None, where: str) -> None:
    if terms is None:
        return
    _within(terms.over_seconds, MIN_SWING_SECONDS, MAX_SWING_SECONDS, f"`over` in {where}")
    if not terms.calm_bps:
        raise BadValue("0 %", f"`calm` in {where}", "no price stands still; write for example `3 %`")


def _within(seconds: int, least: int, most: int, where: str) -> None:
    if not least <= seconds <= most:
        mend = f"at least {format_seconds(least)}, at most {format_seconds(most)}"
        raise BadValue(format_seconds(seconds), where, mend)


def trading_keys(terms: TradingTerms) -> dict[str, object]:
    """The keys of [swaps] as policy.toml writes them, without those that are not set."""
    over = terms.average_seconds
    shares = {key: format_bps(bps) for key, bps in _shares(terms)}
    return {**shares, "average_over": format_seconds(over)} if over is not None else dict(shares)


def volatility_lines(terms: VolatilityTerms | None) -> Iterator[str]:
    """The table [volatility] with its comment; nothing where there is none."""
    if terms is None:
        return
    yield _VOLATILITY
    yield "[volatility]"
    yield f'over = "{format_seconds(terms.over_seconds)}"'
    yield f'calm = "{format_bps(terms.calm_bps)}"'
    yield ""


def not_on_chain(document: PolicyDocument) -> Iterator[str]:
    """What of this the Kernel does not enforce, in words."""
    yield from (f"`{key}` of swaps" for key, _ in _shares(document.trading))
    if document.volatility:
        yield "smaller swaps while prices swing"
