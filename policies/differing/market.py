"""The market of a swap: slippage, impact, depth, averages, and how prices swing; and the health of a loan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.differing.compare import compare
from policies.differing.entries import means, section
from policies.differing.scalars import LOOSER, NEITHER, TIGHTER, UNCLEAR, more_is
from policies.health import shown as health
from policies.trading import TradingTerms, VolatilityTerms
from strongroom.quantities import format_bps, format_seconds


def _wider(old: int | None, new: int | None) -> Direction:
    """Of a bound that `None` leaves out."""
    if old == new:
        return NEITHER
    return LOOSER if new is None or (old is not None and new > old) else TIGHTER


def _share(value: int | None, *_: object) -> str:
    return "no bound" if value is None else format_bps(value)


def _bound(field: str, key: str) -> Row:
    def judge(old: TradingTerms, new: TradingTerms, place: Place) -> Iterator[Change]:
        before, after = getattr(old, field), getattr(new, field)
        yield place.below(key).change(_wider(before, after), shown.was(_share, before, after, place))

    return Row((field,), judge)


def _average(old: TradingTerms, new: TradingTerms, place: Place) -> Iterator[Change]:
    """Both keys stand there, or neither."""
    before, after = old.max_from_average_bps, new.max_from_average_bps
    if before != after:
        said = shown.was(_share, before, after, place)
        yield place.below("max_from_average").change(_wider(before, after), said)
    if old.average_seconds != new.average_seconds and before is not None and after is not None:
        said = shown.was(_time, old.average_seconds, new.average_seconds, place)
        yield place.below("average_over").change(UNCLEAR, f"{said}; a pool may stand nearer to another average")


def _time(value: int | None, *_: object) -> str:
    return "none" if value is None else format_seconds(value)


def _health(value: int, *_: object) -> str:
    return health(value) if value else "none"


def _judge_health(old: Any, new: Any, place: Place) -> Iterator[Change]:
    """At zero the Safe must owe nothing."""
    before, after = old.health_least_e18, new.health_least_e18
    tighter = not after or 0 < before < after
    said = shown.was(_health, before, after, place)
    yield place.below("health_least").change(TIGHTER if tighter else LOOSER, said)


HEALTH = Row(("health_least_e18",), _judge_health)
TRADING = section("trading", "swaps", None, compare)
VOLATILITY = section(
    "volatility",
    "volatility",
    (
        means(TIGHTER, "new: while prices swing, less is sold without guardians"),
        means(LOOSER, "gone: swaps do not shrink while prices swing"),
    ),
    compare,
)
ROWS: Mapping[type[Any], tuple[Row, ...]] = {
    TradingTerms: (
        _bound("max_slippage_bps", "max_slippage"),
        _bound("max_impact_bps", "max_impact"),
        _bound("max_pool_share_bps", "max_pool_share"),
        Row(("average_seconds", "max_from_average_bps"), _average),
    ),
    VolatilityTerms: (
        # A longer time holds the swings of a shorter one.
        more_is(TIGHTER, "over_seconds", "over", lambda value, *_: format_seconds(value)),
        more_is(LOOSER, "calm_bps", "calm", shown.bps),
    ),
}
