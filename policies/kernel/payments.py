"""Payments and standing orders, on chain."""

from __future__ import annotations

from dataclasses import replace

from policies.kernel.buckets import charge
from policies.kernel.rules import Order, Pay, leaf_of
from policies.kernel.values import Answer, Outcome, State, refuse, refuse_unlisted
from strongroom.model import NATIVE, Address


def pay(state: State, rule: Pay, units: int, outcome: Outcome, now: int) -> State:
    """The state after a payment within the rule's maximum and its bucket."""
    if not units:
        refuse("AmountIsZero")
    if units > rule.max_units:
        refuse("AboveRuleMaximum", units, rule.max_units)
    refuse_unlisted(state, leaf_of(rule), rule.recipient, rule.token)
    charged = charge(state, (rule.token, rule.bucket_class), units, now)
    return _transferred(charged, rule.token, rule.recipient, units, outcome)


def pay_order(state: State, rule: Order, units: int, outcome: Outcome, now: int) -> State:
    """The state after a standing order was paid: outside the buckets, once in its cooldown."""
    leaf = leaf_of(rule)
    if not rule.units or not rule.cooldown_seconds:
        refuse("BadRule", leaf)
    if units != rule.units:
        refuse("NotTheOrderedAmount", units, rule.units)
    if now < rule.not_before or (rule.not_after and now > rule.not_after):
        refuse("OrderNotInForce", rule.not_before, rule.not_after)
    paid_at = state.last_paid.get(leaf, 0)
    if paid_at and now < paid_at + rule.cooldown_seconds:
        refuse("OrderNotDue", paid_at, paid_at + rule.cooldown_seconds)
    refuse_unlisted(state, leaf, rule.recipient, rule.token)
    noted = replace(state, last_paid={**state.last_paid, leaf: now})
    return _transferred(noted, rule.token, rule.recipient, units, outcome)


def _transferred(state: State, token: Address, recipient: Address, units: int, outcome: Outcome) -> State:
    if outcome.call is Answer.FAILED:
        refuse("CallFailed", recipient if token == NATIVE else token)
    if outcome.call is Answer.NO:
        refuse("TransferRefused", token)
    if outcome.spent_units > units:
        refuse("SpentTooMuch", token, outcome.spent_units, units)
    return replace(state, paid={**state.paid, token: state.paid.get(token, 0) + outcome.spent_units})
