"""What is lent stays the Safe's and can come back: an open market without debt, a position no larger than the policy
wants, and cash enough for what is taken out. What was not observed denies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from policies.case import Case, at_least, at_most, within
from policies.health import health_left_e18, shown
from policies.markets import Market, Reserve
from strongroom.model import Finding, LendingReserve, LendingState, TokenId, Verdict
from strongroom.valuation import Problem

RULE = "lending"


def judge(case: Case) -> Iterator[Finding]:
    safe = case.document.account.safe
    for each in case.conversions:
        reason = f"what `{each.market.id}` gives must be the Safe's"
        yield within(RULE, each.beneficiary == safe, Verdict.DENY, reason, each.beneficiary, safe)
    for market in {each.market.id: each.market for each in case.conversions}.values():
        yield from _market(case, market)
    if not case.conversions:
        yield Finding(RULE, Verdict.ALLOW, "nothing is lent or taken back")


def _market(case: Case, market: Market) -> Iterator[Finding]:
    state = next((state for state in case.facts.lending if state.pool == market.pool), None)
    if state is None:
        yield Finding(RULE, Verdict.DENY, f"`{market.id}` was not observed, so nothing is known of debts there")
        return
    owes = state.borrows or state.debt_e8 > 0
    if owes and market.health_least_e18:
        yield _healthy(case, market, state)
    else:
        yield within(RULE, not owes, Verdict.DENY, f"the Safe must owe nothing at `{market.id}`")
    for token in sorted({each.reserve.token for each in case.conversions if each.market.id == market.id}):
        yield from _reserve(case, market, state, token)


def _healthy(case: Case, market: Market, state: LendingState) -> Finding:
    withdrawn = Counter[TokenId]()
    for each in case.conversions:
        if each.market.id == market.id and not each.is_supply:
            withdrawn[each.reserve.token] += each.units_in
    if not withdrawn:
        return Finding(RULE, Verdict.ALLOW, f"what is lent more makes the debt at `{market.id}` no worse")
    left_e18 = health_left_e18(state, withdrawn, case.facts, case.document)
    if isinstance(left_e18, Problem):
        return Finding(RULE, Verdict.DENY, f"the health factor at `{market.id}` is not known: {left_e18.reason}")
    reason = f"the health factor at `{market.id}` stays at least this, at worst"
    return at_least(RULE, left_e18, market.health_least_e18, Verdict.DENY, reason, shown)


def _reserve(case: Case, market: Market, state: LendingState, token: TokenId) -> Iterator[Finding]:
    own = [each for each in case.conversions if (each.market.id, each.reserve.token) == (market.id, token)]
    listed = own[0].reserve
    asset = case.document.tokens[token].token.address
    seen = next((each for each in state.reserves if (each.asset, each.receipt) == (asset, listed.share)), None)
    if seen is None:
        yield Finding(RULE, Verdict.DENY, f"{token} at `{market.id}` was not observed with the policy's share")
        return
    supplied = sum(each.units_in for each in own if each.is_supply)
    withdrawn = sum(each.units_in for each in own if not each.is_supply)
    yield _open(market, token, seen, supplied > 0)
    if supplied:
        yield from _supplied(case, market, listed, seen, supplied)
    if withdrawn:
        yield from _withdrawn(case, market, token, seen, withdrawn)


def _open(market: Market, token: TokenId, seen: LendingReserve, supplies: bool) -> Finding:
    shut = [name for name, is_so in (("inactive", not seen.active), ("paused", seen.paused)) if is_so]
    if supplies and seen.frozen:
        shut.append("frozen")
    return within(RULE, not shut, Verdict.DENY, f"`{market.id}` must be open for {token}", ", ".join(shut))


def _supplied(case: Case, market: Market, listed: Reserve, seen: LendingReserve, units: int) -> Iterator[Finding]:
    token, after = listed.token, seen.supplied_units + units
    reason = f"at most this much {token} lies at `{market.id}` afterwards"
    yield _at_most(case, token, after, listed.most_units, reason)
    if seen.supply_room_units is not None:
        yield _at_most(case, token, units, seen.supply_room_units, f"`{market.id}` takes this much more {token}")


def _withdrawn(case: Case, market: Market, token: TokenId, seen: LendingReserve, units: int) -> Iterator[Finding]:
    yield _at_most(case, token, units, seen.supplied_units, f"the Safe has this much {token} at `{market.id}`")
    reason = f"`{market.id}` has this much {token} that is not lent out; wait until borrowers repay"
    yield _at_most(case, token, units, seen.available_units, reason)


def _at_most(case: Case, token: TokenId, units: int, most: int, reason: str) -> Finding:
    return at_most(RULE, units, most, Verdict.DENY, reason, partial(case.show, token))
