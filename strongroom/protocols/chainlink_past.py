"""A Chainlink feed's past rounds, back from its latest within one phase: an aggregator's change begins a new record.

Source: Chainlink `AggregatorProxyInterface`, `getRoundData`: a proxy's round id is its phase in the bits from 64 up and
the aggregator's own round, counted from 1, in those below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from strongroom.model import Round
from strongroom.ports import Read
from strongroom.protocols.abi import view

MOST_ROUNDS = 128
"""So many rounds are asked for beside the latest, however busy the feed: what lies further back is not known."""
_ROUND = ["uint80", "int256", "uint256", "uint256", "uint80"]
_OWN_BITS = (1 << 64) - 1

Told = tuple[int, int, int, int, int]
"""What a feed says of one round, raw."""


def past_reads(latest: Round) -> tuple[Read[Told], ...]:
    """The reads whose values `past_from` takes: the rounds before `latest`, newest first."""
    before = range(1, min(MOST_ROUNDS, (latest.round_id & _OWN_BITS) - 1) + 1)
    return tuple(
        view(latest.feed, "getRoundData(uint80)", _ROUND, lambda *values: values, [latest.round_id - back])
        for back in before
    )


def past_from(latest: Round, values: Sequence[Any], since: int) -> tuple[Round, ...]:
    """`latest` and those before it, newest first, back to the one that was in force at `since` (Unix seconds), or to
    the first that the feed does not tell."""
    return (latest, *_before(latest, values, since))


def _before(latest: Round, values: Sequence[Told | None], since: int) -> Iterator[Round]:
    updated_at = latest.updated_at
    for told in values:
        # A proxy tells zeros of a round that never was.
        if updated_at <= since or told is None or not told[3]:
            return
        round_id, answer, started_at, updated_at, answered_in_round = told
        yield Round(latest.feed, latest.decimals, round_id, answer, started_at, updated_at, answered_in_round)
