"""What another policy changes of a Kernel's buckets, and whether it loosens: from what stands, and what is to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policies.meters import meters
from policies.terms import PolicyDocument
from strongroom.model import Bucket, Digest, TokenId
from strongroom.protocols.kernel import BucketSetting
from strongroom.quantities import format_units

_CLOSED = Bucket(0, 0, 0, 0)
_DAY_SECONDS, _HOUR_SECONDS = 86_400, 3_600


@dataclass(frozen=True, slots=True)
class CapChange:
    """A bucket that another policy changes: what passes at once, in units of the token or of 10^-decimals, and the
    seconds in which a used-up one flows back. Before, both are zero where the Kernel has no such bucket."""

    said: str
    token: TokenId | None
    decimals: int
    at_once_before: int
    at_once_after: int
    drain_seconds_before: int
    drain_seconds_after: int

    @property
    def is_looser(self) -> bool:
        """Whether more passes at once, or more flows back in the same time."""
        before = self.at_once_before * self.drain_seconds_after
        after = self.at_once_after * self.drain_seconds_before
        return self.at_once_after > self.at_once_before or after > before


def caps_changed(
    standing: Mapping[Digest, Bucket], settings: Iterable[BucketSetting], policy: PolicyDocument
) -> Iterator[CapChange]:
    """The buckets that `settings` would change, by the names that `policy` has for them."""
    wanted = {each.key: each for each in settings}
    for meter in meters(policy):
        had, gets = standing.get(meter.key, _CLOSED), wanted.get(meter.key)
        if gets is None or (had.capacity, had.drain) == (gets.capacity_units, gets.drain_seconds):
            continue
        sizes = (had.capacity // meter.scale, gets.capacity_units // meter.scale, had.drain, gets.drain_seconds)
        yield CapChange(meter.said, meter.token, meter.decimals, *sizes)


def cap_row(change: CapChange) -> tuple[str, str, str, str, str]:
    """What, before, arrow, after, and a word where it loosens."""
    before = _said(change, change.at_once_before, change.drain_seconds_before)
    after = _said(change, change.at_once_after, change.drain_seconds_after)
    return change.said, before, "->", after, "LOOSER" if change.is_looser else ""


def _said(change: CapChange, units: int, drain_seconds: int) -> str:
    if not units:
        return "none"
    amount = format_units(units, change.decimals) if change.decimals else str(units)
    return f"{amount} at once, back in {_roughly(drain_seconds)}"


def _roughly(seconds: int) -> str:
    """In whole days from two days on, in whole hours below, rounded up."""
    name, size = ("day", _DAY_SECONDS) if seconds > 2 * _DAY_SECONDS else ("hour", _HOUR_SECONDS)
    count = -(-seconds // size)
    return f"{count} {name}{'' if count == 1 else 's'}"
