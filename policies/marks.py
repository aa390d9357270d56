"""What a payment of the owners does to the watch: it leaves the Safe beside the Kernel, so the watch takes it for a
loss, unless the Safe makes the watch take a new mark after it.

Source: `contracts/src/Watch.sol`. What counts is what the policy says of the watch (`[watch]`), at the prices of the
feeds that its sources ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from policies.source_prices import SourcePrice, source_price
from policies.terms import PolicyDocument
from policies.usd import usd_down
from policies.watching import counted
from strongroom.model import Address, Amount, Facts, TokenId, WatchState
from strongroom.valuation import Problem

_PART_OF_THE_FALL = 4
"""Payments above this part of what the treasury may fall move the mark; smaller ones leave it."""


def own_watch(facts: Facts) -> WatchState | None:
    """The observed watch, if it guards the observed Kernel. A guardian observes no Kernel, and takes the watch that
    their own treasury.toml names."""
    watch, kernel = facts.watch, facts.kernel
    return watch if watch is None or kernel is None or watch.kernel == kernel.address else None


def rebase_after(payments: Iterable[Amount], facts: Facts, document: PolicyDocument) -> Address | Problem | None:
    """The watch that must take a new mark after these payments of the owners; `None` where they are small, or where
    nothing watches; the reason where a mark is or may be wanted and cannot be taken."""
    watch, paid = own_watch(facts), tuple(payments)
    if watch is None or not paid:
        return None
    if document.watch is None:
        return Problem("[watch] of policy.toml does not say what it counts")
    spent_e8 = paid_e8(paid, facts, document)
    if isinstance(spent_e8, Problem):
        return spent_e8
    if spent_e8 * _PART_OF_THE_FALL <= watch.mark_e8 - watch.floor_e8:
        return None
    return _obstacle(watch) or watch.address


def paid_e8(payments: Iterable[Amount], facts: Facts, document: PolicyDocument) -> int | Problem:
    """USD scaled by 1e8 that payments take out of what the watch counts: each at the high price, rounded up."""
    spent: Counter[TokenId] = Counter()
    for payment in payments:
        spent[payment.token] += payment.units
    return _valued(lambda token: spent[token], SourcePrice.high_value_e8, facts, document)


def worth_e8(units: Callable[[TokenId], int], facts: Facts, document: PolicyDocument) -> int | Problem:
    """USD scaled by 1e8 that a new mark is when the Safe holds `units` of each counted token: each at the low price,
    rounded down. What payments of the Kernel took out counts no more. Raises `KeyError` where `units` does."""
    return _valued(units, SourcePrice.low_value_e8, facts, document)


def _valued(
    units: Callable[[TokenId], int],
    value_e8: Callable[[SourcePrice, int], int],
    facts: Facts,
    document: PolicyDocument,
) -> int | Problem:
    total = 0
    for token, priced_as in counted(document).items():
        if not (held := units(token)):
            continue
        # Shares and coins have the decimals of the token whose price they have: the policy is refused otherwise.
        found = source_price(priced_as, facts, document)
        if isinstance(found, Problem):
            return found
        total += value_e8(found, held)
    return total


def _obstacle(watch: WatchState) -> Problem | None:
    if watch.wealth_e8 is None:
        return Problem("a price that it counts by is missing")
    if watch.has_fallen:
        fallen, floor = usd_down(watch.wealth_e8), usd_down(watch.floor_e8)
        return Problem(f"the treasury has fallen to {fallen}, below {floor}, and a new mark would hide it")
    return None
