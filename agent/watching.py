"""What the watch sees, in words: how far the treasury is from its floor, and whether a pause is near."""

from __future__ import annotations

from policies.usd import usd_down
from strongroom.model import Block, WatchState
from strongroom.quantities import format_bps
from strongroom.valuation import BPS

_NEAR = 4
"""Less than a quarter of what may be lost is left: people should look before anybody may pause."""


def watch_told(state: WatchState, head: Block) -> str:
    """One line: what counts, what may still be lost, rounded down, and an observation that waits for its second."""
    return f"{_worth(state)}{_observed(state, head)}"


def watch_is_near(state: WatchState) -> bool:
    """Whether people should look: below the floor or near it, once observed, or blind for want of a price."""
    if state.wealth_e8 is None or state.observed_at:
        return True
    return (state.wealth_e8 - state.floor_e8) * _NEAR < state.mark_e8 - state.floor_e8


def _worth(state: WatchState) -> str:
    if state.wealth_e8 is None:
        return "a price that it counts by is missing: it sees no fall until that is back"
    counts = f"counts {usd_down(state.wealth_e8)}, its mark is {usd_down(state.mark_e8)}"
    floor = f"its floor of {usd_down(state.floor_e8)}"
    if state.has_fallen:
        return f"{counts}; that is BELOW {floor}, and anybody may make it pause the Kernel"
    left_bps = (state.wealth_e8 - state.floor_e8) * BPS // state.wealth_e8 if state.wealth_e8 else 0
    return f"{counts}, and {format_bps(left_bps)} may be lost down to {floor}"


def _observed(state: WatchState, head: Block) -> str:
    if (at := state.confirmable_at) is None:
        return ""
    when = "from now on" if head.number >= at else f"from block {at} on, {at - head.number} from here,"
    return f"; a fall was observed at block {state.observed_at}, and {when} a second observation pauses"
