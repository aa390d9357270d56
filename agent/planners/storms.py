"""What a rebalancing sells while prices swing: no more than goes with nobody asked. The rest is still wanted when they
are calm, and no guardian is woken by a storm to sell into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from policies.selling import sold_alone_units_down, widest_swing_bps_up
from policies.terms import PolicyDocument
from strongroom.mandate import Trade
from strongroom.model import Facts, TokenId
from strongroom.valuation import Problem


def sized(trades: Iterable[Trade], facts: Facts, document: PolicyDocument) -> tuple[Trade, ...]:
    """The trades, those in a storm with what they may sell alone now beside the others, and left out where that is
    nothing. Where a swing is not known the trade stays: the engine denies it and says why."""
    sold, found = Counter[TokenId](), list[Trade]()
    for trade in trades:
        most = _most(trade, facts, document)
        units = trade.units_in if most is None else min(trade.units_in, most - sold[trade.token_in])
        if units > 0:
            found.append(replace(trade, units_in=units))
            sold[trade.token_in] += units
    return tuple(found)


def told(wanted: int, trades: int) -> str:
    """What became of so many wanted trades."""
    if not wanted:
        return "every weight is inside its band"
    if not trades:
        return "prices swing: nothing may be sold alone now"
    return "one trade brings the weights back" if trades == 1 else f"{trades} trades bring the weights back"


def _most(trade: Trade, facts: Facts, document: PolicyDocument) -> int | None:
    """`None` in calm, where guardians may be asked for more."""
    swing_bps = widest_swing_bps_up((trade.token_in, trade.token_out), facts, document)
    if document.volatility is None or isinstance(swing_bps, Problem) or swing_bps <= document.volatility.calm_bps:
        return None
    most = sold_alone_units_down(trade.token_in, trade.token_out, facts, document)
    return None if isinstance(most, Problem) else most
