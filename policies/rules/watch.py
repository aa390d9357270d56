"""The watch takes no payment of the owners for a loss, and forgets no loss for anything else: its mark moves only with
large payments, as the last call of the Safe's own transaction, and guardians read from what to what."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from policies.effects import Rebase
from policies.marks import own_watch, paid_e8, rebase_after, worth_e8
from policies.usd import usd_down, usd_up
from strongroom.model import Amount, Finding, SafeTx, TokenId, Verdict, WatchState
from strongroom.valuation import Problem

RULE = "watch"


def judge(case: Case) -> Iterator[Finding]:
    rebases = [move for move in case.moves if isinstance(move, Rebase)]
    if rebases:
        yield from _placed(case, rebases)
        yield _due(case, rebases[0])
    elif isinstance(case.action, SafeTx):
        yield _unmarked(case)
    else:
        yield Finding(RULE, Verdict.ALLOW, "the Kernel counts what it pays, so the watch takes it for no loss")


def _placed(case: Case, rebases: list[Rebase]) -> Iterator[Finding]:
    by_owners = isinstance(case.action, SafeTx)
    yield within(RULE, by_owners, Verdict.DENY, "only owners make the watch take a new mark, the agent's key never")
    last = len(rebases) == 1 and case.moves[-1] is rebases[0]
    yield within(RULE, last, Verdict.DENY, "the watch takes its new mark once, as the unit's last call")


def _due(case: Case, rebase: Rebase) -> Finding:
    watch, due = own_watch(case.facts), _wanted(case)
    if watch is None or rebase.watch != watch.address:
        return Finding(
            RULE, Verdict.DENY, "only this treasury's own watch takes a new mark", rebase.watch, _named(watch)
        )
    if due is None:
        reason = "a new mark goes with payments above a quarter of what the treasury may fall, and with nothing else"
        return Finding(RULE, Verdict.DENY, reason, _paid(case), f"{usd_down(_quarter_e8(watch))} and more")
    if isinstance(due, Problem):
        return Finding(RULE, Verdict.DENY, f"no new mark: {due.reason}")
    return _moved(case, watch)


def _moved(case: Case, watch: WatchState) -> Finding:
    """For guardians: what fell before the payment is forgotten too."""
    mark_e8 = worth_e8(lambda token: _held_after(case, token), case.facts, case.document)
    if isinstance(mark_e8, Problem):
        return Finding(RULE, Verdict.DENY, f"what the mark becomes is not known: {mark_e8.reason}")
    marks = f"from {usd_down(watch.mark_e8)} to {usd_down(mark_e8)}"
    reason = f"the watch takes a new mark; {_paid(case)} of the change is what this unit pays"
    return Finding(RULE, Verdict.ASK, reason, marks)


def _held_after(case: Case, token: TokenId) -> int:
    return case.facts.balances[token] + case.rehearsed(case.document.account.safe, token)


def _unmarked(case: Case) -> Finding:
    due = _wanted(case)
    if due is None:
        return Finding(RULE, Verdict.ALLOW, "no payment here moves the watch's mark")
    why = f": {due.reason}" if isinstance(due, Problem) else "; end the unit with its `rebase()`"
    reason = f"the watch may take these payments for a loss, and takes no new mark after them{why}"
    return Finding(RULE, Verdict.ASK, reason, _paid(case))


def _wanted(case: Case) -> str | Problem | None:
    if own_watch(case.facts) is None:
        return None
    return rebase_after(_payments(case), case.facts, case.document)


def _payments(case: Case) -> list[Amount]:
    return [Amount(payment.token, payment.units) for payment in case.payments]


def _paid(case: Case) -> str:
    spent_e8 = paid_e8(_payments(case), case.facts, case.document)
    return "" if isinstance(spent_e8, Problem) else usd_up(spent_e8)


def _quarter_e8(watch: WatchState) -> int:
    return (watch.mark_e8 - watch.floor_e8) // 4


def _named(watch: WatchState | None) -> str:
    return watch.address if watch else "no watch was observed"
