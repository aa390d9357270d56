"""The agent's legs as the Kernel's evaluator has them, field by field."""

from __future__ import annotations

from policies.kernel import rules as onchain
from policies.kernel.calls import PayCall, Run
from policies.kernel.rules import leaf_of
from strongroom.addresses import to_digest
from strongroom.protocols.kernel_acts import ActRule, GrantedAct, Template
from strongroom.protocols.kernel_legs import AnyLeg, GrantedSwap, KernelRule, PayRule, SwapRule
from strongroom.protocols.kernel_orders import OrderRule
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import encode_exact_input


def call_of(legs: tuple[AnyLeg, ...]) -> PayCall | Run:
    """A single payment as `pay`, anything else as one `run`."""
    translated = tuple(map(_leg, legs))
    (first, *more) = translated
    if not more and isinstance(first.rule, onchain.Pay):
        return PayCall(first.rule, first.units, first.proof)
    return Run(translated)


def _leg(leg: AnyLeg) -> onchain.Leg:
    rule = _rule(leg.rule)
    assert leaf_of(rule) == leg.rule.leaf
    if isinstance(leg, GrantedSwap):
        swap = leg.swap
        data = encode_swap(swap) if isinstance(swap, PairSwap) else encode_exact_input(swap)
        return onchain.Leg(rule, leg.proof, leg.units, swap.min_out_units, swap.deadline, data)
    if isinstance(leg, GrantedAct):
        return onchain.Leg(rule, leg.proof, leg.units, leg.min_out_units, leg.deadline, leg.data)
    return onchain.Leg(rule, leg.proof, leg.units)


def _rule(rule: KernelRule) -> onchain.AnyRule:
    if isinstance(rule, PayRule):
        return onchain.Pay(rule.token, rule.recipient, rule.max_units, rule.bucket_class, rule.delay_seconds)
    if isinstance(rule, OrderRule):
        times = (rule.cooldown_seconds, rule.not_before, rule.not_after, rule.delay_seconds)
        return onchain.Order(rule.name, rule.token, rule.recipient, rule.units, *times)
    return _swap(rule) if isinstance(rule, SwapRule) else _act(rule)


def _swap(rule: SwapRule) -> onchain.Swap:
    digest, *words = rule._template
    return onchain.Swap(
        target=rule.router,
        spender=rule.router,
        token_in=rule.token_in,
        token_out=rule.token_out,
        template=Template(to_digest(digest), *words),
        max_units=rule.max_units,
        dust_units=0,
        max_holding_units=2**128 - 1,
        max_slippage_bps=rule.max_loss_bps,
        bucket_class=rule.bucket_class,
        delay_seconds=0,
        source_in=rule.source_in,
        source_out=rule.source_out,
    )


def _act(rule: ActRule) -> onchain.Act:
    return onchain.Act(
        target=rule.target,
        spender=rule.spender,
        token_in=rule.token_in,
        token_out=rule.token_out,
        template=rule.template,
        max_units=rule.max_units,
        dust_units=rule.dust_units,
        max_holding_units=rule.max_holding_units,
        max_slippage_bps=rule.max_loss_bps,
        bucket_class=rule.bucket_class,
        delay_seconds=0,
        vault=rule.vault,
        min_rate=rule.min_rate,
        max_rate=rule.max_rate,
    )
