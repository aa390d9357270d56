"""Of too little nothing is forecast, and of few paths no error is told that would pass for certainty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from simulations.treasury.history import read_history
from simulations.treasury.measures import Estimate, conditional_value_at_risk, mean
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


@pytest.mark.parametrize(("count", "level"), [(1, 0.95), (10, 0.99), (99, 0.99), (399, 0.95), (1_999, 0.99)])
def test_a_tail_of_a_few_paths_has_no_interval(count: int, level: float) -> None:
    """Of ten paths the worst is all that the 99 % tail shows: no spread is no certainty."""
    found = conditional_value_at_risk(np.random.Generator(np.random.Philox(key=1)).standard_normal(count), level)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("count", "level"), [(400, 0.95), (2_000, 0.99)])
def test_an_interval_of_the_smallest_tail_that_has_one_is_nearly_as_good_as_it_says(count: int, level: float) -> None:
    truth = norm.pdf(norm.ppf(level)) / (1 - level)
    draws = np.random.Generator(np.random.Philox(key=2)).standard_normal((500, count))
    found = [conditional_value_at_risk(each, level) for each in draws]
    assert all(each.low is not None and each.high is not None for each in found)
    assert sum(each.low <= truth <= each.high for each in found) > 0.88 * len(found)  # type: ignore[operator]


@pytest.mark.parametrize("costly", [0, 1, 19])
def test_a_mean_that_hangs_on_few_paths_has_no_interval(costly: int) -> None:
    samples = np.append(np.zeros(10_000 - costly), np.arange(1.0, costly + 1))
    assert mean(samples) == Estimate(float(samples.mean()), None, None)
    assert mean(np.append(samples, np.arange(1.0, 21.0))).low is not None
