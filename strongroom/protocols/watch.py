"""The Watch: a guardian of the Kernel that anybody may make pause it after a fall. Source: `IWatch.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import to_address
from strongroom.model import NATIVE, Address, WatchState
from strongroom.ports import Read
from strongroom.protocols.abi import encode_arguments, encode_call, view

MOST_TOKENS = 8

_BIRTH = "(address,(address,address)[],address,uint16,uint32,uint32,address)"


@dataclass(frozen=True, slots=True)
class Watched:
    """A token that counts, and the PriceSource of that very token."""

    token: Address
    source: Address


@dataclass(frozen=True, slots=True)
class WatchBirth:
    """All that a watch is born with: at most eight tokens, the DAO's own (zero: none) not among them.

    It pauses after two observations below the mark less `max_drawdown_bps` (1 to 9,999), the second at least
    `confirm_blocks` after the first and at most `expiry_blocks` after that. The mark of a `predecessor`, of the same
    Safe and tokens, goes on, with what was paid since; zero makes the wealth of now the mark."""

    kernel: Address
    watched: tuple[Watched, ...]
    own_token: Address
    max_drawdown_bps: int
    confirm_blocks: int
    expiry_blocks: int
    predecessor: Address = NATIVE

    @property
    def encoded(self) -> bytes:
        """The constructor's arguments; tokens ascend by address, as the contract wants them."""
        pairs = ((each.token, each.source) for each in self.watched)
        ascending = sorted(pairs, key=lambda pair: int(pair[0], 16))
        limits = (self.max_drawdown_bps, self.confirm_blocks, self.expiry_blocks)
        return encode_arguments([_BIRTH], [(self.kernel, ascending, self.own_token, *limits, self.predecessor)])


def encode_trip() -> bytes:
    """For anybody to send, twice. Refused with `NoDrawdown` while all is well."""
    return encode_call("trip()")


def encode_rebase() -> bytes:
    """For the Safe to send: the wealth of now is the mark."""
    return encode_call("rebase()")


def watch_reads(watch: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `watch_from` takes."""
    return (
        view(watch, "kernel()", ["address"], str),
        view(watch, "markE8()", ["uint256"], int),
        view(watch, "floorE8()", ["uint256"], int),
        view(watch, "observedAt()", ["uint256"], int),
        view(watch, "confirmBlocks()", ["uint32"], int),
        view(watch, "wealthE8()", ["uint256"], int),
    )


def watch_from(watch: Address, values: Sequence[Any]) -> WatchState | None:
    """The state from what `watch_reads` gave, or `None` when any read but the last failed: then this is no watch."""
    if any(value is None for value in values[:-1]):
        return None
    return WatchState(watch, *values)


def birth_reads(watch: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `birth_from` takes."""
    return (
        view(watch, "kernel()", ["address"], str),
        watched_read(watch),
        view(watch, "ownToken()", ["address"], str),
        view(watch, "maxDrawdownBps()", ["uint16"], int),
        view(watch, "confirmBlocks()", ["uint32"], int),
        view(watch, "expiryBlocks()", ["uint32"], int),
    )


def birth_from(values: Sequence[Any]) -> WatchBirth | None:
    """What it was born with, or `None` when any read failed: then this is no watch."""
    return None if any(value is None for value in values) else WatchBirth(*values)


def mark_reads(watch: Address, tokens: Sequence[Address]) -> tuple[Read[int], ...]:
    """The mark in USD 1e-8, and for each of these listed tokens the units paid since, a predecessor's time included."""
    paid = (view(watch, "paidSinceMark(address)", ["uint256"], int, [token]) for token in tokens)
    return view(watch, "markE8()", ["uint256"], int), *paid


def safe_read(watch: Address) -> Read[Address]:
    """Whose balances it counts."""
    return view(watch, "safe()", ["address"], to_address)


def watched_read(watch: Address) -> Read[tuple[Watched, ...]]:
    """What counts, ascending by address."""
    return view(watch, "watched()", ["(address,address)[]"], _watched)


def _watched(pairs: Sequence[tuple[str, str]]) -> tuple[Watched, ...]:
    return tuple(Watched(to_address(token), to_address(source)) for token, source in pairs)


def paid_read(kernel: Address, token: Address = NATIVE) -> Read[int]:
    """Units of `token` that payments have taken out of the Safe since the Kernel's birth."""
    return view(kernel, "paid(address)", ["uint256"], int, [token])
