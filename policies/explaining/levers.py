"""The limits of the policy that a unit comes up against, each with how to write another number there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from policies.case import Case
from policies.explaining.lever import WIDE_UNITS, Lever, with_entry, with_room
from policies.explaining.time_levers import time_levers
from policies.explaining.value_levers import market_levers, value_levers
from policies.metering import all_of_unit
from policies.terms import Cap, PolicyDocument, Tier
from strongroom.model import TokenId

_WIDEST_LOSS_BPS = 9_999


def levers(case: Case) -> Iterator[Lever]:
    """Those that a unit like this one is measured by, in the order in which each is best brought back from its widest
    while those after it are still wide: a payee's `at_most` is at most its class's `never_above`."""
    yield from time_levers(case)
    yield from _payees(case)
    for cap in dict.fromkeys(_caps(case)):
        yield from _cap_levers(cap)
    yield from _kept(case)
    yield from _lent(case)
    yield from value_levers(case)
    if case.exchanges:
        yield Lever("swaps", "max_loss", "bps", case.document.max_loss_bps, _WIDEST_LOSS_BPS, _write_loss)
        yield from market_levers(case.document)
    gas = case.document.gas
    yield Lever("gas", "max_units", "gas", gas.max_gas_units, WIDE_UNITS, _gas("max_gas_units"))
    yield Lever("gas", "max_price", "wei", gas.max_base_fee_wei, WIDE_UNITS, _gas("max_base_fee_wei"))


def _payees(case: Case) -> Iterator[Lever]:
    paid = dict.fromkeys((payment.recipient, payment.token) for payment in case.payments)
    for recipient, token in paid:
        if payee := case.document.payee_at(recipient):

            def write(
                document: PolicyDocument, units: int, id_: str = payee.id, token: TokenId = token
            ) -> PolicyDocument:
                old = document.payees[id_]
                payees = with_entry(
                    document.payees, id_, replace(old, max_units=with_entry(old.max_units, token, units))
                )
                return replace(document, payees=payees)

            yield Lever(f"payees.{payee.id}", "at_most", token, payee.max_units.get(token, 0), WIDE_UNITS, write)


def _caps(case: Case) -> Iterator[Cap]:
    """The caps as they are written: a share is metered by its token's."""
    shares = case.document.shares()
    for cap in case.document.metered_caps():
        if any(moved.counts_in(cap) for moved in all_of_unit(case)):
            token = shares[cap.token][1].token if cap.token in shares else cap.token
            yield case.document.caps[cap.bucket_class][token]


def _cap_levers(cap: Cap) -> Iterator[Lever]:
    """In the order in which each may be brought back while those after it are wide: `model_alone` is at most `at_once`,
    which is at most `never_above`. The window's `cap` goes along with `at_once`: alone it never asks."""
    for place, tier in enumerate(cap.tiers):
        yield _of_cap(cap, _tier_name(tier), tier.above_units, _tier_writer(place), WIDE_UNITS + place)
    yield _of_cap(cap, "model_alone", cap.model_units, lambda old, units: replace(old, model_units=units))
    yield _of_cap(cap, "at_once", cap.at_once_units, _write_at_once)
    yield _of_cap(cap, "never_above", cap.never_units, lambda old, units: replace(old, never_units=units))


def _of_cap(cap: Cap, key: str, value: int, write: Callable[[Cap, int], Cap], widest: int = WIDE_UNITS) -> Lever:
    def written(document: PolicyDocument, units: int) -> PolicyDocument:
        row = document.caps[cap.bucket_class]
        changed = with_entry(row, cap.token, write(row[cap.token], units))
        return replace(document, caps=with_entry(document.caps, cap.bucket_class, changed))

    return Lever(f"caps.{cap.bucket_class}.{cap.token}", key, cap.token, value, widest, written)


def _write_at_once(old: Cap, units: int) -> Cap:
    return replace(old, at_once_units=units, cap_units=with_room(old.cap_units, old.at_once_units, units))


def _tier_name(tier: Tier) -> str:
    return f"ask, {tier.approvals} guardian{'s' if tier.approvals > 1 else ''} above"


def _tier_writer(place: int) -> Callable[[Cap, int], Cap]:
    def write(old: Cap, units: int) -> Cap:
        tiers = [*old.tiers]
        tiers[place] = replace(tiers[place], above_units=units)
        return replace(old, tiers=tuple(tiers))

    return write


def _kept(case: Case) -> Iterator[Lever]:
    safe = case.document.account.safe
    for token in sorted({d.token for d in case.rehearsal.deltas if d.holder == safe and d.units < 0}):
        listed = case.document.tokens.get(token)
        if listed and listed.keep_units:

            def write(document: PolicyDocument, units: int, token: TokenId = token) -> PolicyDocument:
                kept = replace(document.tokens[token], keep_units=units)
                return replace(document, tokens=with_entry(document.tokens, token, kept))

            yield Lever(f"tokens.{token}", "keep", token, listed.keep_units, 0, write)


def _lent(case: Case) -> Iterator[Lever]:
    for each in case.conversions:
        if each.is_supply:
            market, token = each.market.id, each.reserve.token

            def write(
                document: PolicyDocument, units: int, id_: str = market, token: TokenId = token
            ) -> PolicyDocument:
                old = document.markets[id_]
                reserves = tuple(replace(r, most_units=units) if r.token == token else r for r in old.reserves)
                return replace(document, markets=with_entry(document.markets, id_, replace(old, reserves=reserves)))

            yield Lever(f"venues.{market}", f"most of {token}", token, each.reserve.most_units, WIDE_UNITS, write)


def _write_loss(document: PolicyDocument, bps: int) -> PolicyDocument:
    return replace(document, max_loss_bps=bps)


def _gas(name: str) -> Callable[[PolicyDocument, int], PolicyDocument]:
    return lambda document, units: replace(document, gas=replace(document.gas, **{name: units}))
