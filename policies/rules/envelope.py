"""The rehearsed effects stay inside what the unit declares: at most this out, at least that in, recipients get what
was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from policies.case import Case, at_least, at_most, within
from policies.remembering import kept
from strongroom.model import Amount, Finding, TokenId, Verdict

RULE = "envelope"


def judge(case: Case) -> Iterator[Finding]:
    yield from _out(case)
    yield from _in(case)
    yield from _received(case)
    yield from _named(case)


def _out(case: Case) -> Iterator[Finding]:
    """What leaves is declared, and exactly what the bytes say: a token that takes a fee on top, or a balance not
    measured, shows here. Of a token that the unit also buys, the difference counts, and of a share what its market's
    rounding adds."""
    declared, said, safe = _sums(case.compiled.envelope.max_out), _said(case), case.document.account.safe
    rounded = _promised(case).keys() | case.document.shares().keys()
    moved = {delta.token for delta in case.own_deltas if delta.units < 0}
    for token in sorted(moved | declared.keys() | said.keys()):
        out, most = -case.rehearsed(safe, token), min(declared[token], said[token])
        reason = f"the {token} that leaves must be what is declared and sent"
        if token in rounded:
            yield at_most(RULE, out, most, Verdict.DENY, reason, partial(case.show, token))
        else:
            yield within(RULE, out == most, Verdict.DENY, reason, case.show(token, out), case.show(token, most))


def _in(case: Case) -> Iterator[Finding]:
    """Each exchange's minimum is declared, and the rehearsal brings at least what is declared, less what the unit sends
    on of the same token."""
    declared, promised, said = _sums(case.compiled.envelope.min_in), _promised(case), _said(case)
    for token in sorted(declared.keys() | promised.keys()):
        least = max(declared[token], promised[token]) - said[token]
        got = case.rehearsed(case.document.account.safe, token)
        reason = f"at least this much {token} must arrive"
        yield at_least(RULE, got, least, Verdict.DENY, reason, partial(case.show, token))


def _received(case: Case) -> Iterator[Finding]:
    """A token that delivers less than was sent (a fee on transfer, a rebase) is refused."""
    for to, units in case.paid.items():
        got, sent = case.rehearsed(*to), case.paid_shown[to]
        reason = f"`{case.name(to[0])}` must receive all that is sent"
        if got == units:
            yield Finding(RULE, Verdict.ALLOW, reason, sent, sent)
        else:
            yield Finding(RULE, Verdict.DENY, reason, case.show(to[1], got), sent)


def _named(case: Case) -> Iterator[Finding]:
    recipients, spenders = set(case.compiled.envelope.recipients), set(case.compiled.envelope.spenders)
    strangers = {to for to, _ in case.paid} - recipients | {p.spender for p in case.permissions} - spenders
    reason = "the envelope must name every recipient and spender"
    yield within(RULE, not strangers, Verdict.DENY, reason, ", ".join(sorted(strangers)))


@kept
def _said(case: Case) -> Counter[TokenId]:
    said = _sums(each.most_out for each in case.conversions)
    for (_, token), units in case.paid.items():
        said[token] = said.get(token, 0) + units
    for exchange in case.exchanges:
        said[exchange.token_in] += exchange.units_in
    return said


@kept
def _promised(case: Case) -> Counter[TokenId]:
    promised = _sums(each.least_in for each in case.conversions)
    for exchange in case.exchanges:
        promised[exchange.token_out] += exchange.min_out_units
    return promised


def _sums(amounts: Iterable[Amount]) -> Counter[TokenId]:
    sums: Counter[TokenId] = Counter()
    for amount in amounts:
        # Not `+=`, for which a Counter takes twice as long: batches are large.
        sums[amount.token] = sums.get(amount.token, 0) + amount.units
    return sums
