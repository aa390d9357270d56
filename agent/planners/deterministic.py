"""The planner that is always there: plain rules of the mandate, no model and no key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from policies.pricing import price_of
from policies.terms import PolicyDocument
from strongroom.mandate import Trade, payroll_due, trades_wanted
from strongroom.model import Facts, Intent, Label, Labelled, Pay, Plan, Swap, Unit
from strongroom.settings import Mandate, Payment
from strongroom.valuation import Price


class DeterministicPlanner:
    """`Planner` for the mandate's own operations."""

    def __init__(self, mandate: Mandate, document: PolicyDocument) -> None:
        self._mandate, self._document = mandate, document

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """`ask`: `operation`, `actor`, `period` (such as `2026-11`), `since`, its first second, `open`, ids of units
        under way, and `others`, our transactions that carried out other periods. Rebalancing happens at most once a
        pair and day, by the chain's time (UTC)."""
        if ask["operation"] == "payroll":
            return self._payroll(ask, facts)
        if ask["operation"] == "rebalance":
            return self._rebalance(ask, facts)
        return _plan(f"{ask['operation']}-{facts.block.number}", ask, "nothing to do")

    def _payroll(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        addresses = {payee.id: payee.address for payee in self._document.payees.values()}
        # November paid on 1 December is not December's.
        outflows = [outflow for outflow in facts.outflows if outflow.tx_hash not in ask["others"]]
        due = payroll_due(self._mandate, addresses, outflows, ask["since"])
        plan_id = f"payroll-{ask['period']}"
        intents = tuple(_pay(plan_id, payment) for payment in due)
        units = (Unit(plan_id, facts.account, intents),) if intents else ()
        already = len(self._mandate.payroll) - len(due)
        return _plan(plan_id, ask, f"{len(due)} payments of {ask['period']} are due, {already} are made", *units)

    def _rebalance(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """One unit for each trade; none while an earlier rebalancing is under way: it may still change everything."""
        plan_id = f"rebalance-{datetime.fromtimestamp(facts.block.timestamp, UTC):%Y-%m-%d}"
        under_way = [unit for unit in ask["open"] if unit.startswith("rebalance-")]
        if under_way:
            return _plan(plan_id, ask, f"`{under_way[0]}` is still under way")
        found = {token: price_of(token, facts, self._document) for token in self._mandate.weights}
        prices = {token: price for token, price in found.items() if isinstance(price, Price)}
        missing = [token for token in found if token not in prices or token not in facts.balances]
        if missing:
            return _plan(plan_id, ask, f"no usable price or balance of {', '.join(missing)}; nothing is traded")
        decimals = {token: self._document.tokens[token].token.decimals for token in prices}
        pairs = {frozenset(pool.tokens) for pool in self._document.pools()}
        trades = trades_wanted(self._mandate, facts.balances, decimals, prices, pairs)
        units = tuple(Unit(each.id, facts.account, (each,)) for each in (_swap(plan_id, trade) for trade in trades))
        said = f"{len(units)} trades bring the weights back" if units else "every weight is inside its band"
        return _plan(plan_id, ask, said, *units)


def _plan(plan_id: str, ask: Mapping[str, Any], rationale: str, *units: Unit) -> Plan:
    return Plan(plan_id, ask["actor"], units, rationale)


def _pay(plan_id: str, payment: Payment) -> Intent:
    return Pay(
        id=f"{plan_id}-{payment.payee}",
        token=Labelled(payment.amount.token, Label.MANDATE),
        payee=Labelled(payment.payee, Label.MANDATE),
        amount_units=Labelled(payment.amount.units, Label.MANDATE),
        reason=Labelled(f"payroll {plan_id.removeprefix('payroll-')}", Label.MANDATE),
    )


def _swap(plan_id: str, trade: Trade) -> Swap:
    return Swap(
        id=f"{plan_id}-{trade.token_in}-{trade.token_out}",
        token_in=Labelled(trade.token_in, Label.MANDATE),
        token_out=Labelled(trade.token_out, Label.MANDATE),
        amount_in_units=Labelled(trade.units_in, Label.MANDATE),
        reason=Labelled("back to the mandate's weights", Label.MANDATE),
    )
