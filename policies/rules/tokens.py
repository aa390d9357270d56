"""Only listed tokens move, and the facts' idea of a token is the policy's: decimals off by three once cost 440,000
dollars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.case import Case
from policies.remembering import kept
from policies.terms import PolicyDocument
from strongroom.model import Finding, Token, TokenId, Verdict

RULE = "tokens"


def judge(case: Case) -> Iterator[Finding]:
    touched = _touched(case)
    for token in sorted(touched):
        listed, seen = case.document.token(token), case.facts.tokens.get(token)
        if listed is None:
            yield Finding(RULE, Verdict.DENY, f"`{token}` is not a listed token")
        elif seen == listed:
            yield _same(case.document)[token]
        else:
            yield _compared(listed, seen, Verdict.DENY)
    if not touched:
        yield Finding(RULE, Verdict.ALLOW, "no token moves")


@kept
def _same(document: PolicyDocument) -> Mapping[TokenId, Finding]:
    """What is said of each token, or share of one, that is on the chain as the policy has it."""
    known = ((each, document.token(each)) for each in (*document.tokens, *document.shares()))
    return {each: _compared(token, token, Verdict.ALLOW) for each, token in known if token}


def _compared(listed: Token, seen: Token | None, verdict: Verdict) -> Finding:
    reason = f"`{listed.id}` on the chain must be the token of the policy"
    return Finding(RULE, verdict, reason, _told(seen) if seen else "nothing", _told(listed))


def _told(token: Token) -> str:
    return f"{token.address}, {token.decimals} decimals"


def _touched(case: Case) -> set[TokenId]:
    moved = {delta.token for delta in case.rehearsal.deltas} | {a.token for a in case.rehearsal.allowances}
    moved |= {payment.token for payment in case.payments} | {p.token for p in case.permissions}
    moved |= {token for each in case.conversions for token in (each.token_in, each.token_out)}
    return moved | {token for exchange in case.exchanges for token in (exchange.token_in, exchange.token_out)}
