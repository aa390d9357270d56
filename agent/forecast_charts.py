"""Charts of a treasury's forecast: what it is worth, its runway and its falls, as fans over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent.forecasts import BLUE, GREEN, GREY, ORANGE, RED, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulations.origin import Origin
    from simulations.treasury.frontier import Portfolio

COLOURS = (BLUE, ORANGE, GREEN, RED)
_BESIDE = (0, (5, 4))
"""Dashes, for what stands beside the first: where both are the same, both are seen."""
_WIDE = 10
"""From so many times on, worth is drawn on a logarithmic scale."""
_BANDS = (("p05", "p95", 0.15), ("p25", "p75", 0.3))


def fans(title: str, first: int, forecasts: Mapping[str, Mapping[str, Any]], months: int, made: Origin) -> Figure:
    """Three charts: USD, months of payroll with the mandate's `months`, falls from the peak. `first` is the first day
    (Unix seconds); each forecast has the fans `nav`, `runway` (or `None`) and `falls`."""
    has_runway = any(each["runway"] for each in forecasts.values())
    figure, axes = panels(title, 3 if has_runway else 2, made)
    for number, (name, each) in enumerate(forecasts.items()):
        colour = COLOURS[number % len(COLOURS)]
        draw = _fan if not number else _edges
        draw(axes[0], first, each["nav"], colour, name, 1e-6)
        draw(axes[-1], first, each["falls"], colour, name, -100.0)
        if each["runway"]:
            draw(axes[1], first, each["runway"], colour, name, 1.0)
    _label(axes[0], "worth, million USD")
    axes[0].set_ylim(bottom=0)
    _label(axes[-1], "below its peak, %; payments are no fall")
    if has_runway:
        axes[1].axhline(months, color=RED, linestyle="--", linewidth=1, label=f"the mandate's {months} months")
        axes[1].set_ylim(bottom=0)
        _label(axes[1], "runway, months of payroll")
    axes[0].set_title(
        "line: middle of all paths; bands: half of them, and 9 in 10 (dotted beside it)",
        fontsize=9,
        color=GREY,
        loc="left",
    )
    return figure


def lines(title: str, first: int, walks: Mapping[str, Mapping[str, Sequence[float]]], made: Origin) -> Figure:
    """Two charts of what happened on one path each: USD, and the fall from the peak."""
    figure, axes = panels(title, 2, made)
    for number, (colour, (name, walk)) in enumerate(zip(COLOURS, walks.items(), strict=False)):
        days = _dates(first, range(1, len(walk["nav"]) + 1))
        style: Any = {"color": colour, "linewidth": 1.3, "linestyle": _BESIDE if number else "-", "label": name}
        axes[0].plot(days, [usd * 1e-6 for usd in walk["nav"]], **style)
        axes[1].plot(days, [-100 * fall for fall in walk["falls"]], **style)
    _label(axes[0], "worth, million USD")
    _label(axes[1], "below its peak, %; payments are no fall")
    navs = [usd for walk in walks.values() for usd in walk["nav"]]
    if min(navs) > 0 and max(navs) > _WIDE * min(navs):
        axes[0].set_yscale("log")
        for ticks in (axes[0].yaxis.set_major_formatter, axes[0].yaxis.set_minor_formatter):
            ticks("{x:g}")
    else:
        axes[0].set_ylim(bottom=0)
    return figure


def _fan(axis: Axes, first: int, fan: Mapping[str, Any], colour: str, name: str, scale: float) -> None:
    days = _dates(first, fan["day"])
    for low, high, alpha in _BANDS:
        below, above = ([number * scale for number in fan[edge]] for edge in (low, high))
        axis.fill_between(days, below, above, color=colour, alpha=alpha, linewidth=0)
    axis.plot(days, [number * scale for number in fan["p50"]], color=colour, linewidth=1.8, label=name)


def _edges(axis: Axes, first: int, fan: Mapping[str, Any], colour: str, name: str, scale: float) -> None:
    """A second fan over the first would hide it: its middle, and where 9 in 10 end."""
    days = _dates(first, fan["day"])
    for edge in ("p05", "p95"):
        axis.plot(days, [number * scale for number in fan[edge]], color=colour, linewidth=0.9, linestyle=":")
    middle = [number * scale for number in fan["p50"]]
    axis.plot(days, middle, color=colour, linewidth=1.8, linestyle=_BESIDE, label=name)


def _dates(first: int, days: Sequence[int]) -> Any:
    start = datetime.fromtimestamp(first, UTC)
    return [start + timedelta(days=day) for day in days]


def _label(axis: Axes, what: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.set_ylabel(what, fontsize=9)
    axis.margins(x=0)
    axis.legend(loc="best", fontsize=8, frameon=False)


def frontier_chart(
    title: str, tokens: Sequence[str], found: Sequence[Portfolio], own: Portfolio, made: Origin
) -> Figure:
    """Two charts: mean return over CVaR with the mandate's point, and each portfolio's weights."""
    figure, axes = panels(title, 2, made)
    risk = [100 * each.cvar for each in found]
    axes[0].plot(risk, [100 * each.mean for each in found], color=BLUE, marker="o", label="least CVaR")
    axes[0].plot([100 * own.cvar], [100 * own.mean], color=RED, marker="D", linestyle="", label="the mandate's targets")
    axes[0].set_xlabel("CVaR 95 %, % of the whole", fontsize=9)
    axes[0].set_ylabel("mean return, %", fontsize=9)
    shares = [[100 * each.weights[place] for each in found] for place in range(len(tokens))]
    axes[1].stackplot(risk, shares, labels=list(tokens), colors=COLOURS[: len(tokens)], alpha=0.7)
    axes[1].set_xlabel("CVaR 95 %, % of the whole", fontsize=9)
    axes[1].set_ylabel("weights, %", fontsize=9)
    axes[0].legend(loc="upper left", fontsize=8, frameon=False)
    axes[1].legend(loc="upper left", fontsize=8, ncols=len(tokens))
    return figure
