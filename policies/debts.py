"""What the owners owe at lending markets, as the policy has it: what may be repaid, and what an account with debt must
not do.

The Kernel sees no health of a debt: a withdrawal takes collateral from under it, as far as the market lets it go. So
where the policy lists debts, nothing that is lent there may be taken back without the owners' own signatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Address, Facts, TokenId

if TYPE_CHECKING:
    from policies.markets import Market
    from policies.terms import PolicyDocument

REPAYMENTS = "repayments"
"""The class that repayments are metered in: [caps.repayments.TOKEN] bounds how much of the treasury's cash may go into
its own debt."""


@dataclass(frozen=True, slots=True)
class Debt:
    """A token that the Safe owes at a market at a variable rate. `meter` is the `DebtMeter` of that debt: what it rises
    by is what was repaid."""

    token: TokenId
    meter: Address


def check_debts(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` at the first contradiction."""
    for market in document.markets.values():
        where = f"`debts` in [venues.{market.id}] of {name}"
        for debt in market.debts:
            if document.is_native(debt.token):
                raise BadValue(debt.token, where, "ether is owed as its wrapped token")
            if document.cap(REPAYMENTS, debt.token) is None:
                raise BadValue(debt.token, where, f"write [caps.{REPAYMENTS}.{debt.token}] first")
            if sum(other.token == debt.token for other in market.debts) > 1:
                raise BadValue(debt.token, where, "list each token once")


def debt(row: Table, token: TokenId) -> Debt:
    """What a row of [[venues.NAME.debts]] says of a listed token. Raises `InputError`."""
    return Debt(token, row.address("meter"))


def undermined(document: PolicyDocument, facts: Facts) -> Iterator[str]:
    """In words, each market where the Safe owes something, or may, and from which the Kernel would let the agent take
    collateral away all the same. Whoever installs this policy should mend that first."""
    for market in document.markets.values():
        if market.debts:
            continue
        state = next((each for each in facts.lending if each.pool == market.pool), None)
        if state is None:
            yield f"`{market.id}` was not observed, so nothing is known of debts there; check its `pool` in policy.toml"
        elif state.borrows or state.debt_e8:
            yield _told(market)


def _told(market: Market) -> str:
    mend = f"repay it, or list it in [[venues.{market.id}.debts]]"
    return f"the Safe owes something at `{market.id}`, and the Kernel does not see what a withdrawal there does; {mend}"
