"""Continuous leaky buckets, as the Kernel keeps them: what was spent fills one, time drains it at capacity / drain.

Leaks are rounded down, so levels are rounded up and room down: against the agent. Source: `KernelTypes.sol`, ADR 0002.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from policies.kernel.values import BucketId, State, refuse
from strongroom.model import Bucket
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, LOSSES, BucketSetting, bucket_key

ACTIONS_BUCKET: BucketId = (ACTIONS, 0)
LOSSES_BUCKET: BucketId = (LOSSES, 0)
_CLOSED = Bucket(0, 0, 0, 0)


def level_at(bucket: Bucket, now: int) -> int:
    """Units spent and not yet drained at time `now`, rounded up."""
    leaked = max(now - bucket.updated, 0) * bucket.capacity // bucket.drain if bucket.drain else 0
    return max(bucket.level - leaked, 0)


def room_at(bucket: Bucket, now: int) -> int:
    """Units that fit at time `now`, rounded down; none where the capacity was lowered below the level."""
    return max(bucket.capacity - level_at(bucket, now), 0)


def soft_limit(bucket: Bucket) -> int:
    """The level over which losses pause the Kernel: three quarters of the capacity, rounded up."""
    return bucket.capacity - bucket.capacity // 4


def charge(state: State, of: BucketId, units: int, now: int) -> State:
    """The state with `units` more in the bucket. Refuses with `BucketExceeded` what does not fit; a bucket that was
    never set is closed."""
    bucket = state.buckets.get(of, _CLOSED)
    room = room_at(bucket, now)
    if units > room:
        refuse("BucketExceeded", bucket_key(*of), units, room)
    filled = replace(bucket, level=level_at(bucket, now) + units, updated=now)
    return replace(state, buckets={**state.buckets, of: filled})


def count_call(state: State, now: int) -> State:
    """One more call of the agent in the rate limit."""
    return charge(state, ACTIONS_BUCKET, ACTION_UNITS, now)


def charge_loss(state: State, loss_e8: int, now: int) -> tuple[State, bool]:
    """The state with a swap's loss, USD 1e-8, charged, and whether it lifted the level over the soft limit: three
    quarters of the capacity, rounded up. A swap that loses nothing leaves the bucket alone."""
    if not loss_e8:
        return state, False
    charged = charge(state, LOSSES_BUCKET, loss_e8, now)
    bucket = charged.buckets[LOSSES_BUCKET]
    return charged, bucket.level - loss_e8 <= soft_limit(bucket) < bucket.level


def opened(buckets: Mapping[BucketId, Bucket], setting: BucketSetting, now: int) -> Bucket:
    """The bucket under its new limits: what was spent stays, settled at the old rate; one that was closed starts
    full."""
    old = buckets.get((setting.token, setting.bucket_class), _CLOSED)
    level = level_at(old, now) if old.capacity else max(setting.capacity_units, level_at(old, now))
    return Bucket(setting.capacity_units, level, now, setting.drain_seconds)


def is_lowering(bucket: Bucket, setting: BucketSetting) -> bool:
    """Whether the setting raises neither capacity nor rate."""
    slower = setting.capacity_units * bucket.drain <= bucket.capacity * setting.drain_seconds
    return setting.capacity_units <= bucket.capacity and slower
