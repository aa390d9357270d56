"""A rebalancing in a storm sells what the engine allows with nobody asked, and the rest on another day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.planners.deterministic import DeterministicPlanner
from agent.planners.storms import sized
from policies.engine import decide
from policies.market_scene import MarketScene
from policies.scenario import Scenario, stage
from policies.terms import SWAPS
from strongroom.mandate import Trade
from strongroom.model import Amount, Facts, Plan, Swap, TokenId, Unit, Verdict
from tests.planners.study import DOCUMENT, E8, MANDATE, USDC, WETH, ask, facts, units

PLANNER = DeterministicPlanner(MANDATE, DOCUMENT)
PRICES = {USDC: E8, TokenId("DAI"): E8, WETH: 3_000 * E8}


def storm(swing_bps: int) -> Facts:
    """Ether is far too heavy, and its price swung so far."""
    seen = facts()
    scenario = Scenario((), seen.balances, PRICES, market=MarketScene(swing_bps=swing_bps))
    return replace(seen, past_rounds=stage_facts(scenario).past_rounds)


def stage_facts(scenario: Scenario) -> Facts:
    return stage(scenario, DOCUMENT).facts


def judged(unit: Unit, seen: Facts, swing_bps: int) -> Verdict:
    market = MarketScene(swing_bps=swing_bps)
    scenario = Scenario(unit.intents, seen.balances, PRICES, arrives_bps=9_970, market=market)
    staged = stage(scenario, DOCUMENT)
    found = decide(staged.compiled, staged.action, staged.rehearsal, staged.facts, DOCUMENT)
    return found.verdict


def selling_ether(plan: Plan) -> Unit:
    (unit,) = (u for u in plan.units for i in u.intents if isinstance(i, Swap) and i.token_in.value == WETH)
    return unit


@pytest.mark.parametrize("swing_bps", [350, 600, 1_234, 5_000])
def test_a_plan_in_a_storm_is_allowed_and_one_unit_more_is_not(swing_bps: int) -> None:
    seen = storm(swing_bps)
    unit = selling_ether(PLANNER.plan(ask("rebalance"), seen))
    assert judged(unit, seen, swing_bps) is Verdict.ALLOW
    (swap,) = unit.intents
    assert isinstance(swap, Swap)
    more = replace(swap, amount_in_units=replace(swap.amount_in_units, value=swap.amount_in_units.value + 1))
    assert judged(replace(unit, intents=(more,)), seen, swing_bps) is Verdict.ASK


def test_in_calm_all_that_is_wanted_is_planned_and_guardians_are_asked() -> None:
    cap = DOCUMENT.cap(SWAPS, WETH)
    (swap,) = selling_ether(PLANNER.plan(ask("rebalance"), storm(0))).intents
    assert isinstance(swap, Swap) and cap and swap.amount_in_units.value > cap.at_once_units


def test_two_sales_of_one_token_share_what_is_left() -> None:
    seen = storm(600)
    one, other = sized([Trade(WETH, USDC, units(WETH, 6)), Trade(WETH, USDC, units(WETH, 400))], seen, DOCUMENT)
    (whole,) = sized([Trade(WETH, USDC, units(WETH, 400))], seen, DOCUMENT)
    assert one.units_in + other.units_in == whole.units_in
    assert sized([whole, Trade(WETH, USDC, 1)], seen, DOCUMENT) == (whole,)


def test_a_plan_that_may_sell_nothing_alone_says_so() -> None:
    """The queue has sold all that may go."""
    seen = storm(600)
    cap = DOCUMENT.cap(SWAPS, WETH)
    assert cap is not None
    pool = DOCUMENT.venues["uniswap"].pools[0].address
    queued = stage_facts(Scenario((), seen.balances, PRICES, waiting=((pool, Amount(WETH, cap.at_once_units)),))).queue
    plan = PLANNER.plan(ask("rebalance"), replace(seen, queue=queued))
    assert not [i for u in plan.units for i in u.intents if isinstance(i, Swap) and i.token_in.value == WETH]
