"""No payee is paid sooner after the last time, or more often, than the policy says; beyond that guardians are asked.

Windows roll. Counted is what was paid, what waits and this unit, each without standing orders, which keep a pace of
their own. What goes to a payee at once in different tokens is one payment, twice the same token is two; of what waits
each transfer counts, for nobody knows what of it executes together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from policies.case import Case, at_least, at_most
from policies.dues import metered_outflows
from policies.metering import in_flight
from policies.movement import payments_beside_orders
from policies.remembering import kept
from policies.terms import Payee, PolicyDocument
from strongroom.model import Digest, Finding, TokenId, Verdict
from strongroom.quantities import format_seconds

RULE = "pace"


def judge(case: Case) -> Iterator[Finding]:
    paced = [payee for payee in _with_pace(case.document) if _now(payee, case)]
    for payee in paced:
        past, waiting, now = _past(payee, case), _waiting(payee, case), _now(payee, case)
        if payee.pace.apart_seconds:
            yield _apart(payee, case.facts.block.timestamp, past, waiting + now)
        if payee.pace.count:
            yield _often(payee, case.facts.block.timestamp, past, waiting + now)
    if not paced:
        yield Finding(RULE, Verdict.ALLOW, "nobody is paid who has a pace")


@kept
def _with_pace(document: PolicyDocument) -> tuple[Payee, ...]:
    return tuple(payee for payee in document.payees.values() if payee.pace.reach_seconds)


def _apart(payee: Payee, now: int, past: list[int], more: int) -> Finding:
    if more == 1 and not past:
        return Finding(RULE, Verdict.ALLOW, f"no earlier payment to `{payee.id}` is too near")
    # Two at once, or one beside another that waits, are no time apart.
    since = 0 if more > 1 else max(now - max(past), 0)
    reason = f"`{payee.id}` is paid again only so long after the last payment, past or waiting"
    return at_least(RULE, since, payee.pace.apart_seconds, Verdict.ASK, reason, format_seconds)


def _often(payee: Payee, now: int, past: list[int], more: int) -> Finding:
    count = sum(at > now - payee.pace.window_seconds for at in past) + more
    window = format_seconds(payee.pace.window_seconds)
    reason = f"`{payee.id}` is paid at most this often within {window}, past, waiting and now"
    return at_most(RULE, count, payee.pace.count, Verdict.ASK, reason)


def _past(payee: Payee, case: Case) -> list[int]:
    """When the payee was paid, Unix seconds, a time for each payment."""
    tokens, at = defaultdict[Digest, list[TokenId]](list), dict[Digest, int]()
    for each in metered_outflows(case.facts, case.document):
        if each.recipient == payee.address:
            tokens[each.tx_hash].append(each.token)
            at[each.tx_hash] = each.timestamp
    return [at[tx] for tx, moved in tokens.items() for _ in range(_count(moved))]


def _waiting(payee: Payee, case: Case) -> int:
    return sum(each.recipient == payee.address for each in in_flight(case))


def _now(payee: Payee, case: Case) -> int:
    return _count(each.token for each in payments_beside_orders(case) if each.recipient == payee.address)


def _count(tokens: Iterable[TokenId]) -> int:
    """How many payments the transfers of one transaction are."""
    return max(Counter(tokens).values(), default=0)
