"""The `[rebalance]` table of mandate.toml: in how many clips a trade may be sold, and what the choice assumes."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.quantities import format_bps, format_seconds, parse_seconds, parse_units

MOST_CLIPS = 12
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MOST_VOLATILITY_BPS, _MOST_AVERSION = 100_000, 1_000_000


_REBALANCE = """\
# A trade back to the targets is sold in clips where that costs less: at most `clips` of them, at least `pause` apart,
# the last one `within` so long of the first. It weighs what each clip moves the pools, which recover by half in a
# `half_life`, against how the price may swing meanwhile: `volatility` is that of a year, and with `risk_aversion` 10 a
# spread of 1 % weighs like a cost of 0.1 %. Clips need a job `rebalance` that runs so often. `clips = 1` sells at once.
[rebalance]
clips = {clips}
within = "{within}"
pause = "{pause}"
risk_aversion = {risk_aversion}
volatility = "{volatility}"
half_life = "{half_life}"
"""


@dataclass(frozen=True, slots=True)
class Pacing:
    """At most `clips` of one trade (1 to 12), at least `pause_seconds` apart, the last `within_seconds` of the first.

    A spread of 1 % weighs like a cost of `risk_aversion` basis points, one of 2 % like four times as much. Assumed are
    the price's `volatility_bps` in a year, and the seconds in which the pools recover by half."""

    clips: int = 4
    within_seconds: int = 6 * _HOUR
    pause_seconds: int = 50 * _MINUTE
    risk_aversion: int = 10
    volatility_bps: int = 10_000
    half_life_seconds: int = 10 * _MINUTE


AT_ONCE = Pacing(clips=1)
"""Every trade is one clip."""


def pacing(row: Table) -> Pacing:
    """The table's values, checked; what is absent has its default. Raises `InputError` naming key and mend."""
    usual = Pacing()
    with row:
        within = _seconds(row, "within", usual.within_seconds, _MINUTE, _DAY)
        return Pacing(
            clips=_count(row, "clips", usual.clips, 1, MOST_CLIPS),
            within_seconds=within,
            pause_seconds=_seconds(row, "pause", min(usual.pause_seconds, within), _MINUTE, within),
            risk_aversion=_count(row, "risk_aversion", usual.risk_aversion, 0, _MOST_AVERSION),
            volatility_bps=_volatility(row, usual.volatility_bps),
            half_life_seconds=_seconds(row, "half_life", usual.half_life_seconds, 1, _DAY),
        )


def _count(row: Table, key: str, usual: int, least: int, most: int) -> int:
    count = row.integer(key, usual)
    if not least <= count <= most:
        raise BadValue(count, row.path(key), f"write a whole number from {least} to {most:,}")
    return count


def _seconds(row: Table, key: str, usual: int, least: int, most: int) -> int:
    if not row.has(key):
        return usual
    seconds = parse_seconds(row.text(key), row.path(key))
    if not least <= seconds <= most:
        mend = f"write a duration from `{format_seconds(least)}` to `{format_seconds(most)}`"
        raise BadValue(row.text(key), row.path(key), mend)
    return seconds


def _volatility(row: Table, usual: int) -> int:
    """Basis points of a year; more than 100 % is no mistake here."""
    if not row.has("volatility"):
        return usual
    text, where = row.text("volatility"), row.path("volatility")
    number, sign, rest = text.strip().partition("%")
    bps = parse_units(number, 2, where) if sign and not rest.strip() else None
    if bps is None or bps > _MOST_VOLATILITY_BPS:
        raise BadValue(text, where, "write a percentage up to `1_000 %`, for example `80 %`")
    return bps


def render_pacing(pacing: Pacing) -> str:
    """The table as mandate.toml has it; `pacing` reads the same values from it."""
    return _REBALANCE.format(
        clips=pacing.clips,
        within=format_seconds(pacing.within_seconds),
        pause=format_seconds(pacing.pause_seconds),
        risk_aversion=pacing.risk_aversion,
        volatility=format_bps(pacing.volatility_bps),
        half_life=format_seconds(pacing.half_life_seconds),
    )
