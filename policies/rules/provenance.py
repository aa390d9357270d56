"""Where each value came from decides what it may do: nobody is paid, and nothing is lent, because a model or a text
said to whom.

The counterparty, payee or market, comes from operator, governance or mandate. Token and amount may come from a model
only up to the class's `model_alone`; beyond that guardians look. Untrusted text and memory decide nothing. The reason
is never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial

from policies.case import Case, at_most, within
from policies.markets import LENDING
from policies.terms import SWAPS
from strongroom.model import Finding, Intent, Label, Labelled, Pay, Supply, Swap, TokenId, Verdict, Withdraw

RULE = "provenance"
PEOPLE = frozenset({Label.OPERATOR, Label.GOVERNANCE, Label.MANDATE})


def judge(case: Case) -> Iterator[Finding]:
    intents = case.compiled.unit.intents
    # Equal findings of many intents are one.
    named = dict.fromkeys([_named(intent) for intent in intents if not isinstance(intent, Swap)])
    yield from (_counterparty(what, label) for what, label in named)
    yield from dict.fromkeys(_amount(case, intent, worst) for intent, worst in _worst(intents))
    if not intents:
        yield Finding(RULE, Verdict.DENY, "the unit holds no intent")


def _worst(intents: Iterable[Intent]) -> Iterator[tuple[Intent, Label]]:
    """Each intent with its least trusted label; of those that people or the chain chose, one for each label."""
    chosen = [(intent, _least_trusted(_labels(intent))) for intent in intents]
    yield from {label: (intent, label) for intent, label in chosen if label.rank == 0}.values()
    yield from (each for each in chosen if each[1].rank)


@cache
def _least_trusted(labels: tuple[Label, ...]) -> Label:
    return max(labels, key=lambda label: label.rank)


def _named(intent: Pay | Supply | Withdraw) -> tuple[str, Label]:
    """What people must name, and who did."""
    if isinstance(intent, Pay):
        return "who is paid", intent.payee.label
    return "where is lent and taken back", intent.venue.label


def _counterparty(what: str, label: Label) -> Finding:
    return within(RULE, label in PEOPLE, Verdict.DENY, f"people must name {what}", label, ", ".join(sorted(PEOPLE)))


def _amount(case: Case, intent: Intent, worst: Label) -> Finding:
    if worst.rank == 0:
        return Finding(RULE, Verdict.ALLOW, "people or the chain chose token and amount", worst)
    if worst is not Label.MODEL:
        return Finding(RULE, Verdict.DENY, "untrusted text and memory choose no token and no amount", worst)
    token, units, alone = _chosen(case, intent)
    reason = f"a model alone chooses at most this much {token}"
    return at_most(RULE, units, alone, Verdict.ASK, reason, partial(case.show, token))


def _labels(intent: Intent) -> tuple[Label, ...]:
    if isinstance(intent, Swap):
        return (intent.token_in.label, intent.token_out.label, intent.amount_in_units.label)
    return (intent.token.label, intent.amount_units.label)


def _chosen(case: Case, intent: Intent) -> tuple[TokenId, int, int]:
    """Token, units, and how much of it a model may choose: in all intents of the unit that a model chose together."""
    token = _amount_of(intent)[0].value
    cap = case.document.cap(_class(case, intent), token)
    together = sum(_units_by_model(other, token) for other in case.compiled.unit.intents)
    return token, together, cap.model_units if cap else 0


def _class(case: Case, intent: Intent) -> str:
    if isinstance(intent, Pay):
        payee = case.document.payees.get(intent.payee.value)
        return payee.bucket_class if payee else ""
    return SWAPS if isinstance(intent, Swap) else LENDING


def _amount_of(intent: Intent) -> tuple[Labelled[TokenId], Labelled[int]]:
    if isinstance(intent, Swap):
        return intent.token_in, intent.amount_in_units
    return intent.token, intent.amount_units


def _units_by_model(intent: Intent, token: TokenId) -> int:
    named, amount = _amount_of(intent)
    by_model = any(label.rank for label in _labels(intent))
    return amount.value if by_model and named.value == token else 0
