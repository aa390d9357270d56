"""A DAO under a shipped policy whose payroll is due and whose weights have drifted, and a planner on the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from agent.planners.deterministic import DeterministicPlanner
from agent.planners.model import ModelPlanner
from policies.cases import sample
from policies.document import load
from policies.scenario import NOW, Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.clock import SetClock
from strongroom.ledger.entries import Entry
from strongroom.ledger.memory_ledger import MemoryLedger
from strongroom.ledger.recorder import Recorder
from strongroom.model import Amount, Facts, Plan, TokenId
from strongroom.notices import MemoryNotices
from strongroom.ports import Model
from strongroom.settings import Mandate, Payment, Weight

USDC, DAI, WETH = TokenId("USDC"), TokenId("DAI"), TokenId("WETH")
E8 = 10**8
DOCUMENT: PolicyDocument = load(sample("active_treasury")[0])


def units(token: TokenId, whole: int) -> int:
    return whole * 10 ** DOCUMENT.tokens[token].token.decimals


def _payment(payee: str, whole: int, token: TokenId) -> Payment:
    return Payment(payee, Amount(token, units(token, whole)))


MANDATE = Mandate(
    (
        _payment("alice", 11_000, USDC),
        _payment("bob", 9_500, USDC),
        _payment("chidi", 8_000, USDC),
        _payment("dana", 7_000, DAI),
        _payment("emre", 6_000, USDC),
    ),
    6,
    {WETH: Weight(6_000, 300), USDC: Weight(2_750, 250), DAI: Weight(1_250, 150)},
)
RULES = DeterministicPlanner(MANDATE, DOCUMENT)


def ask(operation: str) -> dict[str, Any]:
    return {
        "operation": operation,
        "actor": f"job:{operation}",
        "period": "2030-03",
        "since": NOW - 86_400,
        "open": [],
        "others": [],
    }


def facts(
    weth: int = 500,
    usdc: int = 400_000,
    dai: int = 30_000,
    origins: tuple[str, ...] = (),
    weth_e8: int = 3_000 * E8,
    usdc_units: int = 0,
) -> Facts:
    """At these holdings ether is too heavy, USDC too light and DAI lighter still: most of the USDC that ether is sold
    for must go on to DAI, which no ether pool trades. `usdc_units`, where given, goes before whole `usdc`."""
    held = dict.fromkeys(DOCUMENT.tokens, 0)
    balances = {**held, WETH: units(WETH, weth), USDC: usdc_units or units(USDC, usdc), DAI: units(DAI, dai)}
    prices = {USDC: E8, DAI: E8, WETH: weth_e8}
    payee = next(iter(DOCUMENT.payees.values()))
    waiting = tuple((payee.address, Amount(USDC, 1)) for _ in origins)
    made = facts_of(Scenario((), balances, prices, waiting=waiting), DOCUMENT)
    return replace(made, queue=tuple(replace(q, origin=o) for q, o in zip(made.queue, origins, strict=True)))


@dataclass(frozen=True)
class Study:
    """A planner, its ledger, and what people were told."""

    planner: ModelPlanner
    ledger: Recorder
    notices: MemoryNotices

    def plan(self, operation: str, seen: Facts, cause: int | None = None) -> Plan:
        return self.planner.plan({**ask(operation), "asked": cause}, seen)

    def entries(self) -> list[Entry]:
        """All but the ledger's own."""
        return [entry for entry in self.ledger.entries() if entry.type not in ("run.open", "run.close")]


def memory_ledger() -> MemoryLedger:
    return MemoryLedger(DOCUMENT.account, SetClock(NOW), {"mode": "shadow"})


def study(model: Model, ledger: Recorder | None = None) -> Study:
    kept, notices = ledger or memory_ledger(), MemoryNotices()
    return Study(ModelPlanner(model, RULES, kept, notices, MANDATE, DOCUMENT), kept, notices)
