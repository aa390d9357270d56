"""Lending markets as a scenario would observe them: open to all, with what the scenario says lies there."""

from __future__ import annotations

from collections.abc import Mapping

from policies.markets import Market
from policies.terms import PolicyDocument
from strongroom.model import LendingReserve, LendingState, Token, TokenId

_PLENTY = 10**30


def tokens_of(document: PolicyDocument) -> dict[TokenId, Token]:
    """The listed tokens and the shares."""
    known = {id_: document.token(id_) for id_ in (*document.tokens, *document.shares())}
    return {id_: token for id_, token in known.items() if token is not None}


def positions(supplied: Mapping[TokenId, int], document: PolicyDocument) -> dict[TokenId, int]:
    """What lies at markets, by share; a token lies at the first that lists it."""
    left = dict(supplied)
    return {share: left.pop(reserve.token, 0) for share, (_, reserve) in document.shares().items()}


def markets(
    supplied: Mapping[TokenId, int], left: Mapping[TokenId, int], owes: bool, document: PolicyDocument
) -> tuple[LendingState, ...]:
    """Every market's state; of the tokens in `left` only so much is not lent out."""
    held = positions(supplied, document)
    return tuple(_market(market, held, left, owes, document) for market in document.markets.values())


def _market(
    market: Market, held: Mapping[TokenId, int], left: Mapping[TokenId, int], owes: bool, document: PolicyDocument
) -> LendingState:
    reserves = (
        LendingReserve(
            asset=document.tokens[reserve.token].token.address,
            receipt=reserve.share,
            supplied_units=held[share],
            available_units=left.get(reserve.token, _PLENTY),
            supply_rate_bps=300,
            supply_room_units=None,
            active=True,
            frozen=False,
            paused=False,
        )
        for share, reserve in market.shares()
    )
    return LendingState(market.pool, tuple(reserves), 0, 0, owes, 10**18 if owes else None)
