"""What an installation has to announce where the Safe is under an owners' guard already, and what it announced before.

An announcement is about exact bytes, and these hold the new Kernel's address, which commits to the levels of its
buckets. So a plan that was announced is kept: its levels stay right while the old Kernel is paused, for nothing but
draining changes those.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guardians.changes import find_guard
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Account, Address, Block, Call, SafeState, SafeTx
from strongroom.plain import from_plain
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, BucketSetting
from strongroom.protocols.owner_guard import (
    GuardState,
    announced_read,
    change_hash,
    changes_in,
    encode_announce_change,
)
from strongroom.wallet.deploy import plan_kernel

INSTALLATION, ANNOUNCEMENT = "installation.json", "announcement.json"
"""Beside the documents: the whole plan, and what is signed before it under a guard."""


@dataclass(frozen=True, slots=True)
class Announcing:
    """The changes of an installation under `guard`, in order. `missing` are those with no announcement in force; once
    none is, all can be made from `ready_at` until `expires_at`, Unix time."""

    guard: GuardState
    changes: tuple[bytes, ...]
    missing: tuple[bytes, ...]
    ready_at: int
    expires_at: int

    def calls(self, account: Account) -> tuple[Call, ...]:
        """What the Safe sends its guard: the missing announcements."""
        return tuple(Call(account, self.guard.address, 0, encode_announce_change(each)) for each in self.missing)


def standing_guard(chain: Chain, policy: PolicyDocument, state: SafeState, block: Block) -> GuardState | None:
    """The owners' guard that the Safe has already, if it is ours. Raises `BadValue` where it must go first: taking out
    another's is the owners' decision, and ours never leaves in a batch."""
    found = find_guard(chain, policy.account.safe, state.guard, block)
    if found is None and state.guard != NATIVE and policy.owner_guard:
        mend = "the owners take theirs out first, or write `install = false` in [owner_guard] of policy.toml"
        raise BadValue(state.guard, "a Safe's guard beside ours", mend)
    if found is not None and policy.owner_guard is None:
        mend = "take the guard out first, as docs/owner-guard.md says, or write `delay` and `window` there"
        raise BadValue("false", "`install` in [owner_guard] while the Safe has its guard", mend)
    return found


def announcing(chain: Chain, tx: SafeTx, guard: GuardState | None, block: Block) -> Announcing | None:
    """What of `tx` must be announced, and what of that is; `None` where no guard of ours asks for it."""
    if guard is None:
        return None
    changes = changes_in(tx)
    found = chain.read([announced_read(guard.address, change_hash(each)) for each in changes], block)
    standing = [each for each in found if each is not None]
    return Announcing(
        guard=guard,
        changes=changes,
        missing=tuple(change for change, each in zip(changes, found, strict=True) if each is None),
        ready_at=max((each.ready_at for each in standing), default=0),
        expires_at=min((each.expires_at for each in standing), default=0),
    )


def kept_birth(file: Path, birth: Birth, account: Account, factory: Address) -> Birth:
    """The birth that the plan in `file` has, where it is of the same policy and agent and its levels still cover what
    was spent; else `birth`, with the levels of now."""
    try:
        plan = json.loads(file.read_text())
        buckets, kernel = _settings(plan["buckets"]), plan["kernel"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return birth
    kept = replace(birth, buckets=buckets)
    is_same = _limits(buckets) == _limits(birth.buckets) and plan_kernel(account, kept, factory).address == kernel
    covers = is_same and all(
        now.level_units <= then.level_units <= then.capacity_units
        for now, then in zip(birth.buckets, buckets, strict=True)
    )
    return kept if covers else birth


def _settings(plain: Sequence[object]) -> tuple[BucketSetting, ...]:
    return tuple(from_plain(BucketSetting, each) for each in plain)


def _limits(buckets: Sequence[BucketSetting]) -> list[BucketSetting]:
    return [replace(each, level_units=0) for each in buckets]
