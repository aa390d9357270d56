"""Does the slippage model keep its word? Said in a few lines, and drawn as a calibration plot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agent.forecasts import BLUE, GREY, ORANGE
from simulations.slippage.calibrating import Calibration, band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 200


def calibration_lines(found: Calibration | str) -> Iterator[str]:
    """One line where there is no score, else its intervals and what they mean."""
    if isinstance(found, str):
        yield f"not held to later fills yet: {found}"
        return
    held = ", ".join(f"{each.inside} of {each.level:.0%}" for each in found.coverage)
    right = ", ".join(f"{each.least} to {each.most}" for each in found.coverage)
    yield f"of {found.later} later fills, its intervals held {held} (a right model: {right}); {_verdict(found)}"


def _verdict(found: Calibration) -> str:
    if found.holds:
        return "it keeps its word"
    narrow = any(each.inside < each.least for each in found.coverage)
    return "it is too narrow: expect worse than it says" if narrow else "it is too wide: fills are better than it says"


def calibration_told(found: Calibration | str) -> dict[str, Any]:
    """Plain values for `--json`."""
    if isinstance(found, str):
        return {"why": found}
    held = {
        f"{each.level:g}": {"inside": each.inside, "least": each.least, "most": each.most} for each in found.coverage
    }
    return {"fitted": found.fitted, "later": found.later, "coverage": held, "points": [list(p) for p in found.points]}


def draw_calibration(axes: Axes, found: Calibration) -> None:
    """The share of later fills that fell short by no more than the model said, over the share that it said."""
    shares = [each / _POINTS for each in range(_POINTS + 1)]
    low, high = zip(*band(found.later, shares), strict=True)
    axes.fill_between(
        shares, low, high, step="mid", color=GREY, alpha=0.25, linewidth=0, label="where a right model lies, 95 in 100"
    )
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="the model's word, kept exactly")
    said, came = zip(*found.points, strict=True)
    axes.plot(said, came, color=BLUE if found.holds else ORANGE, marker=".", linewidth=1, label="what came")
    axes.set_title(f"Does it keep its word? {found.later} later fills that it never saw: {_verdict(found)}", loc="left")
    axes.set_xlabel("share of fills that should have stayed below a loss, as the model said")
    axes.set_ylabel("share that did")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.margins(x=0, y=0)
    axes.legend(loc="lower right", frameon=False)
