"""What a unit's swaps and loans lose leaves the treasury above its watch's floor, or guardians are asked: below it
anybody may pause the Kernel.

Counted as the watch does, at the low prices and with what it has credited: a payment is no loss (of the owners' own the
rule `watch` speaks), a swap's is. Where the treasury lies below the floor already, only what loses more is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies.case import Case, at_least
from policies.marks import own_watch, worth_e8
from policies.usd import usd_down, usd_up
from strongroom.model import Finding, TokenId, Verdict, WatchState
from strongroom.valuation import Problem

RULE = "drawdown"


def judge(case: Case) -> Iterator[Finding]:
    if case.document.watch is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy has no drawdown stop")
    elif not case.exchanges and not case.conversions:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped or lent, and a payment is no loss")
    elif watch := own_watch(case.facts):
        yield _above(case, watch)
    else:
        yield _unwatched(case)


def _unwatched(case: Case) -> Finding:
    """A watch guards a Kernel: where there is none to be observed, there is no floor yet. A Kernel without its watch is
    a fact that lacks; only what comes home from a market needs it not."""
    if case.facts.kernel is None:
        return Finding(RULE, Verdict.ALLOW, "no Kernel was observed, so there is no watch to guard it")
    if not case.exchanges and not any(each.is_supply for each in case.conversions):
        return Finding(RULE, Verdict.ALLOW, "what is lent comes home, whatever the watch says")
    reason = "the policy has a drawdown stop, and the watch of the observed Kernel was not observed"
    return Finding(RULE, Verdict.DENY, f"{reason}; name it in treasury.toml")


def _above(case: Case, watch: WatchState) -> Finding:
    lost_e8 = _lost_e8(case)
    if isinstance(lost_e8, Problem):
        return Finding(RULE, Verdict.DENY, f"what the unit loses is not known: {lost_e8.reason}")
    if lost_e8 <= 0:
        return Finding(RULE, Verdict.ALLOW, "the unit loses nothing that the watch counts")
    if watch.wealth_e8 is None:
        return Finding(RULE, Verdict.DENY, "what the watch counts is not known: a price that it counts by is missing")
    reason = f"the treasury stays above the watch's floor, though the unit loses {usd_up(lost_e8)}"
    return at_least(RULE, watch.wealth_e8 - lost_e8, watch.floor_e8, Verdict.ASK, reason, usd_down)


def _lost_e8(case: Case) -> int | Problem:
    """USD scaled by 1e8 by which the counted holdings fall, payments aside; what is gained is below zero."""
    paid: Counter[TokenId] = Counter()
    for payment in case.payments:
        paid[payment.token] += payment.units
    try:
        had_e8 = worth_e8(lambda token: case.facts.balances[token], case.facts, case.document)
        left_e8 = worth_e8(lambda token: _held_after(case, token) + paid[token], case.facts, case.document)
    except KeyError as error:
        return Problem(f"the balance of `{error.args[0]}` is not known")
    if isinstance(had_e8, Problem):
        return had_e8
    return left_e8 if isinstance(left_e8, Problem) else had_e8 - left_e8


def _held_after(case: Case, token: TokenId) -> int:
    return case.facts.balances[token] + case.rehearsed(case.document.account.safe, token)
