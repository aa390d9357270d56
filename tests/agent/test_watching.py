"""The watch in words: what may be lost is never told too large, and a warning comes before the floor."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.watching import watch_is_near, watch_told
from strongroom.model import NATIVE, Block, Digest, WatchState

HEAD = Block(100, Digest("0x" + "00" * 32), 1_700_000_000)
USD = 10**8
states = st.builds(
    lambda mark, bps, wealth: WatchState(NATIVE, NATIVE, mark, mark * (10_000 - bps) // 10_000, 0, 25, wealth),
    st.integers(0, 10**9 * USD),
    st.integers(1, 9_999),
    st.integers(0, 10**9 * USD),
)


def share_bps(told: str) -> int | None:
    found = re.search(r"and ([\d.]+) % may be lost", told)
    return round(float(found[1]) * 100) if found else None


@given(states)
def test_losing_the_share_that_is_told_leaves_the_floor_and_a_little_more_does_not(state: WatchState) -> None:
    told, wealth = share_bps(watch_told(state, HEAD)), state.wealth_e8 or 0
    assert (told is None) == (state.has_fallen is True) == ("BELOW" in watch_told(state, HEAD))
    if told is not None and wealth:
        assert wealth * (10_000 - told) >= state.floor_e8 * 10_000
        assert wealth * (10_000 - told - 1) < state.floor_e8 * 10_000


@given(states, st.integers(0, 10**17))
def test_who_is_warned_is_warned_of_any_deeper_fall_too(state: WatchState, lost_e8: int) -> None:
    deeper = replace(state, wealth_e8=max((state.wealth_e8 or 0) - lost_e8, 0))
    assert not watch_is_near(state) or watch_is_near(deeper)
    assert watch_is_near(state) or not state.has_fallen


@given(states, st.integers(0, 10**17))
def test_what_was_paid_is_told_beside_what_is_in_the_safe(state: WatchState, paid_e8: int) -> None:
    wealth = state.wealth_e8 or 0
    told = watch_told(state, HEAD, max(wealth - paid_e8, 0))
    assert ("paid since the mark" in told) == (min(paid_e8, wealth) >= 10**6)


@given(states, st.integers(0, 200))
def test_a_paused_kernel_is_not_threatened_with_a_pause(state: WatchState, block: int) -> None:
    told = watch_told(replace(state, observed_at=block), HEAD, is_paused=True)
    assert "anybody" not in told and "second observation" not in told
    assert ("paused already" in told) == bool(state.has_fallen)


@given(states, st.integers(1, 200))
def test_an_observation_and_a_missing_price_are_always_a_warning(state: WatchState, block: int) -> None:
    assert watch_is_near(replace(state, observed_at=block)) and watch_is_near(replace(state, wealth_e8=None))
    told = watch_told(replace(state, observed_at=block), HEAD)
    assert f"observed at block {block}, and " in told
    assert ("from now on" in told) == (HEAD.number >= block + 25)
