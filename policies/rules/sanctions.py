"""Nobody who stands on a deny list that the policy asks for is paid, traded with or named in a call; and without lists
that are there and young enough, nothing is done.

Looked for is any address that stands in the bytes, however deep: what cannot be read may not name one either. Pools and
shares stand in none, and the rehearsal sees others.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from policies.sanctions import SanctionTerms
from strongroom.model import Address, Finding, KernelCall, Listing, Verdict
from strongroom.quantities import format_day, format_seconds
from strongroom.untrusted import escaped

RULE = "sanctions"


def judge(case: Case) -> Iterator[Finding]:
    terms = case.document.sanctions
    if terms is None:
        yield Finding(RULE, Verdict.ALLOW, "the policy asks for no deny list")
        return
    listings = {listing.name: listing for listing in case.facts.listings}
    touched = _touched(case)
    for name in terms.sources:
        if (listing := listings.get(name)) is None:
            yield Finding(
                RULE, Verdict.DENY, f"deny list `{name}` is missing; write it into denied.toml, with its date"
            )
            continue
        yield _young(listing, terms, case)
        yield from _hits(listing, terms, touched, case)


def _young(listing: Listing, terms: SanctionTerms, case: Case) -> Finding:
    now, day = case.facts.block.timestamp, format_day(listing.dated_at)
    if listing.dated_at > now:
        return Finding(RULE, Verdict.DENY, f"deny list `{listing.name}` is dated in the future", day, format_day(now))
    reason = f"age of deny list `{listing.name}`, which is dated {day}; renew it in denied.toml"
    return at_most(RULE, now - listing.dated_at, terms.max_age_seconds, Verdict.DENY, reason, _age)


def _age(seconds: int) -> str:
    """To the hour, rounded up, where it is no round number of days."""
    return format_seconds(-(-seconds // 3_600) * 3_600)


def _hits(listing: Listing, terms: SanctionTerms, touched: frozenset[Address], case: Case) -> Iterator[Finding]:
    data, found = case.action.data, False
    for address, note in listing.entries.items():
        if address in touched or bytes.fromhex(address[2:]) in data:
            found = True
            yield _hit(
                address, f"`{case.name(address)}` stands on deny list `{listing.name}`{_said(note)}", terms, case
            )
    if not found:
        yield Finding(RULE, Verdict.ALLOW, f"nobody here stands on deny list `{listing.name}`")


def _said(note: str) -> str:
    return f", which says {escaped(note)}" if note else ""


def _hit(address: Address, reason: str, terms: SanctionTerms, case: Case) -> Finding:
    dispute = terms.dispute(address)
    if dispute is None:
        return Finding(RULE, Verdict.DENY, reason, address)
    day = format_day(dispute.until)
    if case.facts.block.timestamp >= dispute.until:
        return Finding(RULE, Verdict.DENY, f"{reason}; the appeal of {dispute.by} had time until {day}", address)
    disputed = f"{reason}; {dispute.by} appeals until {day}: {dispute.note}"
    return Finding(RULE, Verdict.ASK, disputed, address)


def _touched(case: Case) -> frozenset[Address]:
    """Whom the unit touches beside those who stand in its bytes: whose address follows from what stands there, who was
    seen to gain or lose, and who stays allowed to take."""
    pools = (exchange.pool for exchange in case.exchanges)
    shares = (each.reserve.share for each in case.conversions)
    seen = (delta.holder for delta in case.rehearsal.deltas)
    allowed = (left.spender for left in case.rehearsal.allowances)
    to = case.action.kernel if isinstance(case.action, KernelCall) else case.action.to
    return frozenset((to, *pools, *shares, *seen, *allowed))
