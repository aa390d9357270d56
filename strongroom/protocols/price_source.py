"""PriceSource: one token's price from two feeds, on chain. Source: `contracts/src/PriceSource.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import encode_arguments, view

SEQUENCER_GRACE_SECONDS = 3_600
"""For so long after an outage the contract still refuses: prices catch up before anybody trades on them."""

_CONFIG = "(address,uint8,address[2],uint32[2],uint16,address)"


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """All that a source is born with, and shows for good. Two different feeds, each usable up to its age, at most
    `max_deviation_bps` of the lower price apart. `sequencer`: an L2's uptime feed, for which the contract waits one
    hour after an outage; zero watches none."""

    token: Address
    decimals: int
    first_feed: Address
    second_feed: Address
    first_max_age_seconds: int
    second_max_age_seconds: int
    max_deviation_bps: int
    sequencer: Address

    @property
    def encoded(self) -> bytes:
        """The constructor's arguments, `PriceConfig`."""
        feeds, ages = [self.first_feed, self.second_feed], [self.first_max_age_seconds, self.second_max_age_seconds]
        config = self.token, self.decimals, feeds, ages, self.max_deviation_bps, self.sequencer
        return encode_arguments([_CONFIG], [config])


_GETTERS = {
    "token": ("token()", "address"),
    "decimals": ("decimals()", "uint8"),
    "first_feed": ("firstFeed()", "address"),
    "second_feed": ("secondFeed()", "address"),
    "first_max_age_seconds": ("firstMaxAge()", "uint32"),
    "second_max_age_seconds": ("secondMaxAge()", "uint32"),
    "max_deviation_bps": ("maxDeviationBps()", "uint16"),
    "sequencer": ("sequencer()", "address"),
}


def terms_reads(source: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `terms_from` takes."""
    named = (_GETTERS[field.name] for field in fields(PriceTerms))
    return tuple(view(source, signature, [kind], lambda value: value) for signature, kind in named)


def terms_from(values: Sequence[Any]) -> PriceTerms | None:
    """The terms from what `terms_reads` gave, or `None` when any read failed: then this is no price source."""
    return None if any(value is None for value in values) else PriceTerms(*values)
