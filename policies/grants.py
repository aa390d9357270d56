"""What the Kernel enforces of a policy: rules as leaves, their root, the buckets, and the grants that cover calls.

Deterministic and local: equal documents compile to equal roots everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.agreement import agreement_off_chain
from policies.conflicts import conflicts_off_chain
from policies.dues import why_not_due
from policies.effects import swap_order
from policies.exit_buckets import exit_buckets, share_buckets
from policies.kernel.buckets import room_at
from policies.kernel_rules import LARGEST_UNITS, AnyRule, order_rule, rules_of
from policies.markets import EXITS
from policies.metering import orders_left
from policies.orders import Order
from policies.remembering import kept
from policies.sanctions import sanctions_off_chain
from policies.swap_losses import unalarming_e8, worst_losses_e8
from policies.terms import Cap, PolicyDocument
from policies.tiers import tiers_off_chain
from policies.timing import timing_off_chain
from policies.trading import not_on_chain
from policies.tree import proof, root
from policies.usd import usd_down, usd_up
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, Call, Digest, Facts, KernelState
from strongroom.protocols.erc20 import decode_approve, decode_transfer, encode_approve
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, LOSSES, BucketSetting, bucket_key, class_number
from strongroom.protocols.kernel_acts import ActRule, ExitRule, GrantedAct
from strongroom.protocols.kernel_legs import AnyLeg, GrantedSwap, Payment, PayRule, SwapRule
from strongroom.protocols.kernel_orders import OrderPayment
from strongroom.protocols.uniswap_v2 import PairSwap
from strongroom.protocols.uniswap_v3 import ExactInput
from strongroom.valuation import Problem

_LONGEST_DRAIN = 2**32 - 1
_NO_DEADLINE = 2**256 - 1
"""An act is as good later as now; what the agent sends is mined at once, or outbid."""


@dataclass(frozen=True, slots=True)
class KernelPolicy:
    """A policy as the Kernel knows it. `names` says for each leaf what the document calls the rule."""

    rules: Mapping[Digest, AnyRule]
    names: Mapping[Digest, str]
    root: Digest
    buckets: tuple[BucketSetting, ...]


@kept
def compile_policy(document: PolicyDocument) -> KernelPolicy:
    """The Kernel's part of a policy. What it cannot enforce is in `off_chain_only`. Raises `BadValue` when two classes
    would share a bucket."""
    _classes_differ(document)
    named = tuple(rules_of(document))
    rules = {rule.leaf: rule for _, rule in named}
    return KernelPolicy(rules, {rule.leaf: name for name, rule in named}, root(rules), _buckets(document))


def _classes_differ(document: PolicyDocument) -> None:
    numbers: dict[int, str] = {}
    for name in (*document.caps, EXITS):
        if (other := numbers.setdefault(class_number(name), name)) != name:
            raise BadValue(name, "the name of a class", f"its number is that of `{other}`; rename one of them")


def _buckets(document: PolicyDocument) -> tuple[BucketSetting, ...]:
    """One bucket for each cap, the one that counts the agent's calls, the one for what swaps lose, one for each
    vault's shares, and those of guardians' exits."""
    limit, losses = document.actions, document.losses
    calls = BucketSetting(ACTIONS, 0, limit.at_once * ACTION_UNITS, limit.drain_seconds)
    lost = (BucketSetting(LOSSES, 0, losses.at_once_e8, losses.drain_seconds),) if losses else ()
    capped = (_bucket(cap, document) for cap in document.metered_caps())
    return (calls, *lost, *capped, *share_buckets(document), *exit_buckets(document))


def _bucket(cap: Cap, document: PolicyDocument) -> BucketSetting:
    """`at_once` as capacity, and the rest of `cap` as the rate over the window: capacity + rate * window <= cap.
    The drain time is rounded up, so the rate is never above what the document says."""
    token, number = document.token(cap.token), class_number(cap.bucket_class)
    assert token is not None
    if cap.drain_seconds > _LONGEST_DRAIN or cap.at_once_units > LARGEST_UNITS:
        mend = "the Kernel counts up to 136 years and 2^96 units; write a shorter window or a smaller cap"
        raise BadValue(cap.at_once_units, f"[caps.{cap.bucket_class}.{cap.token}]", mend)
    return BucketSetting(token.address, number, cap.at_once_units, cap.drain_seconds)


def off_chain_only(document: PolicyDocument) -> tuple[str, ...]:
    """What the policy says and the Kernel does not enforce: true while our engine runs, not with the key stolen."""
    tiers = sum(len(cap.tiers) for cap in document.all_caps())
    kept = [listed.token.id for listed in document.tokens.values() if listed.keep_units]
    return (
        "gas budget and price of gas",
        "labels: who named payee, token and amount",
        f"{tiers} approval tiers by what one recipient gets",
        *(f"`keep` of {token}" for token in kept),
        *(["what leaves in USD over all tokens together"] if document.outflow else []),
        *(["shares of the treasury's value ([holdings])"] if document.holdings else []),
        *(f"`health_least` of `{id_}`" for id_, market in document.markets.items() if market.health_least_e18),
        *(["the runway"] if document.runway else []),
        *(["more than two price sources"] if document.bounds.min_sources > 2 else []),
        *tiers_off_chain(document),
        *conflicts_off_chain(document),
        *agreement_off_chain(document),
        *sanctions_off_chain(document),
        *not_on_chain(document),
        *(f"no debt at `{id_}` while it is lent to" for id_, market in document.markets.items() if not market.debts),
        *timing_off_chain(document),
    )


def granted_legs(
    calls: Sequence[Call], document: PolicyDocument, facts: Facts | None = None
) -> tuple[AnyLeg, ...] | None:
    """Every call as a granted leg of the Kernel, its rule and proof, in order, or `None` when one of them has no grant:
    above a rule's maximum there is none. An approval has none of its own: right before the swap or supply that takes
    exactly as much, it is part of that leg. A payment is a standing order's where one is due by the facts and nothing
    that waits is that very payment; without facts none is."""
    compiled, legs, rest = compile_policy(document), list[AnyLeg](), list(calls)
    orders = list(orders_left(facts, document)) if facts else []
    while rest:
        order = _ordered(rest[0], orders, document, compiled)
        leg = order or _payment(rest[0], compiled) or _act(rest[0], None, compiled)
        taken = 1 if leg else 2
        found = leg or (_with_approval(rest[0], rest[1], document, compiled) if len(rest) > 1 else None)
        if found is None:
            return None
        legs.append(found)
        rest = rest[taken:]
    return tuple(legs)


def shortage(legs: Sequence[AnyLeg], facts: Facts, document: PolicyDocument) -> str:
    """Why the observed Kernel would refuse the legs at the facts' block, or pause its agent after them, in words; empty
    when it would do neither. Every bucket must have room, a bucket that the facts do not hold is closed; and what the
    swaps may lose at worst must leave the loss bucket at three quarters: over them the Kernel pauses."""
    if facts.kernel is None:
        return "no Kernel was observed"
    return (
        _orders_short(legs, facts, document)
        or _units_short(legs, facts.kernel, facts.block.timestamp)
        or _losses_short(legs, facts.kernel, facts, document)
    )


def _orders_short(legs: Sequence[AnyLeg], facts: Facts, document: PolicyDocument) -> str:
    """Once for each order that is due, and none that waits to be paid by the owners."""
    free = [order_rule(each, document) for each in orders_left(facts, document)]
    for leg in legs:
        if not isinstance(leg, OrderPayment):
            continue
        if leg.rule not in free:
            return _why_not_free(leg, facts, document)
        free.remove(leg.rule)
    return ""


def _why_not_free(leg: OrderPayment, facts: Facts, document: PolicyDocument) -> str:
    named = next((each for each in document.orders.values() if order_rule(each, document) == leg.rule), None)
    if named is None:
        return "a standing order is none of the policy's"
    twice = f"standing order `{named.id}` is paid twice at once, here or by what waits in the queue"
    return why_not_due(named, facts, document) or twice


def _units_short(legs: Sequence[AnyLeg], kernel: KernelState, at: int) -> str:
    needed: Counter[tuple[Address, int]] = Counter({(ACTIONS, 0): ACTION_UNITS})
    for leg in legs:
        if isinstance(leg, OrderPayment):
            continue
        token = leg.rule.token if isinstance(leg, Payment) else leg.rule.token_in
        needed[token, leg.rule.bucket_class] += leg.units + _dust_units(leg)
    for (token, number), units in needed.items():
        bucket = kernel.buckets.get(bucket_key(token, number))
        room = room_at(bucket, at) if bucket else 0
        if units > room:
            return f"the Kernel's bucket of `{token}` has room for {room} units, {units} are needed"
    return ""


def _dust_units(leg: AnyLeg) -> int:
    """What may go beside the amount, which the Kernel charges with it."""
    return leg.rule.dust_units if isinstance(leg, GrantedAct) else 0


def _losses_short(legs: Sequence[AnyLeg], kernel: KernelState, facts: Facts, document: PolicyDocument) -> str:
    lost_e8 = worst_losses_e8((leg.swap for leg in legs if isinstance(leg, GrantedSwap)), facts, document)
    if isinstance(lost_e8, Problem):
        return f"what a swap may lose is not known without a price: {lost_e8.reason}"
    bucket = kernel.buckets.get(bucket_key(LOSSES, 0))
    room_e8 = unalarming_e8(bucket, facts.block.timestamp) if bucket else 0
    if lost_e8 <= room_e8:
        return ""
    most, left = usd_up(lost_e8), usd_down(room_e8)
    return f"the swaps may lose {most} at the worse of both prices, more than {left} makes the Kernel pause its agent"


def _ordered(call: Call, orders: list[Order], document: PolicyDocument, compiled: KernelPolicy) -> OrderPayment | None:
    """The call as the payment of one of the orders, which is then taken out of them."""
    asked = _transfer(call)
    for order in orders if asked else ():
        rule = order_rule(order, document)
        if (rule.token, rule.recipient, rule.units) == asked:
            orders.remove(order)
            return OrderPayment(rule, proof(compiled.rules, rule.leaf))
    return None


def _payment(call: Call, compiled: KernelPolicy) -> Payment | None:
    asked = _transfer(call)
    if asked is None:
        return None
    token, recipient, units = asked
    for leaf, rule in compiled.rules.items():
        if isinstance(rule, PayRule) and (rule.token, rule.recipient) == (token, recipient):
            return Payment(rule, units, proof(compiled.rules, leaf)) if 0 < units <= rule.max_units else None
    return None


def _with_approval(
    approval: Call, call: Call, document: PolicyDocument, compiled: KernelPolicy
) -> GrantedSwap | GrantedAct | None:
    return _swap(approval, call, document, compiled) or _act(call, approval, compiled)


def _swap(approval: Call, call: Call, document: PolicyDocument, compiled: KernelPolicy) -> GrantedSwap | None:
    venue = next((venue for venue in document.venues.values() if venue.router == call.to), None)
    if venue is None:
        return None
    try:
        approved, swap = decode_approve(approval.data), swap_order(call.data, venue)
    except ValueError:
        return None
    for leaf, rule in compiled.rules.items():
        if isinstance(rule, SwapRule) and _fits(rule, swap, call) and approval.to == rule.token_in:
            exact = approved == (rule.router, swap.amount_in_units) and not approval.value_wei
            return GrantedSwap(rule, swap, proof(compiled.rules, leaf)) if exact else None
    return None


def _fits(rule: SwapRule, swap: ExactInput | PairSwap, call: Call) -> bool:
    named = (swap.token_in, swap.token_out, swap.recipient, *_pool_of(swap))
    own = (rule.token_in, rule.token_out, rule.recipient, rule.fee_pips, 0)
    within = 0 < swap.amount_in_units <= rule.max_units and swap.min_out_units > 0
    return named == own and within and call.to == rule.router and not call.value_wei


def _pool_of(swap: ExactInput | PairSwap) -> tuple[int | None, int]:
    """Fee and price limit; a pair has neither."""
    return (None, 0) if isinstance(swap, PairSwap) else (swap.fee_pips, swap.price_limit_x96)


def _act(call: Call, approval: Call | None, compiled: KernelPolicy) -> GrantedAct | None:
    """The call as an act, after exactly the approval that its rule makes; guardians' exits are no grant."""
    for leaf, rule in compiled.rules.items():
        if not isinstance(rule, ActRule) or isinstance(rule, ExitRule) or call.to != rule.target:
            continue
        units = _asked(rule, call)
        if 0 < units <= rule.max_units and rule.template.fits(call.data, (units, 0, _NO_DEADLINE)):
            granted = GrantedAct(rule, units, 0, _NO_DEADLINE, call.data, proof(compiled.rules, leaf))
            return granted if _is_approved(rule, units, approval) else None
    return None


def _asked(rule: ActRule, call: Call) -> int:
    """What goes in: the coin that is sent along, or the amount in the calldata; zero where both are there."""
    if rule.token_in == NATIVE:
        return call.value_wei
    at = rule.template.amount_word
    return 0 if call.value_wei else int.from_bytes(call.data[at : at + 32], "big")


def _is_approved(rule: ActRule, units: int, approval: Call | None) -> bool:
    if approval is None or rule.spender == NATIVE:
        return approval is None and rule.spender == NATIVE
    exact = (approval.to, approval.value_wei, approval.data)
    return exact == (rule.token_in, 0, encode_approve(rule.spender, units))


def _transfer(call: Call) -> tuple[Address, Address, int] | None:
    """Token, recipient and units of a plain payment; `None` for any other call."""
    if not call.data:
        return NATIVE, call.to, call.value_wei
    try:
        recipient, units = decode_transfer(call.data)
    except ValueError:
        return None
    return None if call.value_wei else (call.to, recipient, units)
