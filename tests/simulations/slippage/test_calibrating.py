"""A model is held to fills that it never saw, and only where there are enough of both."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.slippage.calibrating import LEAST_SCORED, Calibration, band, calibrate
from simulations.slippage.fills import Fill

QUOTED = 10**12


def fills(count: int, seed: int = 1, later_spread: float = 1.0) -> list[Fill]:
    """Normal shortfalls that widen with the root of the wait; those of the last third by `later_spread` more."""
    random, found = Random(seed), []
    for place in range(count):
        waited = 12 * random.randrange(1, 6)
        wider = later_spread if place >= count * 2 // 3 else 1.0
        received = QUOTED - int(QUOTED * random.gauss(0, 1e-4) * wider * waited**0.5)
        found.append(Fill(QUOTED + 2, QUOTED + 1, QUOTED, QUOTED, received, 0, waited))
    return found


@given(count=st.integers(0, LEAST_SCORED - 1))
def test_too_few_are_counted_and_how_many_it_takes_is_said(count: int) -> None:
    found = calibrate(fills(count))
    assert isinstance(found, str)
    assert found.startswith(f"{count} fills are known, at least {LEAST_SCORED} are needed")


@pytest.mark.parametrize("count", [LEAST_SCORED, 81, 90, 200])
def test_older_fills_fit_and_newer_ones_score(count: int) -> None:
    found = calibrate(fills(count))
    assert isinstance(found, Calibration)
    assert found.fitted >= 60 and found.later >= 20 and found.fitted + found.later == count
    said, came = zip(*found.points, strict=True)
    assert list(said) == sorted(said) and list(came) == sorted(came)


def test_a_market_that_stays_keeps_the_models_word_and_one_that_widens_breaks_it() -> None:
    stays, widens = calibrate(fills(240)), calibrate(fills(240, later_spread=4.0))
    assert isinstance(stays, Calibration) and stays.holds
    assert isinstance(widens, Calibration) and not widens.holds
    assert widens.coverage[0].inside < widens.coverage[0].least


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (9, "66 fills are known, but nearly all fell short by the same"),
        (10, "0 fills are known that anything moved, at least 60 are needed"),
    ],
)
def test_fills_that_are_all_the_same_are_no_model(got: int, why: str) -> None:
    assert calibrate([Fill(12, 11, 10, 10, got, 0, 12)] * 100) == why


@given(later=st.integers(20, 500), share=st.floats(0, 1))
def test_the_band_holds_a_right_models_share(later: int, share: float) -> None:
    ((low, high),) = band(later, [share])
    assert 0 <= low <= high <= 1
    assert low - 1 / later <= share <= high + 1 / later
