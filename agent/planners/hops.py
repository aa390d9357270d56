"""What a trade would bring through other tokens: told, not taken; `docs/adr/0007` says why."""

from __future__ import annotations

from agent.planners.clips import leg_cost_units, shown_down, states_seen
from policies.terms import PolicyDocument
from simulations.multi_hop import Flow, best_flow
from simulations.routing import best_split, net_of, side_of
from strongroom.mandate import Trade
from strongroom.model import Facts

_BPS, _LEAST_BPS = 10_000, 1
"""What brings less than a basis point more is not worth a word."""


def better_through(trade: Trade, facts: Facts, document: PolicyDocument) -> str:
    """How much more the trade would bring, gas included, over all listed pools than over those of its two tokens; empty
    where that is less than a basis point, or one of the two ways is none."""
    sold, bought = (document.tokens[each].token for each in (trade.token_in, trade.token_out))
    states, cost = states_seen(facts, document), leg_cost_units(trade, facts, document)
    direct = [each for each in states if {each.token0, each.token1} == {sold.address, bought.address}]
    if not direct or len(direct) == len(states):
        return ""
    alone = best_split([(each, side_of(each, sold.address)) for each in direct], trade.units_in, cost)
    found = best_flow(states, sold.address, bought.address, trade.units_in, cost)
    if alone is None or found is None:
        return ""
    more, all_ = found.net_units(cost) - net_of(alone, cost), alone.units_out
    if more * _BPS < all_ * _LEAST_BPS:
        return ""
    between, amount = _between(found, document), shown_down(bought.id, more, document)
    return f"through {between} the same would bring {amount} more, {more * _BPS // all_:,} bp"


def _between(found: Flow, document: PolicyDocument) -> str:
    """The tokens in between, as the policy names them, in the order of the flow."""
    names = {each.token.address: each.token.id for each in document.tokens.values()}
    bought = found.hops[-1].way.token_out
    return ", ".join(dict.fromkeys(names[hop.way.token_out] for hop in found.hops if hop.way.token_out != bought))
