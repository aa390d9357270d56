"""The same unit at a later second."""

from __future__ import annotations

from dataclasses import replace

from policies.scenario import Judged
from strongroom.model import Round


def at(judged: Judged, second: int) -> Judged:
    """Everything as it is, `second` (Unix) instead of now. Price rounds go along, so that each keeps its age: feeds
    answer anew while one waits, and the age that they have now is the fairest guess. Prices, balances, gas and the
    queue stay as they are. Past rounds and deny lists grow older: a swing passes, a list is renewed by people alone."""
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
