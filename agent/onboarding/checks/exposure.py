"""Whether what others built around the Safe stands open: their modules, calendar allowances, guards, approvals."""

from __future__ import annotations

from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.exposure import (
    Attached,
    attached_modifiers,
    calendar_allowances,
    module_guard,
    open_approvals,
)
from agent.onboarding.premises import Premises
from guardians.changes import find_guard
from strongroom.model import NATIVE, Address
from strongroom.protocols.safe_modules import CalendarAllowance
from strongroom.quantities import format_seconds

_YEARS_READ = 2
_YEAR = 365 * 86_400
_MOST_NAMED = 3


def modifiers(premises: Premises) -> Result:
    """Zodiac Roles 2.1.0 and Delay 1.1.0 take a revert of a member's signature check for a yes."""
    found = attached_modifiers(premises.chain, premises.safe.modules, premises.block)
    faulty = [each for each in found if each.modifier.takes_reverts]
    if exposed := [each for each in faulty if each.contracts]:
        return fail(
            ", ".join(map(_acted_for, exposed)),
            "disable the module in the Safe UI now, and install the release after it",
        )
    if faulty:
        return warn(
            f"`{faulty[0].module}` is {faulty[0].modifier.name}: anybody could act for a member that is a contract",
            "it has none today; install the release after it before it gets one",
        )
    return ok(", ".join(each.modifier.name for each in found) or "none of Zodiac's")


def _acted_for(attached: Attached) -> str:
    members = ", ".join(f"`{member}`" for member in attached.contracts)
    return f"`{attached.module}` is {attached.modifier.name}: anybody may act through it as its member {members}"


def allowances(premises: Premises) -> Result:
    """An allowance that a calendar resets gives twice as much across the boundary."""
    safe, modules = premises.account.safe, premises.safe.modules
    found = calendar_allowances(premises.chain, safe, modules, premises.block)
    if not found:
        return ok("none that a calendar resets")
    return warn(_named([_twice(each) for each in found]), "halve what should be the most, or let them end")


def _twice(allowance: CalendarAllowance) -> str:
    token = "the coin" if allowance.token == NATIVE else f"`{allowance.token}`"
    window = format_seconds(allowance.reset_minutes * 60)
    return (
        f"`{allowance.delegate}` may take {allowance.units} units of {token} each {window}, "
        f"and twice that around a reset"
    )


def bypassed(premises: Premises) -> Result:
    """A Safe's guard never sees what its modules do; only 1.5.0 has a guard for them."""
    state = premises.safe
    if state.guard == NATIVE or not state.modules:
        return ok("no guard to go around" if state.guard == NATIVE else "no module goes around the guard")
    watcher = module_guard(premises.chain, premises.account.safe, premises.block)
    if watcher != NATIVE:
        return ok(f"module guard `{watcher}`")
    ours = find_guard(premises.chain, premises.account.safe, state.guard, premises.block)
    if ours is not None and set(state.modules) == {ours.kernel}:
        return ok("the one module is its Kernel, which bounds itself")
    return warn(
        f"guard `{state.guard}` does not see what {len(state.modules)} modules do",
        "do not count on the guard for them; know each module",
    )


def approvals(premises: Premises) -> Result:
    """What spenders may take at any time, without asking again."""
    since = premises.block.timestamp - _YEARS_READ * _YEAR
    found, oldest = open_approvals(premises.chain, premises.transport, premises.account.safe, since, premises.block)
    seen = f"since block {oldest}"
    if not found:
        return ok(f"none open {seen}")
    worst = sorted(found, key=lambda each: -each.units)
    said = [_takes(each.spender, each.token, None if each.is_unlimited else each.units) for each in worst]
    return warn(f"{_named(said)}, {seen}", "set what you do not use to zero in the Safe UI")


def _takes(spender: Address, token: Address, units: int | None) -> str:
    return f"`{spender}` may take {'all' if units is None else f'{units} units'} of `{token}`"


def _named(said: list[str]) -> str:
    more = len(said) - _MOST_NAMED
    return ", ".join(said[:_MOST_NAMED]) + (f", and {more} more" if more > 0 else "")
