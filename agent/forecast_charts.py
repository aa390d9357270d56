"""Charts of a treasury's forecast: what it is worth, its runway and its falls, as fans over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent.forecasts import BLUE, GREY, ORANGE, RED, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulations.origin import Origin
    from simulations.treasury.frontier import Portfolio

COLOURS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#000000", "#a89200", "#d55e00")
"""After Okabe and Ito: told apart by colour-blind readers too."""
_DASHES = ((0, (5, 4)), (0, (2, 2)), (0, (9, 2, 2, 2)))
"""For what stands beside the first: where both are the same, both are seen. Three and eight share no factor, so 24
lines have each a look of their own."""
_CROWD = 3
"""With more forecasts than these, only the middles of those beside the first are drawn."""
_WIDE = 10
"""From so many times on, worth is drawn on a logarithmic scale."""
_LONGEST = 28
"""Letters of a name in a legend."""
_BANDS = (("p05", "p95", 0.15), ("p25", "p75", 0.3))
_MONEY = ((1e9, "billion USD"), (1e6, "million USD"), (1e3, "thousand USD"))
_ONE_RETURN = 1e-6
"""Returns (%) nearer to each other than this differ by rounding alone: the axis must not blow that up."""
_LOSS = "CVaR 95 %: mean loss of the worst 1 in 20 paths, % of worth"


def fans(
    title: str, first: int, forecasts: Mapping[str, Mapping[str, Any]], months: int, assumed: str, made: Origin
) -> Figure:
    """Three charts: USD, months of payroll with the mandate's `months`, falls from the peak. `first` is the first day
    (Unix seconds); each forecast has the fans `nav`, `runway` (or `None`) and `falls`; `assumed` stands above them."""
    has_runway = any(each["runway"] for each in forecasts.values())
    figure, axes = panels(title, 3 if has_runway else 2, made)
    scale, unit = _money([usd for each in forecasts.values() for usd in each["nav"]["p95"]])
    for number, (name, each) in enumerate(forecasts.items()):
        style = _style(number, name)
        edged = len(forecasts) <= _CROWD
        _draw(axes[0], first, each["nav"], style, scale, edged)
        _draw(axes[-1], first, each["falls"], style, -100.0, edged)
        if each["runway"]:
            # Whole months: a slope between two of them would say what never was.
            _draw(axes[1], first, each["runway"], {**style, "drawstyle": "steps-post"}, 1.0, edged)
    _label(axes[0], f"worth, {unit}")
    axes[0].set_ylim(bottom=0)
    _label(axes[-1], "below its peak, %; payments are no fall")
    if has_runway:
        line = axes[1].axhline(months, color=GREY, linestyle=":", linewidth=1.4, label=f"the mandate's {months} months")
        axes[1].legend(handles=[line], loc="upper right", fontsize=8, frameon=False)
        axes[1].set_ylim(bottom=0)
        _label(axes[1], "runway, months of payroll")
    axes[0].set_title(f"{assumed}\n{_reading(len(forecasts))}", fontsize=8, color=GREY, loc="left")
    _names(axes[0], axes[-1])
    return figure


def lines(title: str, first: int, walks: Mapping[str, Mapping[str, Sequence[float]]], made: Origin) -> Figure:
    """Two charts of what happened on one path each: USD, and the fall from the peak."""
    figure, axes = panels(title, 2, made)
    navs = [usd for walk in walks.values() for usd in walk["nav"]]
    scale, unit = _money(navs)
    for number, (name, walk) in enumerate(walks.items()):
        days = _dates(first, range(1, len(walk["nav"]) + 1))
        style = {**_style(number, name), "linewidth": 1.3}
        axes[0].plot(days, [usd * scale for usd in walk["nav"]], **style)
        axes[1].plot(days, [-100 * fall for fall in walk["falls"]], **style)
    _label(axes[0], f"worth, {unit}")
    _label(axes[1], "below its peak, %; payments are no fall")
    if min(navs) > 0 and max(navs) > _WIDE * min(navs):
        _logarithmic(axes[0])
    else:
        axes[0].set_ylim(bottom=0)
    _names(axes[0], axes[-1])
    return figure


def _money(amounts: Sequence[float]) -> tuple[float, str]:
    """What to multiply USD by, and the unit that then is on the axis."""
    most = max(amounts)
    return next(((1 / size, unit) for size, unit in _MONEY if most >= size), (1.0, "USD"))


def _style(number: int, name: str) -> dict[str, Any]:
    dashes = _DASHES[(number - 1) % len(_DASHES)] if number else "-"
    return {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.8, "linestyle": dashes, "label": _short(name)}


def _short(name: str) -> str:
    """Its two ends: files are often told apart by their last letters."""
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[: half - 1]}…{name[-half:]}"


def _reading(forecasts: int) -> str:
    said = "line: middle of all paths; bands: half of them, and 9 in 10"
    if forecasts == 1:
        return said
    return f"{said}; of the others " + ("the same 9 in 10 are dotted" if forecasts <= _CROWD else "only the middle")


def _draw(axis: Axes, first: int, fan: Mapping[str, Any], style: Mapping[str, Any], scale: float, edged: bool) -> None:
    """The first as a fan. A second fan over it would hide it: its middle, and if `edged` where 9 in 10 end."""
    days = _dates(first, fan["day"])
    shape = {edge: [number * scale for number in fan[edge]] for edge in ("p05", "p25", "p50", "p75", "p95")}
    step: Any = "post" if "drawstyle" in style else None
    if style["linestyle"] == "-":
        for low, high, alpha in _BANDS:
            axis.fill_between(days, shape[low], shape[high], color=style["color"], alpha=alpha, linewidth=0, step=step)
    elif edged:
        for edge in ("p05", "p95"):
            axis.plot(days, shape[edge], **{**style, "linewidth": 0.9, "linestyle": ":", "label": None})
    axis.plot(days, shape["p50"], **style)


def _names(axis: Axes, lowest: Axes) -> None:
    """One legend for all charts of the figure, below the lowest: no line runs through it, and the layout leaves room
    for it above the origin, as it would not for a legend of the figure."""
    place: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17), "ncols": 4, "handlelength": 4}
    lowest.legend(*axis.get_legend_handles_labels(), fontsize=8, frameon=False, **place)


def _logarithmic(axis: Axes) -> None:
    """Ticks at 1, 2 and 5 of each decade: one at each digit would not be read."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter("{x:g}")


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


