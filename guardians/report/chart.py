"""Shares before and after as one drawing: a line a token, its band and target, a ring where it was, a disc where it is.

Places are percentages and sizes are pixels, so the drawing fits a phone and a wide screen without scaling its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from guardians.report.holdings import Picture
from guardians.report.markup import Markup, join, tag
from strongroom.model import TokenId
from strongroom.quantities import format_bps
from strongroom.settings import Weight
from strongroom.valuation import BPS

_ROW, _TRACK, _AXIS = 64, 38, 30
_STEPS_BPS = (1_000, 2_000)


@dataclass(frozen=True, slots=True)
class Row:
    """One weighted token; shares in basis points of the weighted tokens together, missing where they are unknown."""

    token: TokenId
    before: int | None
    after: int | None
    weight: Weight

    @property
    def inside(self) -> bool | None:
        if self.after is None:
            return None
        return abs(self.after - self.weight.target_bps) <= self.weight.band_bps

    def sentence(self) -> str:
        """The row as it is read aloud."""
        weight = self.weight
        wanted = f"target {format_bps(weight.target_bps)} plus or minus {format_bps(weight.band_bps)}"
        return f"{self.token}: {_share(self.before)} before, {_share(self.after)} after, {wanted}."


def rows(weights: Mapping[TokenId, Weight], before: Picture | None, after: Picture | None) -> tuple[Row, ...]:
    """A row for each weighted token, in the mandate's order."""
    return tuple(Row(token, _at(before, token), _at(after, token), weight) for token, weight in weights.items())


def _at(picture: Picture | None, token: TokenId) -> int | None:
    holding = picture.holdings.get(token) if picture else None
    return holding.share_bps if holding else None


def _share(bps: int | None) -> str:
    return "unknown" if bps is None else format_bps(bps)


def draw(shown: Sequence[Row]) -> Markup:
    """The drawing, with a title and a description that say all that it shows."""
    end, step = _scale(shown)
    height = len(shown) * _ROW + _AXIS
    told = " ".join(row.sentence() for row in shown)
    return tag(
        "svg",
        tag("title", "Allocation before and after", id="chart-title"),
        tag("desc", told, id="chart-told"),
        _axis(end, step, len(shown) * _ROW),
        (_row(row, number * _ROW, end) for number, row in enumerate(shown)),
        width="100%",
        height=height,
        role="img",
        aria_labelledby="chart-title chart-told",
        class_="chart",
    )


def _scale(shown: Sequence[Row]) -> tuple[int, int]:
    """The scale's end, the next step above all that is drawn, and that step; both in basis points."""
    most = max(max(r.before or 0, r.after or 0, r.weight.target_bps + r.weight.band_bps) for r in shown)
    fine, coarse = _STEPS_BPS
    step = coarse if most > 5 * fine else fine
    return min(BPS, -(-most // step) * step), step


def _axis(end: int, step: int, bottom: int) -> Markup:
    return tag("g", (_tick(at, end, bottom) for at in range(0, end + 1, step)), class_="axis", aria_hidden="true")


def _tick(step: int, end: int, bottom: int) -> Markup:
    x = _place(step, end)
    anchor = "start" if step == 0 else "end" if step == end else "middle"
    return join(
        tag("line", x1=x, x2=x, y1=_TRACK - 12, y2=bottom),
        tag("text", format_bps(step), x=x, y=bottom + 20, text_anchor=anchor),
    )


def _row(row: Row, top: int, end: int) -> Markup:
    return tag("g", _words(row, top), _track(row, top + _TRACK, end), aria_hidden="true")


def _words(row: Row, top: int) -> Markup:
    now = f"{_share(row.before)} → {_share(row.after)}"
    return join(
        tag("text", row.token, x=0, y=top + 16, class_="name"),
        tag("text", now, x="100%", y=top + 16, text_anchor="end", class_="now"),
    )


def _track(row: Row, y: int, end: int) -> Iterator[Markup]:
    weight = row.weight
    low, high = max(0, weight.target_bps - weight.band_bps), min(end, weight.target_bps + weight.band_bps)
    yield tag("line", x1="0", x2="100%", y1=y, y2=y, class_="track")
    yield tag("rect", x=_place(low, end), y=y - 9, width=_place(high - low, end), height=18, rx=3, class_="band")
    target = _place(weight.target_bps, end)
    yield tag("line", x1=target, x2=target, y1=y - 9, y2=y + 9, class_="target")
    if row.before is not None and row.after is not None:
        yield tag("line", x1=_place(row.before, end), x2=_place(row.after, end), y1=y, y2=y, class_="moved")
    if row.after is not None:
        yield tag("circle", cx=_place(row.after, end), cy=y, r=6, class_="after")
    if row.before is not None:
        yield tag("circle", cx=_place(row.before, end), cy=y, r=6, class_="before")


def _place(bps: int, end: int) -> str:
    """A share as a percentage of the drawing's width, in hundredths."""
    hundredths = bps * BPS // end
    return f"{hundredths // 100}.{hundredths % 100:02d}%"
