"""Address poisoning: an address that a person takes for a known one because both ends look alike."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.model import Address

_SHOWN = 4
"""Wallets and explorers shorten an address to about this many digits at each end."""


def lookalike(one: Address, other: Address) -> bool:
    """Whether two different addresses share their first and last four hexadecimal digits, in any case."""
    a, b = one[2:].lower(), other[2:].lower()
    return a != b and a[:_SHOWN] == b[:_SHOWN] and a[-_SHOWN:] == b[-_SHOWN:]


def imitated(address: Address, known: Iterable[Address]) -> Address | None:
    """The known address that `address` could be taken for, if any."""
    return next((candidate for candidate in known if lookalike(address, candidate)), None)
