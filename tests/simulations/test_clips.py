"""Clips are whole units, more than none each, the first at once, whatever depth the pools show."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulations.slicing import Market, Wishes, frontier

UNITS = 10**24 + 7


def stepped(seed: int) -> tuple[float, ...]:
    """Outputs that rise by steps of any size, as thin pools one behind the other give."""
    steps = np.sort(np.random.default_rng(seed).uniform(0, 1, 128))
    return (0.0, *(steps / steps[-1] * 0.97).tolist())


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.floats(0, 3), st.floats(10, 10**4), st.integers(60, 40_000))
@example(48, 0.0, 5_000.0, 2_500)
def test_every_clip_sells_something_and_the_first_at_once(
    seed: int, swings: float, half_life: float, most: int
) -> None:
    market = Market(UNITS, stepped(seed), 1.0, swings, half_life, 0.0001)
    for found in frontier(market, Wishes(0.0, 1, 6, most)):
        assert all(clip.units > 0 for clip in found.clips)
        assert sum(clip.units for clip in found.clips) == UNITS
        assert found.clips[0].after_seconds == 0
