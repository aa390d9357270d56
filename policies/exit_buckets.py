"""The Kernel's buckets that no cap writes out: vaults' shares on their way back, and guardians' way home in a pause."""

from __future__ import annotations

from collections.abc import Iterator

from policies.debts import REPAYMENTS
from policies.kernel_rules import LARGEST_UNITS
from policies.markets import EXITS, LENDING
from policies.terms import PolicyDocument
from strongroom.model import Address
from strongroom.protocols.kernel import BucketSetting, class_number

_EXIT_DRAIN_SECONDS = 86_400


def share_buckets(document: PolicyDocument) -> Iterator[BucketSetting]:
    """For each vault one of its shares: what [caps.lending.TOKEN] says, at the highest worth of a share."""
    for vault in document.vaults.values():
        cap = document.caps[LENDING][vault.token]
        shares = min(vault.to_shares_down(cap.at_once_units), LARGEST_UNITS)
        yield BucketSetting(vault.address, class_number(LENDING), shares, cap.drain_seconds)


def exit_buckets(document: PolicyDocument) -> Iterator[BucketSetting]:
    """A whole position a day for each share; of what is owed as much as one unit may ever repay."""
    most: dict[Address, int] = {}
    for _, reserve in document.shares().values():
        most[reserve.share] = reserve.most_units
    for vault in document.vaults.values():
        most[vault.address] = vault.to_shares_down(vault.most_units)
    for market in document.markets.values():
        for debt in market.debts:
            most[document.tokens[debt.token].token.address] = document.caps[REPAYMENTS][debt.token].never_units
    number = class_number(EXITS)
    for token, units in most.items():
        yield BucketSetting(token, number, min(units, LARGEST_UNITS), _EXIT_DRAIN_SECONDS)
