"""The limits of pace and of newcomers, as levers. Hours and freezes have none: they are waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from policies.case import Case
from policies.explaining.lever import WIDE_UNITS, Lever, with_entry
from policies.metering import all_of_unit
from policies.movement import payments_beside_orders
from policies.pacing import Pace
from policies.terms import Payee, PolicyDocument
from strongroom.model import TokenId

_SHORTEST_SECONDS = 1
_OFTENEST = 10**6


def time_levers(case: Case) -> Iterator[Lever]:
    """Those of the payees that the unit pays, and of newcomers where there are any."""
    paid = dict.fromkeys(payment.recipient for payment in payments_beside_orders(case))
    for payee in filter(None, map(case.document.payee_at, paid)):
        yield from _pace(payee)
    if terms := case.document.newcomers:
        for token in dict.fromkeys(each.token for each in all_of_unit(case)):
            # What a policy cannot name there is for guardians as long as somebody is new.
            if not case.document.is_native(token) and token in case.document.tokens:
                units = terms.max_units.get(token, 0)
                yield Lever("newcomers", f"at_most of {token}", token, units, WIDE_UNITS, _newcomers(token))


def _pace(payee: Payee) -> Iterator[Lever]:
    table, pace = f"payees.{payee.id}", payee.pace
    if pace.apart_seconds > _SHORTEST_SECONDS:
        apart = _paced(payee.id, lambda old, seconds: replace(old, apart_seconds=seconds))
        yield Lever(table, "apart", "seconds", pace.apart_seconds, _SHORTEST_SECONDS, apart)
    if pace.count:
        often = _paced(payee.id, lambda old, count: replace(old, count=count))
        yield Lever(table, "often", "payments", pace.count, _OFTENEST, often)


def _paced(id_: str, write: Callable[[Pace, int], Pace]) -> Callable[[PolicyDocument, int], PolicyDocument]:
    def written(document: PolicyDocument, value: int) -> PolicyDocument:
        old = document.payees[id_]
        return replace(document, payees=with_entry(document.payees, id_, replace(old, pace=write(old.pace, value))))

    return written


def _newcomers(token: TokenId) -> Callable[[PolicyDocument, int], PolicyDocument]:
    def written(document: PolicyDocument, units: int) -> PolicyDocument:
        old = document.newcomers
        assert old is not None  # the lever is of its table
        # Nothing at all is written by leaving the token out.
        amounts = {id_: each for id_, each in with_entry(old.max_units, token, units).items() if each}
        return replace(document, newcomers=replace(old, max_units=amounts))

    return written
