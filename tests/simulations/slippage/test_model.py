"""The model recovers what it was drawn from, says when it knows too little, and its score can fail."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.slippage.fills import Fill
from simulations.slippage.model import BLOCK_SECONDS, LEAST_FILLS, Slippage, bounds, fit
from simulations.slippage.scoring import LEVELS, calibration, coverage

TRUE = Slippage(freedom=4.0, location=0.00005, scale=0.0003, fills=0)
WHOLE = 10**24


def drawn(count: int, seed: int) -> list[Fill]:
    """Fills whose shortfalls are drawn from `TRUE`."""
    random = np.random.default_rng(seed)
    waits = random.integers(1, 20, count) * BLOCK_SECONDS
    shortfalls = np.sqrt(waits) * (TRUE.location + TRUE.scale * random.standard_t(TRUE.freedom, count))
    return [
        Fill(WHOLE, WHOLE, WHOLE, WHOLE, WHOLE - int(short * WHOLE), 0, int(wait))
        for short, wait in zip(shortfalls, waits, strict=True)
    ]


def test_the_fit_recovers_what_the_fills_were_drawn_from() -> None:
    found = fit(drawn(4_000, 1))
    assert found.why == "" and found.fills == 4_000
    assert found.scale == pytest.approx(TRUE.scale, rel=0.06)
    assert found.location == pytest.approx(TRUE.location, abs=0.00002)
    assert 3.2 < found.freedom < 5.2


def test_later_fills_lie_where_it_said() -> None:
    model, later = fit(drawn(600, 2)), drawn(600, 3)
    assert [each.holds for each in coverage(model, later)] == [True] * 3
    assert max(abs(said - came) for said, came in calibration(model, later)) < 0.08


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_model_of_another_spread_fails_its_score(factor: float) -> None:
    model = fit(drawn(600, 2))
    assert not all(each.holds for each in coverage(replace(model, scale=model.scale * factor), drawn(600, 3)))


def test_thin_data_give_the_bounds_and_say_so() -> None:
    found = fit(drawn(LEAST_FILLS - 1, 4))
    assert found == bounds(f"{LEAST_FILLS - 1} fills are known, at least {LEAST_FILLS} are needed")
    assert found.fills == 0
    assert fit(drawn(LEAST_FILLS, 4)).why == ""
    assert fit(drawn(1, 4) * 100).why == "100 fills are known, but nearly all fell short by the same"


def test_the_bounds_are_wider_than_a_calm_market() -> None:
    fitted = fit(drawn(600, 5))
    for level in LEVELS:
        (low, high), (narrow_low, narrow_high) = (
            each.interval(level, 60) for each in (bounds("thin"), replace(fitted, scale=0.0001))
        )
        assert low < narrow_low and narrow_high < high


@given(st.floats(0.01, 0.98), st.floats(0, 10**6), st.floats(0, 10**6))
def test_a_longer_wait_and_a_higher_level_are_wider(level: float, first: float, second: float) -> None:
    model = replace(TRUE, location=0.0)
    shorter, longer = sorted((first, second))
    near, far = model.interval(level, shorter), model.interval(level, longer)
    assert far[0] <= near[0] and near[1] <= far[1]
    wider = model.interval(level + 0.01, shorter)
    assert wider[0] <= near[0] and near[1] <= wider[1]


@given(st.floats(0.001, 0.999), st.floats(12, 10**5))
def test_quantile_and_probability_are_each_others_inverse(probability: float, seconds: float) -> None:
    shortfall = TRUE.quantile(probability, seconds)
    if shortfall < 1:
        assert TRUE.probability(shortfall, seconds) == pytest.approx(probability)


def test_nothing_falls_short_of_more_than_all() -> None:
    assert TRUE.quantile(1 - 1e-12, 10**9) == 1.0


@pytest.mark.parametrize("seconds", [-1.0, nan, inf])
def test_a_wait_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="is no wait"):
        TRUE.quantile(0.5, seconds)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, nan])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="is no share"):
        TRUE.interval(level, 12)


def test_an_order_that_is_included_at_once_waits_a_block() -> None:
    assert TRUE.quantile(0.9, 0) == TRUE.quantile(0.9, BLOCK_SECONDS)
    assert TRUE.quantile(0.9, 4 * BLOCK_SECONDS) == pytest.approx(TRUE.quantile(0.9, BLOCK_SECONDS) * sqrt(4))


def test_a_score_needs_fills() -> None:
    with pytest.raises(ValueError, match="no later fills"):
        coverage(TRUE, [])