def frontier_chart(
    title: str, tokens: Sequence[str], found: Sequence[Portfolio], own: Portfolio, made: Origin
) -> Figure:
    """Two charts: mean return over CVaR with the mandate's point, and each portfolio's weights, numbered alike."""
    figure, axes = panels(title, 2, made)
    risk, mean = [100 * each.cvar for each in found], [100 * each.mean for each in found]
    means = [*mean, 100 * own.mean]
    axes[0].plot(risk, mean, color=BLUE, marker="o", label="least CVaR")
    for number, place in enumerate(zip(risk, mean, strict=True), 1):
        axes[0].annotate(str(number), place, (0, 7), textcoords="offset points", ha="center", fontsize=8)
    axes[0].plot([100 * own.cvar], [100 * own.mean], color=RED, marker="D", linestyle="", label="the mandate's targets")
    axes[0].margins(0.08)
    if max(means) - min(means) < _ONE_RETURN:
        axes[0].set_ylim(min(means) - 1, max(means) + 1)
    axes[0].set_xlabel(_LOSS, fontsize=9)
    axes[0].set_ylabel("mean return over these days, %", fontsize=9)
    axes[0].legend(loc="best", fontsize=8, frameon=False)
    _draw_weights(axes[1], tokens, (*found, own))
    _names(axes[1], axes[1])
    return figure


def _draw_weights(axis: Axes, tokens: Sequence[str], portfolios: Sequence[Portfolio]) -> None:
    """Bars, the mandate's last: one portfolio alone is seen too."""
    names = [*map(str, range(1, len(portfolios))), "mandate"]
    floor = [0.0] * len(names)
    for place, token in enumerate(tokens):
        shares = [100 * each.weights[place] for each in portfolios]
        hatch = "//" if place >= len(COLOURS) else None
        axis.bar(names, shares, bottom=floor, color=COLOURS[place % len(COLOURS)], hatch=hatch, label=token, alpha=0.8)
        floor = [below + share for below, share in zip(floor, shares, strict=True)]
    axis.set_xlabel("portfolio, numbered as above and in the table", fontsize=9)
    axis.set_ylabel("weights, %", fontsize=9)
