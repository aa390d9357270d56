"""What the mandate asks for, given facts. Pure; the planner and the treasury simulations both use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from strongroom.model import Address, Idle, Outflow, TokenId
from strongroom.settings import Mandate, Payment, Weight
from strongroom.valuation import BPS, Price


def payroll_due(
    mandate: Mandate, addresses: Mapping[str, Address], outflows: Iterable[Outflow], since: int
) -> tuple[Payment, ...]:
    """The month's payments that the chain does not show as made since `since` (Unix seconds). One transfer of exactly
    the amount to the payee counts, whoever sent it: paying late is mendable, paying twice is not."""
    made = {(o.recipient, o.token, o.units) for o in outflows if o.timestamp >= since}
    return tuple(p for p in mandate.payroll if (addresses.get(p.payee), p.amount.token, p.amount.units) not in made)


def monthly_need(mandate: Mandate) -> dict[TokenId, int]:
    """Units of each token that one month's payroll takes."""
    need: dict[TokenId, int] = {}
    for payment in mandate.payroll:
        need[payment.amount.token] = need.get(payment.amount.token, 0) + payment.amount.units
    return need


def runway_months(mandate: Mandate, balances: Mapping[TokenId, int]) -> int:
    """Whole months of payroll that the payroll's own tokens cover, the scarcest deciding; rounded down. What is lent is
    part of `balances`, as its token. Nothing to pay is an error of the caller: raises `ValueError`."""
    need = monthly_need(mandate)
    if not need:
        raise ValueError("no payroll, no runway")
    return min(balances.get(token, 0) // units for token, units in need.items())


def lending_wanted(idle: Idle, liquid_units: int, lent_units: int) -> int:
    """Units to lend (above zero) or to take back (below), so that `keep_units` stay in the Safe; zero while the
    difference is below a step. No more is taken back than is lent."""
    over = liquid_units - idle.keep_units
    if abs(over) < idle.step_units:
        return 0
    return max(over, -lent_units)


def withdrawals_needed(
    out_units: int, liquid_units: int, keep_units: int, lent: Mapping[str, int]
) -> tuple[tuple[str, int], ...]:
    """What to take back from each venue, in the order of `lent`, before `out_units` leave: as much as is missing, and
    what the policy wants to stay in the Safe where that is lent too. Nothing while the liquid units cover both what
    leaves, or while all that is lent does not cover what is missing: half of a payment pays nobody."""
    missing = out_units - liquid_units
    if missing <= 0 or sum(lent.values()) < missing:
        return ()
    wanted, taken = min(missing + keep_units, sum(lent.values())), []
    for venue, units in lent.items():
        taken.append((venue, min(units, wanted)))
        wanted -= min(units, wanted)
    return tuple((venue, units) for venue, units in taken if units)


@dataclass(frozen=True, slots=True)
class Trade:
    """Sell exactly `units_in` of one weighted token for another."""

    token_in: TokenId
    token_out: TokenId
    units_in: int


def trades_wanted(
    mandate: Mandate,
    balances: Mapping[TokenId, int],
    decimals: Mapping[TokenId, int],
    prices: Mapping[TokenId, Price],
    pairs: Collection[frozenset[TokenId]],
) -> tuple[Trade, ...]:
    """Trades that bring every weighted token back to its target, when one of them has left its band; none while all
    are inside. Largest surplus against largest shortfall first, over `pairs` that can be traded, or through a third
    weighted token where only its two pairs can; one trade a pair and direction. Values are in USD at the middle of
    each price range, units sold are rounded down. Raises `KeyError` without a balance, decimals or price."""
    values = {token: _value_e8(balances[token], decimals[token], prices[token]) for token in mandate.weights}
    total = sum(values.values())
    if not any(_outside(values[token], total, weight) for token, weight in mandate.weights.items()):
        return ()
    surplus = {token: values[token] - total * weight.target_bps // BPS for token, weight in mandate.weights.items()}
    moved: Counter[tuple[TokenId, TokenId]] = Counter()
    for over, under, value in _matched(surplus):
        for hop in _hops(over, under, tuple(mandate.weights), pairs):
            moved[hop] += value
    trades = [Trade(*hop, _units_down(value, decimals[hop[0]], prices[hop[0]])) for hop, value in moved.items()]
    return tuple(trade for trade in trades if trade.units_in)


def _hops(
    over: TokenId, under: TokenId, tokens: Sequence[TokenId], pairs: Collection[frozenset[TokenId]]
) -> tuple[tuple[TokenId, TokenId], ...]:
    """The direct trade, or the two through a third token; none where the pools allow neither."""
    if frozenset((over, under)) in pairs:
        return ((over, under),)
    for hub in tokens:
        if {frozenset((over, hub)), frozenset((hub, under))} <= set(pairs):
            return (over, hub), (hub, under)
    return ()


def _value_e8(units: int, decimals: int, price: Price) -> int:
    scale: int = 10**decimals
    return units * (price.low_e8 + price.high_e8) // (2 * scale)


def _outside(value: int, total: int, weight: Weight) -> bool:
    return abs(value * BPS - total * weight.target_bps) > total * weight.band_bps


def _units_down(value_e8: int, decimals: int, price: Price) -> int:
    scale: int = 10**decimals
    return value_e8 * 2 * scale // (price.low_e8 + price.high_e8)


def _matched(surplus: dict[TokenId, int]) -> Iterator[tuple[TokenId, TokenId, int]]:
    """Values to move from a surplus to a shortfall; each step settles one of the two for good."""
    while True:
        over, under = max(surplus, key=surplus.__getitem__), min(surplus, key=surplus.__getitem__)
        value = min(surplus[over], -surplus[under])
        if value <= 0:
            return
        yield over, under, value
        surplus = surplus | {over: surplus[over] - value, under: surplus[under] + value}
