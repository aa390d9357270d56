"""What the lending job wants of a treasury that owes something: nothing there, and it says why."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.planners.deterministic import DeterministicPlanner
from policies.scenario import Scenario, facts_of
from strongroom.addresses import keccak, to_address
from strongroom.model import Facts, Idle, Plan
from tests.planners.study import DOCUMENT, MANDATE, USDC, ask, units

IDLE = Idle(units(USDC, 20_000), "aave", units(USDC, 1_000))
PLANNER = DeterministicPlanner(replace(MANDATE, idle={USDC: IDLE}), DOCUMENT)
AMOUNTS = st.integers(0, units(USDC, 60_000))


def facts(held: int, lent: int, owes: bool) -> Facts:
    balances = {**dict.fromkeys(DOCUMENT.tokens, 0), USDC: held}
    return facts_of(Scenario((), balances, {}, supplied={USDC: lent}, owes=owes), DOCUMENT)


def planned(seen: Facts) -> Plan:
    return PLANNER.plan(ask("lend"), seen)


@given(AMOUNTS, AMOUNTS)
def test_nothing_is_lent_or_taken_back_where_something_is_owed(held: int, lent: int) -> None:
    """The rule would deny it, every day anew."""
    plan = planned(facts(held, lent, owes=True))
    assert plan.units == ()
    assert plan.rationale == "the Safe owes something at aave: nothing is lent or taken back there"


def test_a_debt_counts_at_its_own_market_however_small_it_is() -> None:
    seen = facts(units(USDC, 60_000), 0, owes=False)
    assert planned(seen).units
    elsewhere = replace(seen.lending[0], pool=to_address(keccak(b"another market")[12:]), borrows=True)
    assert planned(replace(seen, lending=(*seen.lending, elsewhere))).units
    assert not planned(replace(seen, lending=(replace(seen.lending[0], debt_e8=1),))).units
    assert not planned(replace(seen, lending=(replace(seen.lending[0], borrows=True),))).units
