"""Who was listed only lately gets little, all in all: what was paid, what waits and this unit, standing orders too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_most
from policies.effects import Payment
from policies.moments import write_moment
from policies.movement import payments_waiting
from policies.newcomers import Newcomers
from policies.terms import Payee
from strongroom.model import Finding, Outflow, TokenId, Verdict

RULE = "newcomers"


def judge(case: Case) -> Iterator[Finding]:
    terms = case.document.newcomers
    if terms is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy knows no newcomers")
        return
    new = [payee for payee in _paid(case) if case.facts.block.timestamp < terms.cool_until(payee)]
    for payee in new:
        for token in sorted({each.token for each in case.payments if each.recipient == payee.address}):
            yield _little(case, terms, payee, token)
    if not new:
        yield Finding(RULE, Verdict.ALLOW, "no newcomer is paid")


def _paid(case: Case) -> list[Payee]:
    paid = {each.recipient for each in case.payments}
    return [payee for payee in case.document.payees.values() if payee.address in paid]


def _little(case: Case, terms: Newcomers, payee: Payee, token: TokenId) -> Finding:
    """Also what it got before it was listed counts while it is that recent: it may have been listed once more."""
    key, since = (payee.address, token), case.facts.block.timestamp - terms.cooling_off_seconds
    before = (each for each in case.facts.outflows if each.timestamp > since)
    moves: tuple[Payment | Outflow, ...] = (*before, *payments_waiting(case), *case.payments)
    units = sum(each.units for each in moves if (each.recipient, each.token) == key)
    until = write_moment(terms.cool_until(payee))
    reason = f"until {until} `{payee.id}` is new and gets at most this much {token}, past, waiting and now"
    return at_most(RULE, units, terms.max_units.get(token, 0), terms.otherwise, reason, partial(case.show, token))
