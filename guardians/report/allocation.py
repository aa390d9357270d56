"""Allocation before and after: the drawing, and beside it a table that says the same and more."""

from __future__ import annotations

from collections.abc import Iterable

from guardians.report.chart import draw, rows
from guardians.report.contents import Contents
from guardians.report.holdings import Holding, Picture
from guardians.report.markup import Markup, join, tag
from guardians.report.plainly import usd, when
from policies.terms import ListedToken
from strongroom.model import TokenId
from strongroom.quantities import format_bps, format_units
from strongroom.settings import Weight

_COLUMNS = ("Before", "After", "Of it lent", "Value before", "Value after", "Share after", "Target and band")


def allocation(contents: Contents) -> Markup:
    """The section; without facts it says why there is nothing to draw."""
    before, after = contents.before, contents.after
    if before is None or after is None:
        return tag("p", "No readable facts are recorded, so there is nothing to compare.", class_="quiet")
    return join(
        tag("p", _dated(before, after), class_="quiet"),
        _figure(contents, before, after),
        _table(contents, before, after),
        _notes(contents, after),
    )


def _dated(before: Picture, after: Picture) -> str:
    first, last = (f"block {each.block.number} of {when(each.block.timestamp)}" for each in (before, after))
    return f"Before is {first}; after is {last}. Each by the policy's own price feeds at its block."


def _figure(contents: Contents, before: Picture, after: Picture) -> Markup | None:
    shown = rows(contents.weights, before, after)
    if not shown:
        return tag("p", "The mandate names no target weights.", class_="quiet")
    outside = [row.token for row in shown if row.inside is False]
    told = f"Outside its band: {', '.join(outside)}." if outside else "Every weighted token is inside its band."
    if any(row.inside is None for row in shown):
        told = "Without a healthy price for each weighted token no share is known."
    legend = tag(
        "figcaption",
        tag("span", "before", class_="key ring"),
        tag("span", "after", class_="key disc"),
        tag("span", "target and its band", class_="key wash"),
        tag("p", told, class_="told"),
    )
    return tag("figure", draw(shown), legend)


def _table(contents: Contents, before: Picture, after: Picture) -> Markup:
    body = (
        _row(listed, before.holdings.get(token), after.holdings.get(token), contents.weights.get(token))
        for token, listed in contents.document.tokens.items()
    )
    sums = ("", "", "", _nav(before), _nav(after), "", "")
    foot = _cells("Together", sums)
    return tag(
        "div",
        tag(
            "table",
            tag("caption", "Holdings, exact, with values at the lower of the prices"),
            tag("thead", tag("tr", (tag("th", each, scope="col") for each in ("Token", *_COLUMNS)))),
            tag("tbody", body),
            tag("tfoot", foot),
        ),
        class_="wide",
        tabindex=0,
        role="region",
        aria_label="Holdings before and after",
    )


def _row(listed: ListedToken, before: Holding | None, after: Holding | None, weight: Weight | None) -> Markup:
    decimals = listed.token.decimals
    cells = (
        _units(before, decimals),
        _units(after, decimals),
        format_units(after.lent_units, decimals) if after and after.lent_units else "",
        _value(before),
        _value(after),
        "" if after is None or after.share_bps is None or weight is None else format_bps(after.share_bps),
        f"{format_bps(weight.target_bps)} ± {format_bps(weight.band_bps)}" if weight else "no target",
    )
    return _cells(listed.token.id, cells)


def _cells(name: str, cells: Iterable[str]) -> Markup:
    """A row; each cell carries its column's name, under which a phone shows it."""
    named = zip(_COLUMNS, cells, strict=True)
    return tag("tr", tag("th", name, scope="row"), (tag("td", cell, data_label=label) for label, cell in named))


def _units(holding: Holding | None, decimals: int) -> str:
    return "no answer" if holding is None or holding.units is None else format_units(holding.units, decimals)


def _value(holding: Holding | None) -> str:
    return "no price" if holding is None or holding.usd_e8 is None else usd(holding.usd_e8)


def _nav(picture: Picture) -> str:
    return "unknown" if picture.nav_e8 is None else usd(picture.nav_e8)


def _notes(contents: Contents, after: Picture) -> Markup | None:
    unpriced: list[TokenId] = [token for token in after.unpriced if contents.document.feeds_of(token)]
    if not unpriced:
        return None
    return tag("p", f"Without a healthy price, and so counted as zero: {', '.join(unpriced)}.", class_="note")
