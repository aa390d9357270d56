"""A swap pays into the Safe, and only its venue's router is approved, or the market that lends, for exactly what it
takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Address, Finding, TokenId, Verdict

RULE = "venues"


def judge(case: Case) -> Iterator[Finding]:
    if not case.exchanges and not case.conversions and not case.permissions:
        yield Finding(RULE, Verdict.ALLOW, "no venue is used")
        return
    safe = case.document.account.safe
    for exchange in case.exchanges:
        reason = f"what `{exchange.venue.id}` gives must come to the Safe"
        yield within(RULE, exchange.recipient == safe, Verdict.DENY, reason, exchange.recipient, safe)
        floor = exchange.min_out_units > 0
        yield within(
            RULE,
            floor,
            Verdict.DENY,
            "a swap must name the least it takes",
            case.show(exchange.token_out, exchange.min_out_units),
        )
    needed, given = _needed(case), _given(case)
    for token, spender in sorted(needed.keys() | given.keys()):
        reason = f"`{spender}` must be approved exactly what it takes"
        measured, limit = given[token, spender], needed[token, spender]
        yield within(RULE, measured == limit, Verdict.DENY, reason, case.show(token, measured), case.show(token, limit))
    if not case.exchanges and not needed and not given:
        yield Finding(RULE, Verdict.ALLOW, "no venue is used")


def _needed(case: Case) -> Counter[tuple[TokenId, Address]]:
    needed: Counter[tuple[TokenId, Address]] = Counter()
    for exchange in case.exchanges:
        needed[exchange.token_in, exchange.venue.router] += exchange.units_in
    for each in case.conversions:
        # A share is burned by the market itself: taking back needs no approval.
        if each.is_supply:
            needed[each.token_in, each.market.pool] += each.units_in
    return needed


def _given(case: Case) -> Counter[tuple[TokenId, Address]]:
    """Approvals added up: some tokens add nothing on a second approval, but then the rehearsal fails."""
    given: Counter[tuple[TokenId, Address]] = Counter()
    for permission in case.permissions:
        given[permission.token, permission.spender] += permission.units
    return given
