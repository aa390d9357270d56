"""A backtest by month as a picture: how many were allowed, asked and denied, how full the caps were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.forecasts import BLUE, GREEN, GREY, ORANGE, RED, origin, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"allow": GREEN, "delay": BLUE, "ask": ORANGE, "deny": RED}
_LINES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (GREY, "D"))
_FULL_BPS, _MOST_BPS = 10_000, 20_000
_LABELS = 12


def draw(answer: dict[str, Any], path: Path, command: Sequence[str]) -> None:
    """The report's months to a PNG or SVG, as `path` ends; `command` made the report. Levels above twice a cap are
    drawn at the upper edge."""
    made = origin({each: answer[each] for each in ("policy", "rows", "rules", "months")}, 0, command)
    judged, months = answer["rows"]["judged"], answer["months"]
    figure, (counts, levels) = panels(f"What the policy says to {judged:,} transactions, by month", 2, made)
    _bars(counts, months, answer["verdicts"])
    _caps(levels, months)
    every = max(-(-len(months) // _LABELS), 1)
    for axes in (counts, levels):
        axes.set_axisbelow(True)
        axes.set_xlim(-0.6, max(len(months), 1) - 0.4)
        axes.set_xticks(range(0, len(months), every), [each["month"] for each in months[::every]])
    save(figure, path)


def _bars(axes: Axes, months: Sequence[dict[str, Any]], verdicts: dict[str, int]) -> None:
    from matplotlib.ticker import MaxNLocator

    bottom = [0] * len(months)
    for name, colour in _COLOURS.items():
        if verdicts[name]:
            heights = [month["verdicts"][name] for month in months]
            axes.bar(range(len(months)), heights, 0.8, bottom=bottom, color=colour, label=f"{name}: {verdicts[name]:,}")
            bottom = [low + high for low, high in zip(bottom, heights, strict=True)]
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("transactions")
    _legend(axes)


def _caps(axes: Axes, months: Sequence[dict[str, Any]]) -> None:
    """A month in which nothing touched a cap has no point."""
    for (colour, marker), name in zip(_LINES, _fullest(months), strict=False):
        at = [number for number, month in enumerate(months) if name in month["levels"]]
        shares = [min(months[number]["levels"][name], _MOST_BPS) / 100 for number in at]
        axes.plot(at, shares, color=colour, marker=marker, markersize=4, linewidth=1.5, label=name, clip_on=False)
    axes.axhline(_FULL_BPS / 100, color=RED, linestyle="--", linewidth=1, label="the cap")
    axes.set_ylim(0, _MOST_BPS / 100)
    axes.set_ylabel("fullest in the month, % of the cap")
    axes.set_title("How full the caps were (200 % stands for all above)", fontsize=10, loc="left")
    _legend(axes)


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)


def _fullest(months: Sequence[dict[str, Any]]) -> list[str]:
    """The caps that came closest to their limit, or went furthest beyond it: more lines than these nobody reads."""
    highest: dict[str, int] = {}
    for month in months:
        for name, bps in month["levels"].items():
            highest[name] = max(highest.get(name, 0), bps)
    return sorted(highest, key=lambda name: (-highest[name], name))[: len(_LINES)]
