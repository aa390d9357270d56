"""Everything speaks of the same Safe on the same chain."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Account, Finding, Verdict

RULE = "account"


def judge(case: Case) -> Iterator[Finding]:
    expected = case.document.account
    named: list[Account] = [case.compiled.unit.account, case.action.account, case.facts.account]
    named += [call.account for call in case.compiled.calls]
    named += [token.account for token in case.facts.tokens.values()]
    # Most are one and the same object, and a name is longer in the writing.
    found = sorted({_text(account) for account in {id(account): account for account in named}.values()})
    reason = "unit, action, calls and facts must be of the policy's own Safe"
    yield within(RULE, found == [_text(expected)], Verdict.DENY, reason, ", ".join(found), _text(expected))


def _text(account: Account) -> str:
    return f"chain {account.chain_id} {account.safe}"
