"""A token into its share of a lending market and back, one for one: from an intent, to calls, and from their bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policies.markets import ROUNDING_UNITS, Market, Reserve
from policies.terms import PolicyDocument
from strongroom.model import Address, Amount, Call, Supply, TokenId, Withdraw
from strongroom.protocols import aave_v3
from strongroom.protocols.erc20 import encode_approve


@dataclass(frozen=True, slots=True)
class Conversion:
    """Exactly `units_in` of a token into its share of a market, or of a share back into its token, for
    `beneficiary`."""

    market: Market
    reserve: Reserve
    is_supply: bool
    beneficiary: Address
    units_in: int

    @property
    def token_in(self) -> TokenId:
        return self.reserve.token if self.is_supply else self.market.share_id(self.reserve)

    @property
    def token_out(self) -> TokenId:
        return self.market.share_id(self.reserve) if self.is_supply else self.reserve.token

    @property
    def most_out(self) -> Amount:
        """The token exactly; of a share a little more may be burned."""
        return Amount(self.token_in, self.units_in + (0 if self.is_supply else ROUNDING_UNITS))

    @property
    def least_in(self) -> Amount:
        """The token exactly; of a share a little less may come."""
        return Amount(self.token_out, max(self.units_in - (ROUNDING_UNITS if self.is_supply else 0), 0))


def conversion_of(intent: Supply | Withdraw, document: PolicyDocument) -> Conversion | str:
    """What the intent means, in the Safe's own name, or why it cannot be."""
    market = document.markets.get(intent.venue.value)
    if market is None:
        return f"venue `{intent.venue.value}` lends nothing; known: {_named(document.markets)}"
    reserve, units = market.reserve(intent.token.value), intent.amount_units.value
    if reserve is None:
        known = _named(each.token for each in market.reserves)
        return f"`{market.id}` is not listed with token `{intent.token.value}`; known: {known}"
    if units <= 0:
        return f"amount `{units}` is not more than zero"
    return Conversion(market, reserve, isinstance(intent, Supply), document.account.safe, units)


def calls_of(meant: Conversion, document: PolicyDocument) -> tuple[Call, ...]:
    """A supply after an approval of exactly what it takes, or a withdrawal, which needs none."""
    account, pool, units = document.account, meant.market.pool, meant.units_in
    asset = document.tokens[meant.reserve.token].token.address
    if not meant.is_supply:
        order = aave_v3.Withdraw(asset, units, meant.beneficiary)
        return (Call(account, pool, 0, aave_v3.encode_withdraw(order)),)
    lent = aave_v3.Supply(asset, units, meant.beneficiary)
    approval = Call(account, asset, 0, encode_approve(pool, units))
    return approval, Call(account, pool, 0, aave_v3.encode_supply(lent))


def read_conversion(call: Call, market: Market, document: PolicyDocument) -> Conversion | None:
    """What a market is asked for; `None` where its token is not listed there, or nothing is asked. Raises `ValueError`
    on calldata that is neither a supply nor a withdrawal."""
    order = _order(call.data)
    reserve = next((r for r in market.reserves if document.tokens[r.token].token.address == order.asset), None)
    if reserve is None or order.units == 0:
        return None
    if isinstance(order, aave_v3.Supply):
        return Conversion(market, reserve, True, order.on_behalf_of, order.units)
    return Conversion(market, reserve, False, order.recipient, order.units)


def _order(data: bytes) -> aave_v3.Supply | aave_v3.Withdraw:
    try:
        return aave_v3.decode_supply(data)
    except ValueError:
        return aave_v3.decode_withdraw(data)


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
