"""What a token is worth by its PriceSource contract, from the facts: by what the Kernel charges losses, and the watch
counts.

The contract asks the token's first two feeds and keeps more digits than a price that the rules compare with. Source:
`contracts/src/PriceSource.sol`. An L2's sequencer is in no fact: while it is down the contract refuses, and so does the
rehearsal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.terms import PolicyDocument
from strongroom.model import Facts, Round, TokenId
from strongroom.valuation import Problem, price

_SOURCES = 2
_PRICE_DECIMALS, _VALUE_DECIMALS = 18, 8


@dataclass(frozen=True, slots=True)
class SourcePrice:
    """USD for a whole token of `decimals`, scaled by 1e18, by the lower and by the higher of the two feeds."""

    low_e18: int
    high_e18: int
    decimals: int

    def low_value_e8(self, units: int) -> int:
        """USD of what is held or received, scaled by 1e8, rounded down."""
        return units * self.low_e18 // self._scale

    def high_value_e8(self, units: int) -> int:
        """USD of what is spent, scaled by 1e8, rounded up."""
        return -(-units * self.high_e18 // self._scale)

    @property
    def _scale(self) -> int:
        scale: int = 10 ** (_PRICE_DECIMALS + self.decimals - _VALUE_DECIMALS)
        return scale


def source_price(token: TokenId, facts: Facts, document: PolicyDocument) -> SourcePrice | Problem:
    """The price at the pinned block of a listed token, by its own feeds or those it borrows (`price_as`). Never looser
    than the contract: where that reverts, this is a problem."""
    feeds = document.feeds_of(token)[:_SOURCES]
    if not feeds:
        return Problem(f"`{token}` has no price sources")
    answered = facts.rounds.get(document.tokens[token].price_as or token, ())
    rounds = tuple(round_ for round_ in answered if round_.feed in feeds)
    bounds = replace(document.bounds_of(token), min_sources=_SOURCES)
    found = price(rounds, facts.block.timestamp, bounds)
    if isinstance(found, Problem):
        return Problem(f"{token}: {found.reason}")
    if any(round_.decimals > _PRICE_DECIMALS for round_ in rounds):
        return Problem(f"{token}: a feed has more than {_PRICE_DECIMALS} decimals")
    answers = [_answer_e18(round_) for round_ in rounds]
    return SourcePrice(min(answers), max(answers), document.tokens[token].token.decimals)


def _answer_e18(round_: Round) -> int:
    scale: int = 10 ** (_PRICE_DECIMALS - round_.decimals)
    return round_.answer * scale
