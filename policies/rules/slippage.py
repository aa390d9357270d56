"""What swaps accept at least against what the rehearsal brings: the rest is what a sandwich may take."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_least
from policies.receipts import bought, brought_units
from strongroom.model import Finding, TokenId, Verdict
from strongroom.quantities import format_bps
from strongroom.valuation import BPS

RULE = "slippage"


def judge(case: Case) -> Iterator[Finding]:
    bound = case.document.trading.max_slippage_bps
    if bound is None or not case.exchanges:
        yield Finding(RULE, Verdict.ALLOW, "nothing is swapped" if bound else "the policy bounds no slippage")
        return
    for token in bought(case):
        yield _judged(case, token, bound)


def _judged(case: Case, token: TokenId, bound_bps: int) -> Finding:
    """All swaps into one token together: the rehearsal does not tell them apart."""
    brought = brought_units(case, token)
    if brought <= 0:
        return Finding(RULE, Verdict.DENY, f"the rehearsal brings no {token} to measure slippage by")
    accepted = sum(each.min_out_units for each in case.exchanges if each.token_out == token)
    least = -(-brought * (BPS - bound_bps) // BPS)
    reason = f"swaps must accept at most {format_bps(bound_bps)} less {token} than the rehearsal brings"
    return at_least(RULE, accepted, least, Verdict.DENY, reason, lambda units: case.show(token, units))
