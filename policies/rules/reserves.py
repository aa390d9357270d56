"""What the treasury keeps in hand: a unit that would leave less than a token's floor is for guardians. What waits in
the queue, or was announced, counts as gone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_least
from policies.metering import promised
from strongroom.model import Finding, SafeTx, TokenId, Verdict

RULE = "reserves"


def judge(case: Case) -> Iterator[Finding]:
    leaving = sorted({delta.token for delta in case.own_deltas if delta.units < 0})
    for token in leaving:
        yield _kept(case, token)
    if not leaving:
        yield Finding(RULE, Verdict.ALLOW, "nothing leaves")


def _kept(case: Case, token: TokenId) -> Finding:
    listed, balance = case.document.tokens.get(token), case.facts.balances.get(token)
    if case.document.token(token) is None or balance is None:
        return Finding(RULE, Verdict.DENY, f"the balance of `{token}` is not known")
    own_nonce = case.action.nonce if isinstance(case.action, SafeTx) else None
    waits = promised(case.facts, case.document, own_nonce)[token]
    left = balance + case.rehearsed(case.document.account.safe, token) - waits
    # Of a share nothing is kept: what comes of it stays in the Safe as its token.
    kept = listed.keep_units if listed else 0
    reason = f"at least this much {token} should stay" + (", once what waits has left" if waits else "")
    return at_least(RULE, left, kept, Verdict.ASK, reason, partial(case.show, token))
