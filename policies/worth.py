"""What the treasury is worth before a unit and after it, exactly: for rules about shares of it, and how long it lasts.

What is lent counts as its token; a token that borrows its price (`price_as`, ether as WETH) counts as the one it
borrows from, or unwrapping would look like selling. The DAO's own token and tokens without feeds are outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.case import Case
from policies.effects import Exchange, Payment
from policies.holdings import assets
from policies.metering import moves_in_flight
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

    def lowest_sum(self, assets: tuple[TokenId, ...]) -> int:
        """These assets at their low prices; below zero where more of them waits to leave than there is."""
        return sum(self.low.get(asset, 0) for asset in assets)

    def highest(self, asset: TokenId) -> tuple[int, int]:
        """The asset at its high price, and the whole with all others at their low ones: the highest share there can
        be."""
        own = max(self.high.get(asset, 0), 0)
        return own, own + sum(max(value, 0) for other, value in self.low.items() if other != asset)

    def lowest(self, assets: tuple[TokenId, ...]) -> tuple[int, int]:
        """These assets at their low prices, and the whole with all others at their high ones: the lowest share there
        can be."""
        own = sum(max(self.low.get(asset, 0), 0) for asset in assets)
        return own, own + sum(max(value, 0) for other, value in self.high.items() if other not in assets)


def asset_of(token: TokenId, document: PolicyDocument) -> TokenId:
    """The token that a listed one counts as."""
    return document.tokens[token].price_as or token


@dataclass(frozen=True, slots=True)
class Change:
    """The worth at the facts' block, and once the rehearsed effects are there; `beside` says what else is taken to have
    happened, to follow a reason."""

    was: Worth
    becomes: Worth
    beside: str = ""


@kept
def changes(case: Case) -> tuple[Change, ...] | Problem:
    """What the unit does to the treasury's worth. None where it moves nothing that counts; the reason where a token
    that counts has no known balance or healthy price.

    Where payments or sales wait, as they stand, and again once what waits has left, and once what waiting swaps bring
    has come: each may execute before this unit or never, so that a rule holds in all of them, and what waits makes no
    room."""
    moved = _moved(case)
    if not moved:
        return ()
    found = tuple(_weighed(case, moved, gone, beside) for gone, beside in _besides(case))
    problem = next((each for each in found if isinstance(each, Problem)), None)
    return problem or tuple(each for each in found if isinstance(each, Change))


def _besides(case: Case) -> Iterator[tuple[Mapping[TokenId, int], str]]:
    """What else each token has lost (above zero) or got, and how that is said."""
    nothing = Counter[TokenId]()
    yield nothing, ""
    leaves, arrives = (_counted(each, case) for each in _waiting(case))
    if leaves:
        yield leaves, ", once what waits has left"
    if arrives:
        both = Counter(leaves)
        both.subtract(arrives)
        yield both, ", once what waits has left and come"


def _waiting(case: Case) -> tuple[Counter[TokenId], Counter[TokenId]]:
    """Units of each token that what waits pays or sells, and the least that its swaps bring. What is lent or wrapped
    stays in the treasury."""
    leaves, arrives = Counter[TokenId](), Counter[TokenId]()
    for move in moves_in_flight(case):
        if isinstance(move, Payment):
            leaves[move.token] += move.units
        elif isinstance(move, Exchange):
            leaves[move.token_in] += move.units_in
            arrives[move.token_out] += move.min_out_units
    return leaves, arrives


def _moved(case: Case) -> Counter[TokenId]:
    """Units of each listed token that count and that the unit brings (above zero) or takes. What is lent did not
    move."""
    moved: Counter[TokenId] = Counter()
    for delta in case.own_deltas:
        moved[delta.token] += delta.units
    return _counted(moved, case)


def _counted(units: Counter[TokenId], case: Case) -> Counter[TokenId]:
    """Those of listed tokens that count, shares as what they stand for."""
    listed = Counter[TokenId]()
    for each, moved in units.items():
        if (token := token_of(each, case.document)) in case.document.tokens:
            listed[token] += moved
    counted = assets(case.document)
    return Counter({each: n for each, n in listed.items() if n and asset_of(each, case.document) in counted})


def token_of(token: TokenId, document: PolicyDocument) -> TokenId:
    """A share of a market as the token that it stands for; any other as itself."""
    lent = document.shares().get(token)
    return lent[1].token if lent else token


def _weighed(case: Case, moved: Counter[TokenId], gone: Mapping[TokenId, int], beside: str) -> Change | Problem:
    was, becomes = (Counter[TokenId](), Counter[TokenId]()), (Counter[TokenId](), Counter[TokenId]())
    counted = assets(case.document)
    for token, listed in case.document.tokens.items():
        asset, held = asset_of(token, case.document), _held(token, case)
        if asset not in counted:
            continue
        if held is None:
            return Problem(f"the balance of `{token}` is not known")
        if not held and token not in moved and not gone.get(token):
            continue
        found = price_of(token, case.facts, case.document)
        if not isinstance(found, Price):
            return Problem(f"`{token}` has no healthy price: {found.reason}")
        scale, left = 10 ** (_MOST_DECIMALS - listed.token.decimals), held - gone.get(token, 0)
        for (low, high), units in ((was, left), (becomes, left + moved[token])):
            low[asset] += units * scale * found.low_e8
            high[asset] += units * scale * found.high_e8
    return Change(Worth(*was), Worth(*becomes), beside)


def _held(token: TokenId, case: Case) -> int | None:
    try:
        return case.facts.balances[token] + supplied(token, case.facts, case.document)
    except KeyError:
        return None
