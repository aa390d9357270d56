"""How many guardians an amount needs: by what one recipient gets within a tier's window, however it is split, and a
ceiling for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_most
from policies.metered import Metered
from policies.metering import all_of_unit, caps_of, caps_touched, counting, in_flight, of_unit, spent_on, total
from policies.remembering import once
from policies.terms import Cap, Tier
from policies.tiers import who_signs
from strongroom.model import Finding, Verdict
from strongroom.quantities import format_seconds

RULE = "approvals"


def judge(case: Case) -> Iterator[Finding]:
    moved = all_of_unit(case)
    caps = caps_of(moved, case.document)
    for cap in caps:
        units = total(moved, cap)
        reason = f"no unit moves more {cap.token} in {cap.bucket_class}, whoever signs"
        yield at_most(RULE, units, cap.never_units, Verdict.DENY, reason, partial(case.show, cap.token))
    for cap in caps_touched(case):
        for tier in cap.tiers:
            yield from _tier(case, cap, tier)
    if not caps:
        yield Finding(RULE, Verdict.ALLOW, "nothing leaves")


def tiers_reached(case: Case) -> tuple[Tier, ...]:
    """The tiers above whose amount the unit goes."""
    caps = caps_touched(case)
    return tuple(t for cap in caps for t in cap.tiers if _most_to_one(case, cap, t) > t.above_units)


def approvals_needed(case: Case) -> int:
    """Guardians that must sign once anything asks: the policy's number, the Safe's threshold, or the highest tier
    reached."""
    reached = [tier.approvals for tier in tiers_reached(case)]
    return max(case.document.guardians.approvals, case.facts.safe.threshold, *reached, 0)


def _tier(case: Case, cap: Cap, tier: Tier) -> Iterator[Finding]:
    units, within = _most_to_one(case, cap, tier), format_seconds(tier.window_seconds)
    reason = f"{who_signs(tier)} above this much {cap.token} to one recipient within {within}"
    yield at_most(RULE, units, tier.above_units, Verdict.ASK, reason, partial(case.show, cap.token))
    if tier.delay_seconds and units > tier.above_units:
        waits = f"carried out {format_seconds(tier.delay_seconds)} after it was proposed, no sooner"
        yield Finding(RULE, Verdict.DELAY, waits)


def _most_to_one(case: Case, cap: Cap, tier: Tier) -> int:
    """The most that any counterparty of this unit gets within the window: before, in the queue and now."""
    unit = _by_counterparty(counting(of_unit(case), cap))
    waiting = _by_counterparty(counting(in_flight(case), cap))
    past = spent_on(case, cap, tier.window_seconds, unit)
    return max([units + waiting.get(whom, 0) + past[whom] for whom, units in unit.items()], default=0)


@once
def _by_counterparty(moved: tuple[Metered, ...]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for metered in moved:
        sums[metered.counterparty] += metered.units
    return sums
