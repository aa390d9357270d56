"""Charts of forecasts: each line told apart, none hidden, units that can be read, written whole or not at all."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from agent.forecast_charts import COLOURS, fans, frontier_chart, lines
from agent.forecasts import origin, panels, save
from simulations.treasury.frontier import Portfolio
from strongroom.errors import BadValue

MADE = origin({}, 1, ["simulate"])
FIRST = 1_767_225_600
EDGES = ("p05", "p25", "p50", "p75", "p95")


def fan(worth: float) -> Mapping[str, Any]:
    return {"day": [1, 2, 3], **{edge: [worth * (1 + place / 10)] * 3 for place, edge in enumerate(EDGES)}}


def forecast(worth: float) -> Mapping[str, Any]:
    return {"nav": fan(worth), "runway": fan(8), "falls": fan(0.1)}


def drawn(names: Sequence[str], worth: float = 1e6) -> Figure:
    return fans("Hall DAO", FIRST, {name: forecast(worth) for name in names}, 6, "9 paths", MADE)


def boxes_apart(figure: Figure) -> bool:
    """Neither title, charts, legend nor origin lie upon each other."""
    figure.draw_without_rendering()
    legend = figure.axes[-1].get_legend()
    foot = figure._supxlabel  # type: ignore[attr-defined]
    assert legend is not None
    above = [legend.get_window_extent(), *(tick.get_window_extent() for tick in figure.axes[-1].get_xticklabels())]
    return foot.get_window_extent().y1 <= above[0].y0 and above[0].y1 <= min(box.y0 for box in above[1:])


@pytest.mark.parametrize("count", [1, 2, 3, 9, 24])
def test_every_forecast_has_a_look_of_its_own_and_its_name_below(count: int) -> None:
    names = [f"mandate-{number}.toml" for number in range(count)]
    figure = drawn(names)
    middles = {(line.get_color(), str(line.get_linestyle()), str(line._unscaled_dash_pattern))  # type: ignore[attr-defined]
               for line in figure.axes[0].get_lines() if line.get_label() in names}  # fmt: skip
    assert len(middles) == count
    legend = figure.axes[-1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == names
    assert boxes_apart(figure)


def test_a_crowd_is_drawn_by_its_middles_alone() -> None:
    few, many = drawn(["a", "b", "c"]).axes[0], drawn(list("abcd")).axes[0]
    assert (len(few.get_lines()), len(many.get_lines())) == (1 + 2 * 3, 4)
    assert "dotted" in few.get_title(loc="left") and "only the middle" in many.get_title(loc="left")


def test_a_runway_falls_in_steps_as_months_do() -> None:
    _, runway, _ = drawn(["a", "b"]).axes
    assert {line.get_drawstyle() for line in runway.get_lines()[:-1]} == {"steps-post"}


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1e14))
def test_worth_is_drawn_in_a_unit_that_can_be_read(worth: float) -> None:
    """What stands on the axis times its unit is the worth; short of billions no number passes a thousand."""
    axis = drawn(["a"], worth).axes[0]
    unit = {"USD": 1.0, "thousand USD": 1e3, "million USD": 1e6, "billion USD": 1e9}[axis.get_ylabel()[7:]]
    (line,) = axis.get_lines()
    top = float(line.get_ydata()[0]) * 1.4 / 1.2  # type: ignore[arg-type,index]
    assert top * unit == pytest.approx(worth * 1.4)
    assert top < 1_000 or unit == 1e9
    assert top >= 1 - 1e-9 or unit == 1.0


def test_a_long_name_keeps_both_ends_and_a_long_title_is_broken() -> None:
    figure = fans("D" * 40 + " " + "A" * 60, FIRST, {"cautious" * 9 + "-2.toml": forecast(1)}, 6, "9 paths", MADE)
    (label,) = figure.axes[-1].get_legend().get_texts()  # type: ignore[union-attr]
    assert label.get_text().startswith("cautious") and label.get_text().endswith("-2.toml")
    figure.draw_without_rendering()
    title = figure._suptitle  # type: ignore[attr-defined]
    box = title.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_a_logarithmic_axis_has_no_ticks_upon_each_other() -> None:
    walk = {"nav": [10 ** (6 + day / 100) for day in range(250)], "falls": [0.0] * 250}
    axis = lines("Hall DAO", FIRST, {"a": walk, "b": walk}, MADE).axes[0]
    axis.figure.draw_without_rendering()  # type: ignore[union-attr]
    shown = [tick for tick in axis.get_yticklabels(which="both") if tick.get_text() and tick.get_visible()]
    low, high = axis.get_window_extent().y0, axis.get_window_extent().y1
    spans = sorted((b.y0, b.y1) for b in (tick.get_window_extent() for tick in shown) if low <= b.y0 and b.y1 <= high)
    assert axis.get_yscale() == "log" and len(spans) >= 3
    assert all(below[1] <= above[0] for below, above in pairwise(spans))


@pytest.mark.parametrize("tokens", [2, 6, 12])
@pytest.mark.parametrize("points", [1, 8])
def test_a_frontier_shows_every_weight_of_every_portfolio(tokens: int, points: int) -> None:
    each = Portfolio((1 / tokens,) * tokens, 1e-17, 0.2)
    figure = frontier_chart("t", [f"TOKEN{place}" for place in range(tokens)], (each,) * points, each, MADE)
    returns, weights = figure.axes
    bars = [(bar.get_facecolor(), bar.get_hatch()) for bar in weights.patches]
    assert len(bars) == tokens * (points + 1) and len(set(bars)) == tokens
    assert sum(bar.get_height() for bar in weights.patches) == pytest.approx(100 * (points + 1))
    low, high = returns.get_ylim()
    assert high - low >= 1, "rounding is not drawn as if it were a return"
    assert len(set(COLOURS)) == len(COLOURS)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_disk_that_fills_up_leaves_the_chart_of_before_and_nothing_beside_it(tmp_path: Path, suffix: str) -> None:
    chart = tmp_path / f"chart.{suffix}"
    chart.write_text("before")
    figure, _ = panels("title", 1, MADE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(BadValue, match="cannot be used for --chart"):
            save(figure, chart)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert chart.read_text() == "before"
    assert list(tmp_path.iterdir()) == [chart]
