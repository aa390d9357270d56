"""How many guardians an amount needs: by what one recipient gets within a tier's window, however it is split, and a
ceiling for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from policies.case import Case, at_most
from policies.metering import all_of_unit, caps_of, caps_touched, counting, in_flight, of_unit, total
from policies.spent import spent_on
from policies.terms import Cap, Tier
from policies.tiers import who_signs
from strongroom.model import Finding, Verdict
from strongroom.quantities import format_seconds

RULE = "approvals"


def judge(case: Case) -> Iterator[Finding]:
    moved = all_of_unit(case)
    caps = caps_touched(case) if moved is of_unit(case) else caps_of(moved, case.document)
    for cap in caps:
        units = total(moved, cap)
        reason = f"no unit moves more {cap.token} in {cap.bucket_class}, whoever signs"
        yield at_most(RULE, units, cap.never_units, Verdict.DENY, reason, partial(case.show, cap.token))
    for cap in caps_touched(case):
        at_hand = _at_hand(case, cap)
        for tier in cap.tiers:
            yield from _tier(case, cap, tier, _most_to_one(case, cap, tier, at_hand))
    if not caps:
        yield Finding(RULE, Verdict.ALLOW, "nothing leaves")


def tiers_reached(case: Case) -> tuple[Tier, ...]:
    """The tiers above whose amount the unit goes."""
    caps = {cap: _at_hand(case, cap) for cap in caps_touched(case)}
    found = ((t, _most_to_one(case, cap, t, at_hand)) for cap, at_hand in caps.items() for t in cap.tiers)
    return tuple(tier for tier, most in found if most > tier.above_units)


def approvals_needed(case: Case) -> int:
    """Guardians that must sign once anything asks: the policy's number, the Safe's threshold, or the highest tier
    reached."""
    reached = [tier.approvals for tier in tiers_reached(case)]
    return max(case.document.guardians.approvals, case.facts.safe.threshold, *reached, 0)


def _tier(case: Case, cap: Cap, tier: Tier, units: int) -> Iterator[Finding]:
    within = format_seconds(tier.window_seconds)
    reason = f"{who_signs(tier)} above this much {cap.token} to one recipient within {within}"
    yield at_most(RULE, units, tier.above_units, Verdict.ASK, reason, partial(case.show, cap.token))
    if tier.delay_seconds and units > tier.above_units:
        waits = f"carried out {format_seconds(tier.delay_seconds)} after it was proposed, no sooner"
        yield Finding(RULE, Verdict.DELAY, waits)


def _most_to_one(case: Case, cap: Cap, tier: Tier, at_hand: Mapping[str, int]) -> int:
    """The most that any counterparty of this unit gets within the window: before, in the queue and now."""
    past = spent_on(case, cap, tier.window_seconds, at_hand)
    return max([units + past[whom] for whom, units in at_hand.items()], default=0)


def _at_hand(case: Case, cap: Cap) -> Mapping[str, int]:
    """What each counterparty of this unit gets in the queue and now."""
    sums = dict[str, int]()
    for metered in counting(of_unit(case), cap):
        whom = metered.counterparty
        sums[whom] = sums.get(whom, 0) + metered.units
    for metered in counting(in_flight(case), cap):
        if (whom := metered.counterparty) in sums:
            sums[whom] += metered.units
    return sums
