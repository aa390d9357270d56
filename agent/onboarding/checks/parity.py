"""Whether what stands on chain says what the documents say: one check for each contract, from the same comparison that
guarded mode starts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.comparing.fields import Comparison, Contract, Field, Weight, count_equal
from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from guardians.changes import announced_changes, find_guard
from strongroom.model import NATIVE
from strongroom.quantities import format_seconds

_NONE_YET = "none yet; it comes with the Kernel"


def kernel(premises: Premises) -> Result:
    """Our own code, installed, alive, with this very policy and key."""
    if premises.kernel is None:
        return ok("none; guarded mode needs one")
    (found,) = premises.compared(Contract.KERNEL)
    result, said = agreement([found]), {field.name: field.chain for field in found.fields}
    if not result.is_ok:
        return result
    if said["paused"] == "yes":
        return warn("it is paused: the agent lane stands still", "find out why, then let the owners `strongroom rekey`")
    announced = said.get("announced", "none")
    return result if announced == "none" else ok(f"{result.what}; announced: {announced}")


def price_sources(premises: Premises) -> Result:
    if premises.kernel is None:
        return ok(_NONE_YET)
    found = premises.compared(Contract.PRICE_SOURCE)
    return agreement(found) if found else ok("none; the policy names none, and nothing is watched")


def debt_meters(premises: Premises) -> Result:
    """Compared with the market's own word, where the policy lists debts."""
    found = premises.compared(Contract.DEBT_METER)
    return agreement(found) if found else ok("none; the policy lists no debts")


def audit_log(premises: Premises) -> Result:
    if premises.kernel is None or premises.treasury.registry is None:
        return ok("none; nothing is anchored")
    return agreement(premises.compared(Contract.REGISTRY))


def guardians(premises: Premises) -> Result:
    """The policy's guardians are exactly the Safe's owners, and as many sign as the Safe demands. The Safe's other
    fields have checks of their own."""
    (safe,) = premises.compared(Contract.SAFE)
    named = tuple(field for field in safe.fields if "[guardians]" in field.name)
    result = agreement([Comparison(safe.contract, safe.name, safe.address, named)])
    asked = premises.policy.guardians.approvals
    return ok(f"the Safe's {len(premises.safe.owners)} owners, {asked} approvals") if result.is_ok else result


def owner_guard(premises: Premises) -> Result:
    """That changes of who commands the Safe wait; and whether one waits now, which no owner must miss."""
    if premises.kernel is None:
        return ok(_NONE_YET)
    if premises.policy.owner_guard is None and premises.safe.guard == NATIVE:
        return ok("none; the policy wants none")
    result, pending = agreement(premises.compared(Contract.OWNER_GUARD)), _pending(premises)
    if pending is None or result.is_ok:
        return pending or result
    return replace(result, what=f"{result.what}; {pending.what}")


def _pending(premises: Premises) -> Result | None:
    """A change that waits in whichever guard of ours the Safe has, the policy's or not."""
    guard = find_guard(premises.chain, premises.account.safe, premises.safe.guard, premises.block)
    if guard is None:
        return None
    now = premises.block.timestamp
    if guard.removal_ready_at:
        wait = _wait(guard.removal_ready_at - now)
        return warn(f"its own removal is announced: {wait}", "if no owner knows why, make the Safe's owners safe now")
    changes = announced_changes(premises.chain, premises.transport, guard, premises.block)
    if changes is None:
        return warn("the node does not show whether a change is announced", "ask a node that shows its events")
    if changes:
        first, more = changes[0], f", and {len(changes) - 1} more" if len(changes) > 1 else ""
        what = f"announced: `{first.meaning}`, {_wait(first.standing.ready_at - now)}{more}"
        return warn(what, f"an owner who does not want it sends `strongroom guardian veto {first.change}`")
    return None


def _wait(seconds: int) -> str:
    return f"possible in {format_seconds(seconds)}" if seconds > 0 else "possible now"


def agreement(found: Sequence[Comparison]) -> Result:
    """Whether all fields of these comparisons agree; of several that differ, the first one's words."""
    different = [field for each in found for field in each.different]
    if not different:
        return ok(_agreed(found))
    # A difference that fails goes before one that warns.
    different.sort(key=lambda field: field.weight is Weight.WARNS)
    first, more = different[0], len(different) - 1
    what = words(first) + (f", and {more} more {'field differs' if more == 1 else 'fields differ'}" if more else "")
    return (warn if first.weight is Weight.WARNS else fail)(what, first.mend)


def _agreed(found: Sequence[Comparison]) -> str:
    if len(found) == 1:
        return f"`{found[0].address}`: {count_equal(found[0])}"
    return f"{len(found)} are as planned, {sum(each.equal_count for each in found)} fields equal"


def words(field: Field) -> str:
    """A difference without its mend."""
    return str(field.refusal).rpartition("; ")[0]
