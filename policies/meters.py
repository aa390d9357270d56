"""The Kernel's buckets under the names that people know them by: the policy's caps, what swaps may lose, the calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.kernel.buckets import room_at
from policies.markets import LENDING
from policies.terms import SWAPS, Cap, PolicyDocument
from strongroom.model import Bucket, Digest, KernelState, TokenId
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, LOSSES, bucket_key, class_number

_USD_DECIMALS = 8
_CLOSED = Bucket(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One bucket: what the policy lets pass at one moment and in any window. `name` is the policy's class, `said` what
    it is for people. One of its units is `scale` of the Kernel's. Calls, and USD that swaps lost, have no token."""

    name: str
    said: str
    token: TokenId | None
    decimals: int
    key: Digest
    scale: int
    at_once_units: int
    cap_units: int
    window_seconds: int

    def bucket(self, kernel: KernelState) -> Bucket:
        """As the Kernel has it; one that it does not know is closed."""
        return kernel.buckets.get(self.key, _CLOSED)

    def available_units(self, kernel: KernelState, at: int) -> int:
        """What may still pass at a moment, rounded down."""
        return room_at(self.bucket(kernel), at) // self.scale


def meters(policy: PolicyDocument) -> Iterator[Meter]:
    """Every bucket that the policy fills; those of guardians' exits are not the agent's."""
    yield from (_of_cap(cap, policy) for cap in policy.metered_caps())
    if lost := policy.losses:
        said, key = "lost by swapping, USD", bucket_key(LOSSES, 0)
        yield Meter(said, said, None, _USD_DECIMALS, key, 1, lost.at_once_e8, lost.cap_e8, lost.window_seconds)
    limit, key = policy.actions, bucket_key(ACTIONS, 0)
    yield Meter("calls", "calls", None, 0, key, ACTION_UNITS, limit.at_once, limit.count, limit.window_seconds)


def _of_cap(cap: Cap, policy: PolicyDocument) -> Meter:
    token = policy.token(cap.token)
    assert token is not None, "a cap is of a listed token, or of a share"
    key = bucket_key(token.address, class_number(cap.bucket_class))
    sizes = (cap.at_once_units, cap.cap_units, cap.window_seconds)
    return Meter(cap.bucket_class, _said(cap, policy), token.id, token.decimals, key, 1, *sizes)


def _said(cap: Cap, policy: PolicyDocument) -> str:
    if cap.bucket_class == SWAPS:
        return f"sell {cap.token}"
    if cap.bucket_class != LENDING:
        return f"pay {cap.bucket_class} {cap.token}"
    share = policy.shares().get(cap.token)
    return f"take back {share[1].token}" if share else f"lend {cap.token}"
