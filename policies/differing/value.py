"""The treasury's value: what leaves in USD, what it is made of, how long it lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.differing import shown
from policies.differing.buckets import OUTFLOW_BUCKET
from policies.differing.change import Change, Place, Row
from policies.differing.compare import compare
from policies.differing.entries import entries, means, section
from policies.differing.scalars import LOOSER, NEITHER, OTHERWISE, TIGHTER, UNCLEAR, members, more_is
from policies.holdings import HoldingTerms
from policies.outflow import OutflowLimit
from policies.runway import RunwayTerms
from policies.usd import written_usd_per_time
from strongroom.quantities import format_bps


def _share(old: int, new: int, place: Place) -> Iterator[Change]:
    yield place.change(LOOSER if new > old else TIGHTER, f"{format_bps(new)}, was {format_bps(old)}")


def _stables(old: HoldingTerms, new: HoldingTerms, place: Place) -> Iterator[Change]:
    at, said = place.below("stables"), f"{shown.listed(new.stables)}, was {shown.listed(old.stables)}"
    if sorted(old.stables) == sorted(new.stables):
        yield at.change(NEITHER, "in another order")
    else:
        # A token more makes the sum larger, and its own sale a loss of it.
        yield at.change(UNCLEAR, f"{said}; another sum is kept")


def _spend(old: RunwayTerms, new: RunwayTerms, place: Place) -> Iterator[Change]:
    before, after = old.spend_e8 * new.per_seconds, new.spend_e8 * old.per_seconds
    told = (written_usd_per_time(each.spend_e8, each.per_seconds) for each in (new, old))
    way = TIGHTER if after > before else LOOSER if after < before else NEITHER
    yield place.below("spend").change(way, ", was ".join(told))


OUTFLOW = section(
    "outflow",
    "outflow",
    (
        means(TIGHTER, "new: what leaves in USD is limited over all tokens"),
        means(LOOSER, "gone: nothing limits what leaves in USD over all tokens"),
    ),
    compare,
)
HOLDINGS = section(
    "holdings",
    "holdings",
    (
        means(TIGHTER, "new: a unit that makes the treasury's shares worse is stopped"),
        means(LOOSER, "gone: the treasury's value may be made of anything"),
    ),
    compare,
)
RUNWAY = section(
    "runway",
    "runway",
    (
        means(TIGHTER, "new: the stables last so long, or a unit is stopped"),
        means(LOOSER, "gone: the stables need not last"),
    ),
    compare,
)
_MOST = entries(
    "most_bps",
    "most",
    (
        lambda bps, _: (TIGHTER, f"new: at most {format_bps(bps)} of the value"),
        means(LOOSER, "gone: it may be all of the value"),
    ),
    _share,
)
ROWS: Mapping[type[Any], tuple[Row, ...]] = {
    OutflowLimit: (
        OUTFLOW_BUCKET,
        more_is(LOOSER, "never_e8", "never_above", lambda value, *_: shown.usd(value)),
        members("unpriced", "unpriced", LOOSER, TIGHTER, why_lost=": it counts"),
    ),
    HoldingTerms: (
        _MOST,
        Row(("stables",), _stables),
        more_is(TIGHTER, "stables_least_bps", "stables_least", shown.bps),
        OTHERWISE,
    ),
    RunwayTerms: (
        more_is(TIGHTER, "least_seconds", "least", shown.seconds),
        Row(("spend_e8", "per_seconds"), _spend),
        OTHERWISE,
    ),
}
