"""Chainlink aggregator proxies (AggregatorV3Interface). A feed never reverts on a bad round: the raw round is kept."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.model import Address, Round
from strongroom.ports import Read
from strongroom.protocols.abi import view


def round_reads(feed: Address) -> tuple[Read[int], Read[tuple[int, ...]]]:
    """The feed's decimals and its latest round."""
    latest = ["uint80", "int256", "uint256", "uint256", "uint80"]
    return (
        view(feed, "decimals()", ["uint8"], int),
        view(feed, "latestRoundData()", latest, lambda *values: tuple(values)),
    )


def round_from(feed: Address, values: Sequence[object]) -> Round | None:
    """The round from what `round_reads` gave, or `None` when the feed did not answer."""
    decimals, latest = values
    if not isinstance(decimals, int) or not isinstance(latest, tuple):
        return None
    round_id, answer, started_at, updated_at, answered_in_round = latest
    return Round(feed, decimals, round_id, answer, started_at, updated_at, answered_in_round)
