"""Scenarios by name, as frozen data, and their course: what befalls a treasury on which day.

Each is set upon the same paths as the calm it is compared with, so that the difference is the scenario's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulations.treasury.book import Book
from simulations.treasury.conditions import Conditions, Course
from strongroom.errors import BadValue
from strongroom.model import TokenId

_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Scenario:
    """Begins on one day and lasts `days`. `volatile` multiplies the price of all that follows a series of returns, for
    good; `stable` that of the largest dollar token, and after `days` it is back where `recovers`. Meanwhile pools hold
    `depth` of what they did, gas costs `base_fee_wei`, feeds are `frozen`; `lent_lost` of every loan is gone."""

    name: str
    says: str
    days: int = 1
    volatile: float = 1.0
    stable: float = 1.0
    recovers: bool = False
    depth: float = 1.0
    base_fee_wei: int | None = None
    frozen: bool = False
    lent_lost: float = 0.0


SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario("crash", "volatile tokens lose 35 % in a day", volatile=0.65),
        Scenario("collapse", "volatile tokens lose 70 % in a day", volatile=0.30),
        Scenario("depeg", "the largest stable trades at 0.88 for five days", days=5, stable=0.88, recovers=True),
        Scenario("stable_lost", "the largest stable falls to 0.10 for good; payroll goes on in its units", stable=0.10),
        Scenario("drained", "volatile tokens lose 35 %, pools a tenth as deep for a month", 30, 0.65, depth=0.1),
        Scenario("gas_spike", "gas at 600 gwei for two weeks", days=14, base_fee_wei=600 * _GWEI),
        Scenario("frozen", "volatile tokens lose 35 % and no feed is fresh for two weeks", 14, 0.65, frozen=True),
        Scenario("insolvent", "half of all that is lent is gone", lent_lost=0.5),
    )
}


def find(name: str) -> Scenario:
    """Raises `BadValue` naming those there are."""
    if name not in SCENARIOS:
        raise BadValue(name, "a scenario", "name one of " + ", ".join(f"`{each}`" for each in SCENARIOS))
    return SCENARIOS[name]


def course(scenario: Scenario, book: Book, day: int) -> Course:
    """The days of a scenario that begins on `day` (0 is the first)."""
    during = dict.fromkeys(range(day, day + scenario.days), _during(scenario))
    during[day] = _first(scenario, book)
    if scenario.recovers and (stable := largest_stable(book)):
        during[day + scenario.days] = Conditions({stable: 1 / scenario.stable})
    return during


def _during(scenario: Scenario) -> Conditions:
    return Conditions(depth=scenario.depth, base_fee_wei=scenario.base_fee_wei, frozen=scenario.frozen)


def _first(scenario: Scenario, book: Book) -> Conditions:
    prices = {asset.token: scenario.volatile for asset in book.assets if asset.series is not None}
    if stable := largest_stable(book):
        prices[stable] = scenario.stable
    lost = {asset.token: scenario.lent_lost for asset in book.assets if asset.loans}
    return replace(_during(scenario), prices=prices, lent_lost=lost)


def largest_stable(book: Book) -> TokenId | None:
    """Of the tokens with a price that follows no series, the one of which most is held, in USD."""
    held = {asset.token: asset.value_usd for asset in book.assets if asset.price_e8 and asset.series is None}
    return max(held, key=held.__getitem__, default=None)
