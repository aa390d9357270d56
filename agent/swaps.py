"""A swap intent becomes a route over all the policy's pools of its two tokens, and the calls that carry it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.pricing import price_of
from policies.terms import UNISWAP_V2, PolicyDocument, Venue
from simulations.routing import NoRoute, State, Terms, route
from strongroom.model import Address, Call, Facts, Lane, Leg, Route, Swap
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.valuation import Problem

SLIPPAGE_BPS = 50
"""How much less than the exact quote a leg accepts; the policy's own floor holds besides."""

_VALID_SECONDS = {Lane.AGENT: 20 * 60, Lane.OWNER: 3 * 86_400}
"""The agent's own swap is mined at once; guardians take their time, and the swap is judged again before it is sent."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A route, the venues it uses, and the Safe's calls: for each leg an approval of exactly its amount, and the
    swap."""

    venues: tuple[Venue, ...]
    route: Route
    calls: tuple[Call, ...]


def routed(swap: Swap, facts: Facts, document: PolicyDocument, lane: Lane) -> Routed | str:
    """The best route for the swap, or why there is none. Minimum out comes from oracle and quote, in integers."""
    for token in (swap.token_in.value, swap.token_out.value):
        if token not in document.tokens:
            known = ", ".join(f"`{each}`" for each in document.tokens)
            return f"token `{token}` is not listed; known: {known}"
    listed = _listed(swap, document)
    if not listed:
        return f"no venue is listed with a pool of `{swap.token_in.value}` and `{swap.token_out.value}`"
    terms = _terms(swap, facts, document)
    if isinstance(terms, str):
        return terms
    token_in, token_out = (document.tokens[each.value].token for each in (swap.token_in, swap.token_out))
    found = route(swap, token_in, token_out, _states(listed, facts), terms)
    if isinstance(found, NoRoute):
        return found.reason
    deadline = facts.block.timestamp + _VALID_SECONDS[lane]
    pair = (token_in.address, token_out.address)
    calls = (call for leg in found.legs for call in _calls(leg, pair, listed[leg.pool], deadline, facts))
    used = {listed[leg.pool].id: listed[leg.pool] for leg in found.legs}
    return Routed(tuple(used.values()), found, tuple(calls))


def _listed(swap: Swap, document: PolicyDocument) -> dict[Address, Venue]:
    """Each pool of the two tokens, at whichever venue."""
    pair = {swap.token_in.value, swap.token_out.value}
    return {
        pool.address: venue for venue in document.venues.values() for pool in venue.pools if set(pool.tokens) == pair
    }


def _states(listed: Mapping[Address, Venue], facts: Facts) -> list[State]:
    """Those of the listed pools that were seen as what their venue says they are."""
    pairs = {address for address, venue in listed.items() if venue.kind == UNISWAP_V2}
    pools = [pool for pool in facts.pools if pool.pool in listed.keys() - pairs]
    return [*pools, *(pair for pair in facts.pairs if pair.pool in pairs)]


def _terms(swap: Swap, facts: Facts, document: PolicyDocument) -> Terms | str:
    paid, got = (price_of(token.value, facts, document) for token in (swap.token_in, swap.token_out))
    for price in (paid, got):
        if isinstance(price, Problem):
            return f"nothing is swapped without a price: {price.reason}"
    slippage = min(SLIPPAGE_BPS, document.trading.max_slippage_bps or SLIPPAGE_BPS)
    return Terms(paid, got, slippage, document.max_loss_bps)  # type: ignore[arg-type]


def _calls(leg: Leg, pair: tuple[Address, Address], venue: Venue, deadline: int, facts: Facts) -> Iterator[Call]:
    yield Call(facts.account, pair[0], 0, encode_approve(venue.router, leg.amount_in_units))
    yield Call(facts.account, venue.router, 0, _order(leg, pair, venue, deadline, facts))


def _order(leg: Leg, pair: tuple[Address, Address], venue: Venue, deadline: int, facts: Facts) -> bytes:
    """The router's calldata: into the Safe, exactly the leg's amount, at least its minimum."""
    safe, amounts = facts.account.safe, (leg.amount_in_units, leg.min_out_units)
    if venue.kind == UNISWAP_V2:
        return encode_swap(PairSwap(*pair, safe, deadline, *amounts))
    return encode_exact_input(ExactInput(*pair, leg.fee_pips, safe, deadline, *amounts))
