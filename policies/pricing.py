"""A listed token's price from the facts, by the policy's own sources and bounds."""

from __future__ import annotations

from collections.abc import Iterable

from policies.terms import PolicyDocument
from strongroom.model import Facts, TokenId
from strongroom.valuation import Nav, Price, Problem, nav_e8, price, value_e8_down


def price_of(token: TokenId, facts: Facts, document: PolicyDocument) -> Price | Problem:
    """The price range at the pinned block. Exactly the policy's feeds count: a round of another feed, or a missing
    one, is a problem. A token that borrows its price (`price_as`) takes the other's rounds."""
    feeds = document.feeds_of(token)
    if not feeds:
        return Problem(f"`{token}` has no price sources")
    rounds = facts.rounds.get(document.tokens[token].price_as or token, ())
    if len(rounds) != len(feeds) or {round_.feed for round_ in rounds} != set(feeds):
        return Problem(f"{len(rounds)} of {len(feeds)} price sources answered")
    return price(rounds, facts.block.timestamp, document.bounds_of(token))


def prices(facts: Facts, document: PolicyDocument) -> dict[TokenId, Price | Problem]:
    """Every listed token's price or problem."""
    return {token: price_of(token, facts, document) for token in document.tokens}


def supplied(token: TokenId, facts: Facts, document: PolicyDocument) -> int:
    """Units of a listed token that lie at markets, interest included. Raises `KeyError` when one did not answer."""
    return sum([facts.balances[id_] for id_, (_, reserve) in document.shares().items() if reserve.token == token])


def holdings(facts: Facts, document: PolicyDocument) -> dict[TokenId, int]:
    """Units of each listed token, in the Safe and at markets together: a share counts as its token. One whose balance,
    here or there, is not known is left out: a part is never taken for the whole."""
    whole: dict[TokenId, int] = {}
    for token in document.tokens:
        try:
            whole[token] = facts.balances[token] + supplied(token, facts, document)
        except KeyError:
            continue
    return whole


def weighed(tokens: Iterable[TokenId], facts: Facts, document: PolicyDocument) -> dict[TokenId, int]:
    """The values that weights are made of, in USD scaled by 1e8: each token, held and lent, at the middle of its price
    range, rounded down, as `strongroom.mandate.trades_wanted` has them. None at all while one token has no balance or
    no healthy price: shares of a part would mislead."""
    values, held = dict[TokenId, int](), holdings(facts, document)
    for token in tokens:
        units, found = held.get(token), price_of(token, facts, document)
        if units is None or isinstance(found, Problem):
            return {}
        decimals = document.tokens[token].token.decimals
        values[token] = value_e8_down(units, decimals, found.low_e8 + found.high_e8) // 2
    return values


def nav(facts: Facts, document: PolicyDocument) -> Nav:
    """The treasury's value at low prices, in USD scaled by 1e8; listed tokens without a healthy price count zero, and
    are named. Raises `KeyError` when the balance of a listed token, or of a share of it, is missing: a part is never
    taken for the whole."""
    held = holdings(facts, document)
    counted = ((id_, held[id_], listed.token.decimals) for id_, listed in document.tokens.items())
    return nav_e8(counted, prices(facts, document))
