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
    others = [account for account in named if account is not expected]
    found = sorted({_text(each) for each in (*others, *([expected] if len(others) < len(named) else ()))})
    reason = "unit, action, calls and facts must be of the policy's own Safe"
    yield within(RULE, found == [_text(expected)], Verdict.DENY, reason, ", ".join(found), _text(expected))


def _text(account: Account) -> str:
    return f"chain {account.chain_id} {account.safe}"
