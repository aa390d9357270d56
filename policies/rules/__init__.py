"""The rules, one file each. A rule is a pure function from a case to findings, at least one; the engine runs them
all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policies.case import Rule
from policies.rules import (
    account,
    action,
    agreement,
    approvals,
    averages,
    calls,
    caps,
    concentration,
    conflicts,
    depth,
    drawdown,
    envelope,
    freezes,
    gas,
    grants,
    hours,
    impact,
    intents,
    leftovers,
    lending,
    lookalikes,
    losses,
    newcomers,
    outflow,
    pace,
    payees,
    payments,
    prices,
    provenance,
    rehearsed,
    reserves,
    runway,
    safe_state,
    sanctions,
    slippage,
    stables,
    tokens,
    venues,
    volatility,
    watch,
)

_ORDER = (
    account, action, rehearsed, calls, intents, provenance, agreement,
    tokens, payees, lookalikes, conflicts, sanctions, payments, venues, lending,
    envelope, leftovers, safe_state,
    grants, caps, outflow, approvals, reserves, concentration, stables, runway, prices, losses, drawdown, watch, gas,
    slippage, impact, depth, averages, volatility,
    hours, freezes, pace, newcomers,
)  # fmt: skip

RULES: Mapping[str, Rule] = MappingProxyType({module.RULE: module.judge for module in _ORDER})
"""Every rule by its name, in the order in which findings are shown."""
