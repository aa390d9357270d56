"""The health factor of an account that owes something at a market: what the policy wants at least, and what a
withdrawal leaves at least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from policies.pricing import price_of
from strongroom.documents import Table
from strongroom.errors import BadValue, NotNamed
from strongroom.model import Facts, LendingState, TokenId
from strongroom.quantities import format_units, parse_units, quantity
from strongroom.valuation import Price, Problem, value_e8_up

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_DECIMALS = 18
_ONE_E18: int = 10**_DECIMALS


def health_least(row: Table) -> int:
    """`health_least = "1.5"` of a market, scaled by 1e18; zero where it is left out. Raises `BadValue` up to one, where
    an account may be liquidated."""
    if not row.has("health_least"):
        return 0
    least = parse_units(row.text("health_least"), _DECIMALS, row.path("health_least"))
    if least <= _ONE_E18:
        raise BadValue(row.text("health_least"), row.path("health_least"), "at one it is liquidated; write `1.5`")
    return least


def check_health(document: PolicyDocument, name: str) -> None:
    """Raises `NotNamed` for a market whose debts are not listed: the Kernel would let collateral go unseen."""
    for market in document.markets.values():
        if market.health_least_e18 and not market.debts:
            mend = "`health_least` speaks of a debt; list it in [[venues." + market.id + ".debts]]"
            raise NotNamed("debts", f"[venues.{market.id}] of {name}", mend)


def health_left_e18(
    state: LendingState, withdrawn: Mapping[TokenId, int], facts: Facts, document: PolicyDocument
) -> int | Problem:
    """The least health factor, scaled by 1e18 and rounded down, once these units are taken out.

    Health is collateral, each weighed by at most one, over debt. So no withdrawal lowers it by more than its value at
    the high price over the debt. Whatever its own oracle says, the market reverts what would leave less than one.
    """
    if state.health_factor_e18 is None or not state.debt_e8:
        return Problem("the debt is not known, or below 1e-8 USD")
    taken_e8 = 0
    for token, units in withdrawn.items():
        found = price_of(token, facts, document)
        if not isinstance(found, Price):
            return Problem(f"`{token}` has no healthy price: {found.reason}")
        taken_e8 += value_e8_up(units, document.tokens[token].token.decimals, found.high_e8)
    return state.health_factor_e18 - -(-taken_e8 * _ONE_E18 // state.debt_e8)


def shown(health_e18: int) -> str:
    """`1.50`"""
    return format_units(health_e18, _DECIMALS)


def written(health_e18: int) -> str | None:
    """The inverse of `health_least`."""
    return quantity(health_e18, _DECIMALS) if health_e18 else None
