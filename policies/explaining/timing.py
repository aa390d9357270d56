"""The same unit at a later second, and the seconds at which more than a leak changes."""

from __future__ import annotations

from dataclasses import replace

from policies.orders import Order
from policies.scenario import Judged
from policies.terms import PolicyDocument
from strongroom.model import Facts, Round

_LONGEST_SECONDS = 366 * 86_400
"""Nobody plans by a wait that is longer."""


def at(judged: Judged, second: int) -> Judged:
    """Everything as it is, `second` (Unix) instead of now. Price rounds go along, so that each keeps its age: feeds
    answer anew while one waits, and the age that they have now is the fairest guess. Prices, balances, gas and the
    queue stay as they are."""
    block = replace(judged.facts.block, timestamp=second)
    later = second - judged.facts.block.timestamp
    rounds = {token: tuple(_moved(each, later) for each in all_) for token, all_ in judged.facts.rounds.items()}
    facts = replace(judged.facts, block=block, rounds=rounds)
    rehearsed_at = replace(judged.rehearsal.block, timestamp=judged.rehearsal.block.timestamp + later)
    return replace(judged, facts=facts, rehearsal=replace(judged.rehearsal, block=rehearsed_at))


def _moved(round_: Round, seconds: int) -> Round:
    # A round that was never completed stays so.
    if not round_.updated_at:
        return round_
    return replace(round_, started_at=round_.started_at + seconds, updated_at=round_.updated_at + seconds)


def turning_points(facts: Facts, document: PolicyDocument) -> tuple[int, ...]:
    """Seconds after now, in order, between which waiting only ever helps: buckets drain, windows roll on, orders become
    due; what takes something away is the end of an order alone. At the last of them everything has flowed back."""
    now = facts.block.timestamp
    ends = [second for each in document.orders.values() if each.not_after for second in _around_end(each)]
    points = {each for each in ends if now < each <= now + _LONGEST_SECONDS}
    return (*sorted(points), max([now + _all_flowed_back(facts, document), *points]))


def _around_end(order: Order) -> tuple[int, int]:
    """Its last second, and the first without it."""
    return order.not_after, order.not_after + 1


def _all_flowed_back(facts: Facts, document: PolicyDocument) -> int:
    """Seconds in which every window has rolled past all that is known, every bucket is empty, and every order that
    begins within a year has begun and is due."""
    drains = [bucket.drain for bucket in facts.kernel.buckets.values()] if facts.kernel else []
    begins = [order.not_before - facts.block.timestamp for order in document.orders.values()]
    return min(max([document.history_seconds(), *drains, *begins]), _LONGEST_SECONDS) + 1
