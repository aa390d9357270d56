"""What the watch sees, in words: how far the treasury is from its floor, and whether a pause is near."""

from __future__ import annotations

from policies.marks import worth_e8
from policies.terms import PolicyDocument
from policies.usd import usd_down
from strongroom.model import Block, Facts, WatchState
from strongroom.quantities import format_bps
from strongroom.valuation import BPS, Problem

_CENT_E8 = 10**6

_NEAR = 4
"""Less than a quarter of what may be lost is left: people should look before anybody may pause."""


def watch_told(state: WatchState, head: Block, in_safe_e8: int | None = None, is_paused: bool = False) -> str:
    """One line: what counts, what may still be lost, rounded down, and an observation that waits for its second.

    `in_safe_e8`, where it is known, is what the Safe's own holdings count for; the rest is what the Kernel has paid
    since the mark. `is_paused` is the Kernel."""
    observed = "" if is_paused else _observed(state, head)
    return f"{_worth(state, in_safe_e8, is_paused)}{observed}"


def in_safe_e8(facts: Facts, document: PolicyDocument) -> int | None:
    """What the watch counts of the Safe's own holdings, lent ones too, in USD scaled by 1e8; `None` where it is not
    known."""
    try:
        found = worth_e8(lambda token: facts.balances[token], facts, document)
    except KeyError:
        return None
    return None if isinstance(found, Problem) else found


def watch_is_near(state: WatchState) -> bool:
    """Whether people should look: below the floor or near it, once observed, or blind for want of a price."""
    if state.wealth_e8 is None or state.observed_at:
        return True
    return (state.wealth_e8 - state.floor_e8) * _NEAR < state.mark_e8 - state.floor_e8


def _worth(state: WatchState, in_safe_e8: int | None, is_paused: bool) -> str:
    if state.wealth_e8 is None:
        return "a price that it counts by is missing: it sees no fall until that is back"
    counted = f"counts {usd_down(state.wealth_e8)}{_parts(state.wealth_e8, in_safe_e8)}"
    counts, floor = f"{counted}, its mark is {usd_down(state.mark_e8)}", f"its floor of {usd_down(state.floor_e8)}"
    if state.has_fallen and is_paused:
        return f"{counts}; that is BELOW {floor}; the Kernel is paused already, and a re-key needs a new mark with it"
    if state.has_fallen:
        return f"{counts}; that is BELOW {floor}, and anybody may make it pause the Kernel"
    left_bps = (state.wealth_e8 - state.floor_e8) * BPS // state.wealth_e8 if state.wealth_e8 else 0
    return f"{counts}, and {format_bps(left_bps)} may be lost down to {floor}"


def _parts(wealth_e8: int, in_safe_e8: int | None) -> str:
    """What was paid is no loss: nobody should look for it in the Safe."""
    if in_safe_e8 is None or wealth_e8 - in_safe_e8 < _CENT_E8:
        return ""
    paid = usd_down(wealth_e8 - in_safe_e8)
    return f" ({usd_down(in_safe_e8)} in the Safe and lent, {paid} paid since the mark)"


def _observed(state: WatchState, head: Block) -> str:
    if (at := state.confirmable_at) is None:
        return ""
    when = "from now on" if head.number >= at else f"from block {at} on, {at - head.number} from here,"
    return f"; a fall was observed at block {state.observed_at}, and {when} a second observation pauses"
