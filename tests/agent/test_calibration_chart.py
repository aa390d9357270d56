"""What is said and drawn of a slippage model's score."""

from __future__ import annotations

import pytest

from agent.calibration_chart import calibration_lines, calibration_told, draw_calibration
from agent.forecasts import origin, panels
from simulations.slippage.calibrating import Calibration, calibrate
from tests.simulations.slippage.test_calibrating import fills


def test_without_enough_fills_one_line_says_how_many_it_takes() -> None:
    found = calibrate(fills(12))
    (line,) = calibration_lines(found)
    assert line.startswith("not held to later fills yet: 12 fills are known, at least 80 are needed")
    assert calibration_told(found) == {"why": found}


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        (1.0, "it keeps its word"),
        (4.0, "it is too narrow: expect worse than it says"),
        (0.1, "it is too wide: fills are better than it says"),
    ],
)
def test_the_verdict_is_said_and_drawn(spread: float, verdict: str) -> None:
    found = calibrate(fills(300, later_spread=spread))
    assert isinstance(found, Calibration)
    (line,) = calibration_lines(found)
    assert line.startswith("of 100 later fills, its intervals held ") and line.endswith(verdict)
    assert calibration_told(found)["later"] == 100
    _, (axes,) = panels("title", 1, origin({}, 0, ["simulate"]))
    draw_calibration(axes, found)
    assert axes.get_title(loc="left").endswith(verdict)
    (drawn,) = (line for line in axes.get_lines() if line.get_label() == "what came")
    assert [tuple(point) for point in drawn.get_xydata()] == list(found.points)
