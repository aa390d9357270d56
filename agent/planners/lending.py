"""Lending what lies idle: how much the agent may lend now with nobody asked, and the plan in words."""

from __future__ import annotations

from collections.abc import Sequence

from policies.case import case_of_nothing
from policies.kernel.buckets import room_at
from policies.kernel_rules import alone
from policies.markets import ROUNDING_UNITS
from policies.metering import in_flight, total
from policies.spent import spent_level, spent_units
from policies.terms import Cap, PolicyDocument
from strongroom.model import Bucket, Facts, Supply, TokenId, Withdraw
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, bucket_key, class_number
from strongroom.quantities import format_units
from strongroom.settings import Mandate

Move = Supply | Withdraw
_NAMES = ((Supply, "lend"), (Withdraw, "take back"))
_CLOSED = Bucket(0, 0, 0, 0)


def is_stopped(facts: Facts) -> bool:
    """Whether there is a Kernel that does nothing for its agent: then all that moves is asked for."""
    return facts.kernel is not None and (facts.kernel.paused or not facts.kernel.enabled)


def units_left(cap: Cap, facts: Facts, document: PolicyDocument) -> int:
    """Units of the cap's token that the agent may move in its class at this block, as the rule `caps` counts what left
    and what waits, and as the Kernel's own bucket has room where there is one. Never negative."""
    case = case_of_nothing(facts, document)
    waiting = total(in_flight(case), cap)
    in_window = spent_units(case, cap, cap.window_seconds) + waiting
    at_once = spent_level(case, cap) + waiting
    room = min(alone(cap), cap.cap_units - in_window, cap.at_once_units - at_once)
    return max(min(room, _bucket_units(cap, facts, document)), 0)


def within_calls(moves: Sequence[Move], facts: Facts, document: PolicyDocument) -> tuple[Move, ...]:
    """Without what the rule `lending` denies while the Safe owes something at a market, and without the supplies that
    the Kernel has no call left for at this block. What must come back does not wait."""
    owed = owed_at(facts, document)
    free = [move for move in moves if move.venue.value not in owed]
    back = sum(isinstance(move, Withdraw) for move in free)
    supplies = [move for move in free if isinstance(move, Supply)]
    left_out = supplies[max(_calls_left(facts, document) - back, 0) :]
    return tuple(move for move in free if move not in left_out)


def owed_at(facts: Facts, document: PolicyDocument) -> tuple[str, ...]:
    """Ids of the markets where the Safe owes something: what is lent there is collateral, and stays as it is."""
    pools = {state.pool for state in facts.lending if state.borrows or state.debt_e8}
    return tuple(market.id for market in document.markets.values() if market.pool in pools)


def told(moves: Sequence[Move], mandate: Mandate, facts: Facts, document: PolicyDocument) -> str:
    """The moves in a line: how much of what is lent or taken back, and what the mandate keeps in the Safe."""
    if not moves and is_stopped(facts):
        return "the Kernel is paused, or not enabled: nothing is lent until the agent may lend alone"
    if not moves and (owed := [id_ for id_ in owed_at(facts, document) if id_ in _venues(mandate)]):
        return f"the Safe owes something at {' and '.join(owed)}: nothing is lent or taken back there"
    if not moves:
        return "nothing lies idle that the agent may lend alone now"
    sums = ((name, [_amount(move, document) for move in moves if isinstance(move, kind)]) for kind, name in _NAMES)
    said = " and ".join(f"{name} {' and '.join(amounts)}" for name, amounts in sums if amounts)
    kept = [_shown(move.token.value, mandate.idle[move.token.value].keep_units, document) for move in moves]
    return f"{said}; the mandate keeps {' and '.join(kept)} in the Safe"


def _venues(mandate: Mandate) -> set[str]:
    return {idle.venue for idle in mandate.idle.values()}


def _amount(move: Move, document: PolicyDocument) -> str:
    return _shown(move.token.value, move.amount_units.value, document)


def _shown(token: TokenId, units: int, document: PolicyDocument) -> str:
    return f"{format_units(units, document.tokens[token].token.decimals)} {token}"


def _calls_left(facts: Facts, document: PolicyDocument) -> int:
    """As many as the policy lets be made at once where there is no Kernel."""
    if facts.kernel is None:
        return document.actions.at_once
    bucket = facts.kernel.buckets.get(bucket_key(ACTIONS, 0), _CLOSED)
    return room_at(bucket, facts.block.timestamp) // ACTION_UNITS


def _bucket_units(cap: Cap, facts: Facts, document: PolicyDocument) -> int:
    token = document.token(cap.token)
    if facts.kernel is None or token is None:
        return cap.at_once_units
    bucket = facts.kernel.buckets.get(bucket_key(token.address, class_number(cap.bucket_class)), _CLOSED)
    # The Kernel charges the market's rounding of a share with it.
    rounding = ROUNDING_UNITS if cap.token in document.shares() else 0
    return max(room_at(bucket, facts.block.timestamp) - rounding, 0)
