"""The numbers of the example treasury, one frozen value: what the Safe holds, whom it pays, what weights it wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from strongroom.model import Address, Amount, TokenId
from strongroom.settings import Mandate, Payment, Weight
from strongroom.world.people import ALICE, BOB, CHIDI, DANA, EMRE

ETH, WETH, USDC, DAI, HALL = (TokenId(name) for name in ("ETH", "WETH", "USDC", "DAI", "HALL"))

DECIMALS: Mapping[TokenId, int] = MappingProxyType({ETH: 18, WETH: 18, USDC: 6, DAI: 18, HALL: 18})

PRICES_E8: Mapping[TokenId, tuple[int, int]] = MappingProxyType(
    {
        WETH: (3_000_00000000, 3_000_60000000),
        USDC: (1_00000000, 99_990000),
        DAI: (99_980000, 1_00000000),
        HALL: (80000000, 80040000),
    }
)
"""USD, scaled by 1e8, of each priced token's two sources: a few basis points apart, as real ones are."""

_RUNWAY_MONTHS = 14


@dataclass(frozen=True, slots=True)
class Payee:
    """A member paid by the month."""

    id: str
    address: Address
    monthly: Amount


@dataclass(frozen=True, slots=True)
class TreasuryExample:
    """A DAO of five paid members. `holdings` are what the Safe starts with; `weights` are shares of the weighted tokens
    together: neither the DAO's own token nor the ether kept for gas is traded."""

    name: str
    payees: tuple[Payee, ...]
    holdings: Mapping[TokenId, int]
    weights: Mapping[TokenId, Weight]
    runway_months: int

    @property
    def mandate(self) -> Mandate:
        """The same as the document says it: each payee monthly, and the runway never to fall below."""
        payroll = tuple(Payment(payee.id, payee.monthly) for payee in self.payees)
        return Mandate(payroll, self.runway_months, self.weights)


def units(token: TokenId, whole: int) -> int:
    """Whole tokens in the token's smallest unit."""
    scale: int = 10 ** DECIMALS[token]
    return whole * scale


def units_worth(usd: int, token: TokenId) -> int:
    """Units that are worth so many whole USD by the token's first source, rounded down."""
    return units(token, usd) * 10**8 // PRICES_E8[token][0]


_PAYEES = (
    Payee(ALICE.name, ALICE.address, Amount(USDC, units(USDC, 11_000))),
    Payee(BOB.name, BOB.address, Amount(USDC, units(USDC, 9_500))),
    Payee(CHIDI.name, CHIDI.address, Amount(USDC, units(USDC, 8_000))),
    Payee(DANA.name, DANA.address, Amount(DAI, units(DAI, 7_000))),
    Payee(EMRE.name, EMRE.address, Amount(DAI, units(DAI, 6_000))),
)


def _monthly(token: TokenId) -> int:
    return sum(payee.monthly.units for payee in _PAYEES if payee.monthly.token == token)


TREASURY = TreasuryExample(
    name="Hall DAO",
    payees=_PAYEES,
    holdings=MappingProxyType(
        {
            HALL: units(HALL, 4_000_000),
            ETH: units(ETH, 120),
            WETH: units(WETH, 290),
            # 28,500 USDC and 13,000 DAI a month.
            USDC: _RUNWAY_MONTHS * _monthly(USDC),
            DAI: _RUNWAY_MONTHS * _monthly(DAI),
        }
    ),
    weights=MappingProxyType({WETH: Weight(6_000, 300), USDC: Weight(2_750, 250), DAI: Weight(1_250, 150)}),
    runway_months=6,
)
"""About 3.2m USD of its own token, 1.2m of ether and 581,000 of stables: 14 months of a payroll of 28,500 USDC and
13,000 DAI. Weights hold at the start, within 10 basis points; the mandate keeps at least 6 months."""
