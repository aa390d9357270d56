"""The calls do what the intents say, all of it and nothing else: only then do the intents' labels speak for the
calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from policies.case import Case, within
from policies.terms import Payee
from strongroom.model import Address, Finding, Intent, Pay, Supply, Swap, TokenId, Verdict, Withdraw

RULE = "intents"
_KINDS = frozenset(get_args(Intent))


def judge(case: Case) -> Iterator[Finding]:
    intents = case.compiled.unit.intents
    if not intents or not _KINDS.issuperset(map(type, intents)):
        yield Finding(RULE, Verdict.DENY, "the unit holds no intent, or one of an unknown kind")
        return
    meant, done = _payments_meant(case), [(p.recipient, p.token, p.units) for p in case.payments]
    yield within(
        RULE,
        meant == done or Counter(meant) == Counter(done),
        Verdict.DENY,
        "each payment in the calls must be one that was asked for",
        f"{len(done)} payments",
        f"{len(meant)} asked for",
    )
    others = [intent for intent in intents if not isinstance(intent, Pay)]
    wanted, swapped = _swaps_meant(others), _swaps_done(case)
    yield within(
        RULE,
        wanted == swapped,
        Verdict.DENY,
        "each swap in the calls must be one that was asked for",
        f"{len(swapped)} pairs",
        f"{len(wanted)} asked for",
    )
    lend, lent = _lending_meant(others), _lending_done(case)
    reason = "each supply and withdrawal in the calls must be one that was asked for"
    yield within(RULE, lend == lent, Verdict.DENY, reason, f"{len(lent)} of them", f"{len(lend)} asked for")


def _payments_meant(case: Case) -> list[tuple[Address, TokenId, int]]:
    payees, pays = case.document.payees, [intent for intent in case.compiled.unit.intents if isinstance(intent, Pay)]
    return [(_address(pay, payees), pay.token.value, pay.amount_units.value) for pay in pays]


def _address(pay: Pay, payees: Mapping[str, Payee]) -> Address:
    known = payees.get(pay.payee.value)
    return known.address if known else Address(pay.payee.value)


def _swaps_meant(others: Iterable[Intent]) -> Counter[tuple[TokenId, TokenId]]:
    meant: Counter[tuple[TokenId, TokenId]] = Counter()
    for intent in others:
        if isinstance(intent, Swap):
            meant[intent.token_in.value, intent.token_out.value] += intent.amount_in_units.value
    return meant


def _swaps_done(case: Case) -> Counter[tuple[TokenId, TokenId]]:
    """Units in by pair: one swap may be split over several pools."""
    done: Counter[tuple[TokenId, TokenId]] = Counter()
    for exchange in case.exchanges:
        done[exchange.token_in, exchange.token_out] += exchange.units_in
    return done


def _lending_meant(others: Iterable[Intent]) -> Counter[tuple[str, TokenId, bool]]:
    """Units by market, token and direction."""
    meant: Counter[tuple[str, TokenId, bool]] = Counter()
    for intent in others:
        if isinstance(intent, (Supply, Withdraw)):
            meant[intent.venue.value, intent.token.value, isinstance(intent, Supply)] += intent.amount_units.value
    return meant


def _lending_done(case: Case) -> Counter[tuple[str, TokenId, bool]]:
    done: Counter[tuple[str, TokenId, bool]] = Counter()
    for each in case.conversions:
        done[each.market.id, each.reserve.token, each.is_supply] += each.units_in
    return done
