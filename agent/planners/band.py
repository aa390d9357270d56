"""The bound on a model's swaps: together they move each token towards the mandate's target, and never past it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from agent.planners.unusable import Unusable
from policies.pricing import price_of
from policies.terms import PolicyDocument
from strongroom.model import Facts, Swap, TokenId
from strongroom.valuation import Problem

_ZERO = Fraction(0)


def require_between(chosen: Iterable[Swap], wanted: Iterable[Swap], facts: Facts, document: PolicyDocument) -> None:
    """Each token's gain or loss in value lies between nothing and what the mandate's own swaps bring, which end at its
    target. It matters where a swap only leads on to another: half of such a pair would leave the target, not reach it.
    Values are exact, at the middle of each price range; a unit of rounding for each swap is forgiven. Raises
    `Unusable` naming the token."""
    chosen, wanted = tuple(chosen), tuple(wanted)
    values = {swap.token_in.value: _value_of_unit(swap.token_in.value, facts, document) for swap in wanted}
    moved, whole, grain = _net(chosen, values), _net(wanted, values), _grain(wanted, values)
    for token, full in whole.items():
        least, most = min(full, _ZERO), max(full, _ZERO)
        if not least - grain[token] <= moved[token] <= most + grain[token]:
            raise Unusable(f"the model's swaps would leave `{token}` beyond the mandate's target")


def _net(swaps: Iterable[Swap], values: Mapping[TokenId, Fraction]) -> defaultdict[TokenId, Fraction]:
    net: defaultdict[TokenId, Fraction] = defaultdict(Fraction)
    for swap in swaps:
        value = swap.amount_in_units.value * values[swap.token_in.value]
        net[swap.token_in.value] -= value
        net[swap.token_out.value] += value
    return net


def _grain(swaps: Iterable[Swap], values: Mapping[TokenId, Fraction]) -> defaultdict[TokenId, Fraction]:
    """For each token, the value of one unit sold in every swap that touches it."""
    grain: defaultdict[TokenId, Fraction] = defaultdict(Fraction)
    for swap in swaps:
        for token in (swap.token_in.value, swap.token_out.value):
            grain[token] += values[swap.token_in.value]
    return grain


def _value_of_unit(token: TokenId, facts: Facts, document: PolicyDocument) -> Fraction:
    price = price_of(token, facts, document)
    if isinstance(price, Problem):
        raise Unusable(f"`{token}` has no price: {price.reason}")
    scale: int = 10 ** document.tokens[token].token.decimals
    return Fraction(price.low_e8 + price.high_e8, 2 * scale)
