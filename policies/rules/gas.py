"""Gas stays within its budget, its price within reason, and the agent can pay for what it sends itself."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, at_most
from strongroom.fees import needed_wei
from strongroom.model import Finding, KernelCall, Verdict
from strongroom.quantities import format_units

RULE = "gas"
_GWEI_DECIMALS, _ETHER_DECIMALS = 9, 18


def judge(case: Case) -> Iterator[Finding]:
    budget, used, fee = case.document.gas, case.rehearsal.gas_used, case.facts.gas.base_fee_wei
    if used > 0:
        yield at_most(RULE, used, budget.max_gas_units, Verdict.DENY, "gas used by the unit", "{:,}".format)
    else:
        # Nothing runs without gas: whatever was rehearsed, it was not this unit.
        yield Finding(RULE, Verdict.DENY, "gas used by the unit", f"{used:,}", f"{budget.max_gas_units:,}")
    reason = "the price of gas; wait until it falls"
    yield at_most(RULE, fee, budget.max_base_fee_wei, Verdict.DENY, reason, _gwei)
    if isinstance(case.action, KernelCall):
        cost, held = needed_wei(used, fee), case.facts.gas.agent_balance_wei
        yield at_most(RULE, cost, held, Verdict.DENY, "the agent's key must hold the gas it spends", _ether)


def _gwei(wei: int) -> str:
    return f"{format_units(wei, _GWEI_DECIMALS)} gwei"


def _ether(wei: int) -> str:
    return f"{format_units(wei, _ETHER_DECIMALS)} ETH"
