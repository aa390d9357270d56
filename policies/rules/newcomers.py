"""Who was listed only lately gets little, all in all: what was paid, what waits and this unit, standing orders too.
Of a venue it is what is sold or lent there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_most
from policies.effects import Payment
from policies.metered import Metered
from policies.metering import in_flight, of_unit
from policies.moments import write_moment
from policies.movement import payments_waiting
from policies.newcomers import Newcomers
from policies.terms import Payee, PolicyDocument
from strongroom.model import Address, Finding, Outflow, TokenId, Verdict

RULE = "newcomers"


def judge(case: Case) -> Iterator[Finding]:
    terms = case.document.newcomers
    if terms is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy knows no newcomers")
        return
    found = [*_payees(case, terms), *_venues(case, terms)]
    yield from found or [Finding(RULE, Verdict.ALLOW, "no newcomer gets anything")]


def _payees(case: Case, terms: Newcomers) -> Iterator[Finding]:
    paid = sorted({(each.recipient, each.token) for each in case.payments})
    for recipient, token in paid:
        payee = case.document.payee_at(recipient)
        if payee and case.facts.block.timestamp < terms.cool_until(payee):
            units = _paid(case, terms, payee, token)
            yield _little(case, terms, payee.id, terms.cool_until(payee), token, units)


def _paid(case: Case, terms: Newcomers, payee: Payee, token: TokenId) -> int:
    moves: tuple[Payment | Outflow, ...] = (*_lately(case, terms), *payments_waiting(case), *case.payments)
    return sum(each.units for each in moves if (each.recipient, each.token) == (payee.address, token))


def _venues(case: Case, terms: Newcomers) -> Iterator[Finding]:
    bound = {(each.venue.id, each.token_in) for each in case.exchanges}
    bound |= {(each.market.id, each.token_in) for each in case.conversions if each.is_supply}
    for venue, token in sorted(bound):
        if case.facts.block.timestamp < terms.venue_cools_until(venue):
            units = _brought(case, terms, _addresses(venue, case.document), token)
            yield _little(case, terms, venue, terms.venue_cools_until(venue), token, units)


def _brought(case: Case, terms: Newcomers, there: set[Address], token: TokenId) -> int:
    moves: tuple[Metered | Outflow, ...] = (*_lately(case, terms), *in_flight(case), *of_unit(case))
    return sum(each.units for each in moves if each.recipient in there and each.token == token)


def _addresses(venue: str, document: PolicyDocument) -> set[Address]:
    """Where tokens go there: to the pools of an exchange; at a market to the contract of the share."""
    if venue in document.venues:
        return {pool.address for pool in document.venues[venue].pools}
    market = document.markets[venue]
    return {market.pool, *(reserve.share for reserve in market.reserves)}


def _lately(case: Case, terms: Newcomers) -> tuple[Outflow, ...]:
    """Also what went there before the listing, where it is that recent: it may have been listed once more."""
    since = case.facts.block.timestamp - terms.cooling_off_seconds
    return tuple(each for each in case.facts.outflows if each.timestamp > since)


def _little(case: Case, terms: Newcomers, name: str, until: int, token: TokenId, units: int) -> Finding:
    most = terms.max_units.get(token, 0)
    reason = f"until {write_moment(until)} `{name}` is new and gets at most this much {token}, past, waiting and now"
    return at_most(RULE, units, most, terms.otherwise, reason, partial(case.show, token))
