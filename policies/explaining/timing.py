"""The same unit at a later second, and the seconds at which more than a leak changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policies.dues import last_paid
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
    """Seconds after now, in order, between which waiting only ever helps: buckets drain and windows roll on, and no
    order becomes due or ends. At the last of them everything has flowed back."""
    now = facts.block.timestamp
    points = {each for each in _of_orders(facts, document) if now < each <= now + _LONGEST_SECONDS}
    return (*sorted(points), max([now + _all_flowed_back(facts, document), *points]))


def _of_orders(facts: Facts, document: PolicyDocument) -> Iterator[int]:
    """Where an order becomes due, the second before; and its first and last second."""
    paid = last_paid(facts, document)
    for each in document.orders.values():
        due = max(paid.get(each.id, -each.every_seconds) + each.every_seconds, each.not_before)
        yield from (due - 1, due)
        if each.not_after:
            yield from (each.not_after, each.not_after + 1)


def _all_flowed_back(facts: Facts, document: PolicyDocument) -> int:
    """Seconds in which every window has rolled past all that is known, and every bucket is empty."""
    buckets = facts.kernel.buckets.values() if facts.kernel else ()
    drains = [bucket.drain for bucket in buckets]
    return min(max([document.history_seconds(), *drains]), _LONGEST_SECONDS) + 1
