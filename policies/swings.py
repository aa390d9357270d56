"""How far a price swung, by the past rounds of its token's first feed."""

from __future__ import annotations

from policies.terms import PolicyDocument
from strongroom.model import Facts, Round, TokenId
from strongroom.quantities import format_seconds
from strongroom.valuation import BPS, Problem


def swing_bps_up(token: TokenId, facts: Facts, document: PolicyDocument, over_seconds: int) -> int | Problem:
    """Highest over lowest answer in force within the window before the facts' block, less one, in 1/10,000, rounded up;
    or why it cannot be known. The round that was in force as the window began counts too."""
    feed = next(iter(document.feeds_of(token)), None)
    priced = document.tokens[token].price_as or token
    rounds = facts.past_rounds.get(priced, ())
    since = facts.block.timestamp - over_seconds
    counted = _in_force(rounds, since)
    if not counted or any(each.feed != feed for each in counted):
        return Problem(
            f"the first feed of {token} does not tell its rounds of {format_seconds(over_seconds)} without a gap"
        )
    if not any(_are_one(counted[0], each) for each in facts.rounds.get(priced, ())):
        # An older record is whole in itself, and tells nothing of the latest swing.
        return Problem(f"the past rounds of the first feed of {token} end before its current one")
    if any(each.answer <= 0 or each.updated_at > facts.block.timestamp for each in counted):
        return Problem(f"the first feed of {token} tells a round that is no price")
    answers = [each.answer for each in counted]
    return -(-(max(answers) - min(answers)) * BPS // min(answers))


def _are_one(newest: Round, current: Round) -> bool:
    """Times are left aside: an explanation takes the current round along to a later second, the record stays."""
    return (newest.feed, newest.round_id, newest.answer) == (current.feed, current.round_id, current.answer)


def _in_force(rounds: tuple[Round, ...], since: int) -> tuple[Round, ...]:
    """From the newest back to the one in force at `since`; empty where a round lacks, or the oldest is younger."""
    for place, each in enumerate(rounds):
        if each.round_id != rounds[0].round_id - place or not each.updated_at:
            return ()
        if each.updated_at <= since:
            return rounds[: place + 1]
    return ()
