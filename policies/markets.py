"""Lending markets as the policy lists them, and the names of the shares that stand for what lies there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.debts import Debt
from strongroom.model import Address, TokenId

AAVE_V3 = "aave_v3"
LENDING = "lending"
"""The class that every supply and every withdrawal is metered in. [caps.lending.TOKEN] bounds both, each by itself:
what is supplied counts in the token's bucket, what is withdrawn in that of its share, so that taking money back never
waits for room that lending it used up."""

EXITS = "exits"
"""The class of what guardians withdraw while the Kernel is paused: all of a position, whatever the agent used up."""

ROUNDING_UNITS = 2
"""Aave keeps balances scaled by its index and rounds half up: each way a share may be this much off, in its units."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A token that a market takes, and its share there (an aToken): one unit of it is one of the token, interest comes
    on top. No supply takes the position above `most_units`."""

    token: TokenId
    share: Address
    most_units: int


@dataclass(frozen=True, slots=True)
class Market:
    """Where idle tokens are lent. `pool` is what is called, and the only spender approved for a supply. `debts` are
    what the owners borrow there: while there are any, the Kernel lets nobody take back what is lent. The owners
    themselves take back what leaves a health factor of `health_least_e18`; zero: nothing while they owe."""

    id: str
    kind: str
    pool: Address
    reserves: tuple[Reserve, ...]
    debts: tuple[Debt, ...] = ()
    health_least_e18: int = 0

    def share_id(self, reserve: Reserve) -> TokenId:
        """`USDC@aave`; no listed token can be named so."""
        return TokenId(f"{reserve.token}@{self.id}")

    def reserve(self, token: TokenId) -> Reserve | None:
        return next((reserve for reserve in self.reserves if reserve.token == token), None)

    def shares(self) -> Iterator[tuple[TokenId, Reserve]]:
        return ((self.share_id(reserve), reserve) for reserve in self.reserves)
