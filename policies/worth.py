"""What the treasury is worth before a unit and after it, exactly: for rules about shares of it, and how long it lasts.

What is lent counts as its token; a token that borrows its price (`price_as`, ether as WETH) counts as the one it
borrows from, or unwrapping would look like selling. The DAO's own token and tokens without feeds are outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from policies.case import Case
from policies.holdings import assets
from policies.pricing import price_of, supplied
from policies.remembering import kept
from policies.terms import PolicyDocument
from strongroom.model import TokenId
from strongroom.valuation import Price, Problem

ALL_BPS = 10_000
_MOST_DECIMALS = 36
"""No listed token has more, so that at this scale no value is ever rounded."""

USD_E8 = 10**_MOST_DECIMALS
"""1e-8 USD, as `Worth` counts."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Each asset's value by the lowest and by the highest of its sources, in 1e-44 USD: exact."""

    low: Mapping[TokenId, int]
    high: Mapping[TokenId, int]

    def highest(self, asset: TokenId) -> tuple[int, int]:
        """The asset at its high price, and the whole with all others at their low ones: the highest share there can
        be."""
        own = self.high.get(asset, 0)
        return own, own + sum(value for other, value in self.low.items() if other != asset)

    def lowest(self, assets: tuple[TokenId, ...]) -> tuple[int, int]:
        """These assets at their low prices, and the whole with all others at their high ones: the lowest share there
        can be."""
        own = sum(self.low.get(asset, 0) for asset in assets)
        return own, own + sum(value for other, value in self.high.items() if other not in assets)


def asset_of(token: TokenId, document: PolicyDocument) -> TokenId:
    """The token that a listed one counts as."""
    return document.tokens[token].price_as or token


@dataclass(frozen=True, slots=True)
class Change:
    """The worth at the facts' block, and once the rehearsed effects are there."""

    was: Worth
    becomes: Worth


@kept
def change(case: Case) -> Change | Problem | None:
    """What the unit does to the treasury's worth. `None` where it moves nothing that counts; the reason where a token
    that counts has no known balance or healthy price."""
    moved = _moved(case)
    if not moved:
        return None
    return _weighed(case, moved)


def _moved(case: Case) -> Counter[TokenId]:
    """Units of each listed token that count and that the unit brings (above zero) or takes. What is lent did not
    move."""
    moved: Counter[TokenId] = Counter()
    document = case.document
    for delta in case.own_deltas:
        if (token := token_of(delta.token, document)) in document.tokens:
            moved[token] += delta.units
    counted = assets(document)
    return Counter({each: units for each, units in moved.items() if units and asset_of(each, document) in counted})


def token_of(token: TokenId, document: PolicyDocument) -> TokenId:
    """A share of a market as the token that it stands for; any other as itself."""
    lent = document.shares().get(token)
    return lent[1].token if lent else token


def _weighed(case: Case, moved: Counter[TokenId]) -> Change | Problem:
    was, becomes = (Counter[TokenId](), Counter[TokenId]()), (Counter[TokenId](), Counter[TokenId]())
    counted = assets(case.document)
    for token, listed in case.document.tokens.items():
        asset, held = asset_of(token, case.document), _held(token, case)
        if asset not in counted:
            continue
        if held is None:
            return Problem(f"the balance of `{token}` is not known")
        if not held and token not in moved:
            continue
        found = price_of(token, case.facts, case.document)
        if not isinstance(found, Price):
            return Problem(f"`{token}` has no healthy price: {found.reason}")
        scale = 10 ** (_MOST_DECIMALS - listed.token.decimals)
        for (low, high), units in ((was, held), (becomes, held + moved[token])):
            low[asset] += units * scale * found.low_e8
            high[asset] += units * scale * found.high_e8
    return Change(Worth(*was), Worth(*becomes))


def _held(token: TokenId, case: Case) -> int | None:
    try:
        return case.facts.balances[token] + supplied(token, case.facts, case.document)
    except KeyError:
        return None
