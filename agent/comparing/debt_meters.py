"""The debt meters that policy.toml names, against our code and what the markets themselves call the debt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.comparing.fields import Comparison, Contract, Field, Reading, code_fields, is_ours, shown
from agent.comparing.installed import Installed
from policies.debts import Debt
from policies.markets import Market
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.aave_v3 import read_variable_debt
from strongroom.protocols.kernel_rules_repay import read_debt

_MEND = "name a meter of the debt that the market gives, and have the owners announce that policy"


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks."""
    named = tuple(_named(installed))
    return tuple(read for market, debt in named for read in _reads(installed, market, debt))


def compare(reading: Reading, installed: Installed) -> Iterator[Comparison]:
    """Every field of each meter: one that rises by itself would take the treasury's cash for a repayment."""
    for market, debt in _named(installed):
        name = f"debt meter of `{debt.token}` at `{market.id}`"
        fields = tuple(code_fields(reading, Contract.DEBT_METER, debt.meter, name))
        if is_ours(fields):
            fields = (*fields, _debt(reading, installed, market, debt, name))
        yield Comparison(Contract.DEBT_METER, name, debt.meter, fields)


def _named(installed: Installed) -> Iterator[tuple[Market, Debt]]:
    return ((market, debt) for market in installed.document.markets.values() for debt in market.debts)


def _reads(installed: Installed, market: Market, debt: Debt) -> tuple[Read[Address], Read[Address]]:
    return read_debt(debt.meter), read_variable_debt(market.pool, installed.document.tokens[debt.token].token.address)


def _debt(reading: Reading, installed: Installed, market: Market, debt: Debt, name: str) -> Field:
    """The document's side is the market's own word: policy.toml names the market, and not the token of its debt."""
    measured, owed = reading.values(_reads(installed, market, debt))
    return Field("the debt that it measures", shown(owed), shown(measured), _MEND, debt.meter, f"the {name}")
