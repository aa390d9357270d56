"""Of too little nothing is forecast, and of few paths no error is told that would pass for certainty."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.treasury.history import read_history
from simulations.treasury.source import LEAST_DAYS, Bootstrap
from strongroom.errors import BadValue
from strongroom.quantities import format_day


def history(count: int, step: int) -> str:
    """So many rows, each `step` days after the other."""
    rows = (f"{format_day(place * step * 86_400)},{100 + place % 7}" for place in range(count))
    return "day,ETH\n" + "\n".join(rows)


@pytest.mark.parametrize(("count", "step", "known"), [(LEAST_DAYS, 1, LEAST_DAYS - 1), (2, 1, 1), (200, 7, 0)])
def test_a_history_that_is_thin_or_weekly_is_refused_in_one_line(count: int, step: int, known: int) -> None:
    with pytest.raises(BadValue) as refused:
        Bootstrap(read_history(history(count, step), "own.csv").log_returns(), 1)
    assert str(refused.value).startswith(f"`{known}` cannot be used for daily returns of a history; give {LEAST_DAYS}")
    assert "\n" not in str(refused.value)


def test_the_least_history_is_enough() -> None:
    source, out = Bootstrap(read_history(history(LEAST_DAYS + 1, 1), "own.csv").log_returns(), 1), np.empty((50, 1, 9))
    source.block_returns(0, 9, 50, out)
    assert np.isfinite(out).all() and np.ptp(out) > 0
