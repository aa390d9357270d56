"""Only listed tokens move, and the facts' idea of a token is the policy's: decimals off by three once cost 440,000
dollars."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Finding, TokenId, Verdict

RULE = "tokens"


def judge(case: Case) -> Iterator[Finding]:
    touched = _touched(case)
    for token in sorted(touched):
        listed = case.document.token(token)
        if listed is None:
            yield Finding(RULE, Verdict.DENY, f"`{token}` is not a listed token")
            continue
        seen = case.facts.tokens.get(token)
        reason = f"`{token}` on the chain must be the token of the policy"
        measured = f"{seen.address}, {seen.decimals} decimals" if seen else "nothing"
        limit = f"{listed.address}, {listed.decimals} decimals"
        yield within(RULE, seen == listed, Verdict.DENY, reason, measured, limit)
    if not touched:
        yield Finding(RULE, Verdict.ALLOW, "no token moves")


def _touched(case: Case) -> set[TokenId]:
    moved = {delta.token for delta in case.rehearsal.deltas} | {a.token for a in case.rehearsal.allowances}
    moved |= {payment.token for payment in case.payments} | {p.token for p in case.permissions}
    moved |= {token for each in case.conversions for token in (each.token_in, each.token_out)}
    return moved | {token for exchange in case.exchanges for token in (exchange.token_in, exchange.token_out)}
