"""A run that leaves nothing behind but its entries in the log: named as one, on a copy of what is known of units."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.checkpoints import IN_MEMORY
from agent.units import OPEN, WAITING, Units, next_attempt
from strongroom.model import Facts, Plan, Unit
from strongroom.ports import Planner

PREFIX = "dry-run-"


class DryRunPlanner:
    """`Planner` whose units are named as a dry run's, so that they use up no attempt; one that is under way or done
    keeps its name, and is left as it is."""

    def __init__(self, planner: Planner, units: Units) -> None:
        self._planner, self._units = planner, units

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        plan = self._planner.plan(ask, facts)
        return replace(plan, id=PREFIX + plan.id, units=tuple(map(self._named, plan.units)))

    def _named(self, unit: Unit) -> Unit:
        free = next_attempt(unit.id, self._units.attempts(unit.id)) is not None
        return replace(unit, id=PREFIX + unit.id) if free else unit


def copied(path: Path) -> Units:
    """The units as they stand, in memory. One that was cut off in the middle sleeps there: a dry run takes up nothing
    that it may not finish."""
    copy = Units(IN_MEMORY)
    if not path.exists():
        return copy
    with closing(Units(path)) as kept:
        for row in kept.all():
            copy.add(row.value(), row.actor, row.plan, row.cause, row.nonce)
            status = WAITING if row.status in OPEN else row.status
            copy.change(row.id, status=status, lane=row.lane, binding=row.binding, tx_hash=row.tx_hash, why=row.why)
    return copy
