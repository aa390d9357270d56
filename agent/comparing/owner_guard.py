"""The owners' guard against [owner_guard] of policy.toml and the Safe's guard slot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.comparing.fields import (
    Comparison,
    Contract,
    Field,
    Reading,
    Weight,
    code_fields,
    format_time,
    is_ours,
    shown,
)
from agent.comparing.installed import Installed
from policies.owner_guarding import OwnerGuardTerms
from strongroom.model import NATIVE, Address, SafeState
from strongroom.ports import Read
from strongroom.protocols.owner_guard import guard_reads
from strongroom.quantities import format_seconds

_HOLDER = "the owners' guard"
_MEND = "`strongroom policy update` plans the guard of this policy"
_FOREIGN = "know what it checks, or remove it in the Safe UI"


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks where the guard is the planned one; another is asked once it is known."""
    return guard_reads(installed.guard_plan.address) if installed.guard_plan else ()


def compare(reading: Reading, installed: Installed, safe: SafeState) -> Comparison:
    """What the Safe has as its guard, and every field of it where it should be ours."""
    plan, terms = installed.guard_plan, installed.document.owner_guard
    if plan is None or terms is None:
        slot = (_slot("none", safe.guard, _FOREIGN, Weight.WARNS),)
        return Comparison(Contract.OWNER_GUARD, "owners' guard", None, slot)
    fields: tuple[Field, ...] = (_slot(plan.address, safe.guard, _MEND, Weight.FAILS),)
    if safe.guard != NATIVE:
        code = tuple(code_fields(reading, Contract.OWNER_GUARD, safe.guard, mend=_MEND, weight=Weight.FAILS))
        own = tuple(_terms(reading, installed, safe.guard, terms)) if is_ours(code) else ()
        fields = (*fields, *code, *own)
    return Comparison(Contract.OWNER_GUARD, "owners' guard", plan.address, fields)


def _slot(planned: str, found: Address, mend: str, weight: Weight) -> Field:
    return Field("the Safe's guard", planned, shown(found), mend, "the Safe", weight=weight)


def _terms(reading: Reading, installed: Installed, guard: Address, ours: OwnerGuardTerms) -> Iterator[Field]:
    safe, kernel, delay, window, removal = reading.values(guard_reads(guard))
    for name, document, chain in (
        ("the Safe that it guards", installed.document.account.safe, shown(safe)),
        ("the Kernel that it waits for", installed.kernel, shown(kernel)),
        ("`delay` of [owner_guard]", format_seconds(ours.delay_seconds), _time(delay)),
        ("`window` of [owner_guard]", format_seconds(ours.window_seconds), _time(window)),
    ):
        yield Field(name, document, chain, _MEND, _HOLDER, weight=Weight.FAILS)
    yield Field("its removal is announced", None, f"possible from {format_time(removal)}" if removal else "no")


def _time(seconds: int | None) -> str:
    return shown(None) if seconds is None else format_seconds(seconds)
