"""A swap intent becomes a route over the policy's pools and the calls that carry it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.pricing import price_of
from policies.terms import PolicyDocument, Venue
from simulations.routing import NoRoute, Terms, route
from strongroom.model import Call, Facts, Lane, Leg, PoolState, Route, Swap, Token
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.valuation import Problem

SLIPPAGE_BPS = 50
"""How much less than the exact quote a leg accepts; the policy's own floor holds besides."""

_VALID_SECONDS = {Lane.AGENT: 20 * 60, Lane.OWNER: 3 * 86_400}
"""The agent's own swap is mined at once; guardians take their time, and the swap is judged again before it is sent."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A route at one venue and the Safe's calls: for each leg an approval of exactly its amount, and the swap."""

    venue: Venue
    route: Route
    calls: tuple[Call, ...]


def routed(swap: Swap, facts: Facts, document: PolicyDocument, lane: Lane) -> Routed | str:
    """The best route for the swap, or why there is none. Minimum out comes from oracle and quote, in integers."""
    for token in (swap.token_in.value, swap.token_out.value):
        if token not in document.tokens:
            known = ", ".join(f"`{each}`" for each in document.tokens)
            return f"token `{token}` is not listed; known: {known}"
    venue = _venue(swap, document)
    if venue is None:
        return f"no venue is listed with a pool of `{swap.token_in.value}` and `{swap.token_out.value}`"
    terms = _terms(swap, facts, document)
    if isinstance(terms, str):
        return terms
    token_in, token_out = (document.tokens[each.value].token for each in (swap.token_in, swap.token_out))
    found = route(swap, token_in, token_out, _pools(swap, venue, facts), terms)
    if isinstance(found, NoRoute):
        return found.reason
    deadline = facts.block.timestamp + _VALID_SECONDS[lane]
    calls = (call for leg in found.legs for call in _calls(leg, token_in, token_out, venue, deadline, facts))
    return Routed(venue, found, tuple(calls))


def _venue(swap: Swap, document: PolicyDocument) -> Venue | None:
    pair = {swap.token_in.value, swap.token_out.value}
    with_pool = (venue for venue in document.venues.values() if any(set(pool.tokens) == pair for pool in venue.pools))
    return next(with_pool, None)


def _pools(swap: Swap, venue: Venue, facts: Facts) -> list[PoolState]:
    pair = {swap.token_in.value, swap.token_out.value}
    listed = {pool.address for pool in venue.pools if set(pool.tokens) == pair}
    return [pool for pool in facts.pools if pool.pool in listed]


def _terms(swap: Swap, facts: Facts, document: PolicyDocument) -> Terms | str:
    paid, got = (price_of(token.value, facts, document) for token in (swap.token_in, swap.token_out))
    for price in (paid, got):
        if isinstance(price, Problem):
            return f"nothing is swapped without a price: {price.reason}"
    return Terms(paid, got, SLIPPAGE_BPS, document.max_loss_bps)  # type: ignore[arg-type]


def _calls(leg: Leg, token_in: Token, token_out: Token, venue: Venue, deadline: int, facts: Facts) -> Iterator[Call]:
    units, safe = leg.amount_in_units, facts.account.safe
    swap = ExactInput(token_in.address, token_out.address, leg.fee_pips, safe, deadline, units, leg.min_out_units)
    yield Call(facts.account, token_in.address, 0, encode_approve(venue.router, units))
    yield Call(facts.account, venue.router, 0, encode_exact_input(swap))
