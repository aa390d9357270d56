"""What a unit's swaps bring in the rehearsal, token by token."""

from __future__ import annotations

from policies.case import Case
from strongroom.model import TokenId


def brought_units(case: Case, token: TokenId) -> int:
    """What all swaps into `token` bring the Safe together: the change of its balance, and what the same unit sends away
    again, less what it takes back from markets. A rehearsal has the Safe's balances alone, so swaps into one token are
    never told apart; negative or zero where it failed."""
    sold = sum(each.units_in for each in case.exchanges if each.token_in == token)
    safe = case.document.account.safe
    paid = sum(each.units for each in case.payments if each.token == token and each.recipient != safe)
    lent = sum(each.units_in for each in case.conversions if each.token_in == token)
    back = sum(each.units_in for each in case.conversions if each.token_out == token)
    return case.rehearsed(safe, token) + sold + paid + lent - back


def bought(case: Case) -> list[TokenId]:
    """The tokens that the unit's swaps buy, by name."""
    return sorted({each.token_out for each in case.exchanges})
