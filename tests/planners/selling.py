"""A DAO whose ether is too heavy, and a market at the feeds' own prices that fills what is planned, as time passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.planners.deterministic import DeterministicPlanner
from policies.scenario import NOW, Scenario, facts_of
from strongroom.model import Digest, Facts, Outflow, Plan, Swap, TokenId, Unit
from strongroom.pacing_settings import Pacing
from strongroom.settings import Mandate, Weight
from tests.planners.study import DAI, DOCUMENT, E8, USDC, WETH, units

HOUR = 3_600
HOURLY = (HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR, 6 * HOUR)
MANDATE = Mandate((), 6, {WETH: Weight(6_000, 300), USDC: Weight(4_000, 300)}, pacing=Pacing(risk_aversion=0))
POOL = next(pool.address for pool in DOCUMENT.pools() if set(pool.tokens) == {WETH, USDC})


@dataclass(frozen=True)
class Bought:
    """One fill: which unit, when, how much was sold."""

    unit: str
    at: int
    units: int


@dataclass
class Desk:
    """`spent` is what the runner would tell, `filled` what happened, `outflows` what the chain shows of it."""

    weth: int = units(WETH, 500)
    usdc: int = units(USDC, 400_000)
    weth_e8: int = 3_000 * E8
    mandate: Mandate = MANDATE
    now: int = NOW
    spent: dict[str, str] = field(default_factory=dict)
    filled: list[Bought] = field(default_factory=list)
    outflows: list[Outflow] = field(default_factory=list)

    def facts(self) -> Facts:
        held = {**dict.fromkeys(DOCUMENT.tokens, 0), WETH: self.weth, USDC: self.usdc}
        prices = {USDC: E8, DAI: E8, WETH: self.weth_e8}
        return facts_of(Scenario((), held, prices, past=tuple(self.outflows), now=self.now), DOCUMENT)

    def ask(self, runs_in: tuple[int, ...] = HOURLY) -> dict[str, Any]:
        basis = {"operation": "rebalance", "actor": "job:rebalance", "period": "2030-03", "since": NOW - 86_400}
        return {**basis, "open": [], "others": [], "spent": dict(self.spent), "runs_in": list(runs_in)}

    def plan(self, runs_in: tuple[int, ...] = HOURLY, change: Callable[[Facts], Facts] = lambda facts: facts) -> Plan:
        """By a planner that knows nothing of any plan before."""
        return DeterministicPlanner(self.mandate, DOCUMENT).plan(self.ask(runs_in), change(self.facts()))

    def cycle(self, runs_in: tuple[int, ...] = HOURLY) -> Plan:
        """The plan, carried out but for what is spent, as the runner does it."""
        plan = self.plan(runs_in)
        for unit in plan.units:
            if unit.id not in self.spent:
                self.fill(unit)
        return plan

    def fill(self, unit: Unit) -> None:
        (swap,) = (each for each in unit.intents if isinstance(each, Swap))
        sold = swap.amount_in_units.value
        tx_hash = Digest(f"0x{len(self.filled):064x}")
        self._exchange(swap.token_in.value, sold)
        self.outflows.append(Outflow(swap.token_in.value, POOL, sold, self.now, tx_hash))
        self.filled.append(Bought(unit.id, self.now, sold))
        self.spent[unit.id] = tx_hash

    def _exchange(self, token_in: TokenId, sold: int) -> None:
        price = self.weth_e8 * 10**6
        if token_in == WETH:
            self.weth, self.usdc = self.weth - sold, self.usdc + sold * price // (10**18 * E8)
        else:
            self.weth, self.usdc = self.weth + sold * 10**18 * E8 // price, self.usdc - sold


def sold(plan: Plan) -> Mapping[str, int]:
    """Units that each unit of the plan would sell."""
    swaps = ((unit.id, each) for unit in plan.units for each in unit.intents if isinstance(each, Swap))
    return {id_: swap.amount_in_units.value for id_, swap in swaps}


def paced(**changes: Any) -> Mandate:
    return replace(MANDATE, pacing=replace(MANDATE.pacing, **changes))
