"""What had left by a unit's block, as it counts in the caps: from its facts, one by one, and from the running sums of a
long history, where one is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policies.case import Case
from policies.dues import like_orders, metered_outflows
from policies.metered import Metered, of_outflows
from policies.metering import counting
from policies.remembering import kept
from policies.spending import level
from policies.terms import Cap


def spent_units(case: Case, cap: Cap, seconds: int) -> int:
    """Units that counted in `cap` in the last so many seconds before the pinned block."""
    since = case.facts.block.timestamp - seconds
    listed = sum([m.units for m in counting(_past(case), cap) if m.timestamp > since])
    return listed + (case.running.units(cap, since) if case.running else 0)


def spent_level(case: Case, cap: Cap) -> int:
    """The level of the cap's bucket at the pinned block, without what waits and what the unit moves."""
    now = case.facts.block.timestamp
    since = now - max(cap.window_seconds, cap.drain_seconds)
    listed = [m for m in counting(_past(case), cap) if m.timestamp > since]
    if case.running is None:
        return level(cap, listed, now)
    if not listed:
        return case.running.level(cap, since, now)
    return level(cap, (*listed, *case.running.listed(cap, since)), now)


def spent_on(case: Case, cap: Cap, seconds: int, counterparties: Iterable[str]) -> Mapping[str, int]:
    """Units that each of these counterparties got in the last so many seconds, as they count in `cap`."""
    since, sums = case.facts.block.timestamp - seconds, dict.fromkeys(counterparties, 0)
    for metered in counting(_past(case), cap):
        if metered.timestamp > since and metered.counterparty in sums:
            sums[metered.counterparty] += metered.units
    if case.running:
        for each in sums:
            sums[each] += case.running.units_to(cap, each, since)
    return sums


@kept
def _past(case: Case) -> tuple[Metered, ...]:
    """The outflows that count and that no running sums hold already."""
    if case.facts.outflows == ():
        return ()
    outflows = metered_outflows(case.facts, case.document)
    if case.running:
        return tuple(of_outflows(like_orders(outflows, case.document), case.document))
    if len(outflows) == len(case.facts.outflows):
        return _every_past(case)
    return tuple(of_outflows(outflows, case.document))


@kept
def _every_past(case: Case) -> tuple[Metered, ...]:
    return tuple(of_outflows(case.facts.outflows, case.document))


def all_past(case: Case, seconds: int) -> tuple[Metered, ...]:
    """Outflows younger than `seconds` at the pinned block, of every class, standing orders too."""
    since = case.facts.block.timestamp - seconds
    return tuple([each for each in _every_past(case) if each.timestamp > since])
