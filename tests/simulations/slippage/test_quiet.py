"""Of a quiet pool most fills fall short by nothing at all: they make the others no narrower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.slippage.fills import Fill
from simulations.slippage.model import LEAST_FILLS, Slippage, fit
from simulations.slippage.scoring import coverage
from tests.simulations.slippage.test_model import TRUE, WHOLE, drawn


def quiet(count: int, seed: int, still: float) -> list[Fill]:
    """As `drawn`, a share `still` of them exactly as quoted."""
    none = np.random.default_rng(seed).random(count) < still
    return [
        replace(fill, received=WHOLE) if calm else fill for fill, calm in zip(drawn(count, seed), none, strict=True)
    ]


@pytest.mark.parametrize("still", [0.2, 0.6, 0.8])
def test_later_fills_of_a_quiet_pool_lie_where_it_said(still: float) -> None:
    """A single Student t would draw itself together on the lump at zero and promise its 99 % for two thirds."""
    model = fit(quiet(1_000, 6, still))
    assert model.why == "" and model.still == pytest.approx(still, abs=0.05)
    assert model.scale == pytest.approx(TRUE.scale, rel=0.25)
    # A lump inside the interval makes it hold more than its level, never less.
    assert all(each.inside >= each.least for each in coverage(model, quiet(1_000, 7, still)))
    assert coverage(model, quiet(1_000, 7, still))[-1].holds


def test_fills_that_nothing_moved_teach_nothing() -> None:
    found = fit(quiet(400, 8, 0.9))
    moved = 400 - sum(fill.received == WHOLE for fill in quiet(400, 8, 0.9))
    assert found.why == f"{moved} fills are known that anything moved, at least {LEAST_FILLS} are needed"
    assert found.still == 0.0


@given(st.floats(0.001, 0.999), st.floats(0.0, 0.95), st.floats(12, 10**4))
def test_quantile_and_probability_agree_around_the_lump(level: float, still: float, seconds: float) -> None:
    """At least `level` lies at or below the quantile, and less than that just below it."""
    model = Slippage(freedom=4.0, location=0.00005, scale=0.0003, fills=0, still=still)
    at = model.quantile(level, seconds)
    assert model.probability(at, seconds) >= level - 1e-9
    assert model.probability(at - 1e-7, seconds) <= level + 1e-9
