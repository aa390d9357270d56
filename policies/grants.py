"""What the Kernel enforces of a policy: rules as leaves, their root, the buckets, and the grant that covers a call.

Deterministic and local: equal documents compile to equal roots everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policies.terms import Cap, PolicyDocument
from policies.tree import proof, root
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, Bucket, Call, Digest, Grant, KernelState
from strongroom.protocols.erc20 import decode_transfer
from strongroom.protocols.kernel import (
    ACTION_UNITS,
    ACTIONS,
    BucketSetting,
    Payment,
    PayRule,
    bucket_key,
    class_number,
)

_LARGEST_UNITS = 2**96 - 1
_LONGEST_DRAIN = 2**32 - 1


@dataclass(frozen=True, slots=True)
class KernelPolicy:
    """A policy as the Kernel knows it. `names` says for each leaf what the document calls the rule."""

    rules: Mapping[Digest, PayRule]
    names: Mapping[Digest, str]
    root: Digest
    buckets: tuple[BucketSetting, ...]


def compile_policy(document: PolicyDocument) -> KernelPolicy:
    """The Kernel's part of a policy. What it cannot enforce is in `off_chain_only`. Raises `BadValue` when two classes
    would share a bucket."""
    _classes_differ(document)
    named = {rule.leaf: (name, rule) for name, rule in _pay_rules(document)}
    rules = {leaf: rule for leaf, (_, rule) in named.items()}
    return KernelPolicy(rules, {leaf: name for leaf, (name, _) in named.items()}, root(rules), _buckets(document))


def _pay_rules(document: PolicyDocument) -> Iterable[tuple[str, PayRule]]:
    for payee in document.payees.values():
        for token, units in payee.max_units.items():
            cap = document.caps[payee.bucket_class][token]
            most = min(units, alone(cap), _LARGEST_UNITS)
            rule = PayRule(document.tokens[token].token.address, payee.address, most, class_number(cap.bucket_class))
            if most:
                yield f"pay {payee.id} in {token}", rule


def alone(cap: Cap) -> int:
    """The most that one payment may be without guardians: a stolen key gets no more at once than the agent would."""
    return min([cap.at_once_units, *(tier.above_units for tier in cap.tiers)])


def _classes_differ(document: PolicyDocument) -> None:
    numbers: dict[int, str] = {}
    for name in document.caps:
        if (other := numbers.setdefault(class_number(name), name)) != name:
            raise BadValue(name, "the name of a class", f"its number is that of `{other}`; rename one of them")


def _buckets(document: PolicyDocument) -> tuple[BucketSetting, ...]:
    """One bucket for each cap, and the one that counts the agent's calls."""
    limit = document.actions
    calls = BucketSetting(ACTIONS, 0, limit.at_once * ACTION_UNITS, limit.drain_seconds)
    return (calls, *(_bucket(cap, document) for cap in document.all_caps()))


def _bucket(cap: Cap, document: PolicyDocument) -> BucketSetting:
    """`at_once` as capacity, and the rest of `cap` as the rate over the window: capacity + rate * window <= cap.
    The drain time is rounded up, so the rate is never above what the document says."""
    token, number = document.tokens[cap.token].token.address, class_number(cap.bucket_class)
    capacity, drain = min(cap.at_once_units, _LARGEST_UNITS), cap.drain_seconds
    return BucketSetting(token, number, capacity, min(drain, _LONGEST_DRAIN))


def off_chain_only(document: PolicyDocument) -> tuple[str, ...]:
    """What the policy says and the Kernel does not enforce: true while our engine runs, not with the key stolen."""
    tiers = sum(len(cap.tiers) for cap in document.all_caps())
    kept = [listed.token.id for listed in document.tokens.values() if listed.keep_units]
    return (
        "gas budget and price of gas",
        "labels: who named payee, token and amount",
        f"{tiers} approval tiers by what one recipient gets",
        *(f"`keep` of {token}" for token in kept),
    )


def grant(call: Call, document: PolicyDocument) -> Grant | None:
    """The rule that covers a payment, with its proof, or `None`. The amount counts: above the rule's maximum there is
    no grant."""
    compiled = compile_policy(document)
    payment = _payment(call, compiled)
    if payment is None:
        return None
    return Grant(compiled.names[payment.rule.leaf], payment.rule.leaf, payment.proof)


def granted_payments(calls: Sequence[Call], document: PolicyDocument) -> tuple[Payment, ...] | None:
    """Every call as a granted payment of the Kernel, in order, or `None` when one of them has no grant."""
    compiled = compile_policy(document)
    payments = [_payment(call, compiled) for call in calls]
    granted = tuple(payment for payment in payments if payment is not None)
    return granted if len(granted) == len(calls) else None


def shortage(payments: Sequence[Payment], kernel: KernelState, at: int) -> str:
    """The first bucket that has no room for the payments at time `at`, in words; empty when all have. A bucket that the
    facts do not hold is closed."""
    needed: Counter[tuple[Address, int]] = Counter({(ACTIONS, 0): ACTION_UNITS})
    for payment in payments:
        needed[payment.rule.token, payment.rule.bucket_class] += payment.units
    for (token, number), units in needed.items():
        bucket = kernel.buckets.get(bucket_key(token, number))
        room = available_units(bucket, at) if bucket else 0
        if units > room:
            return f"the Kernel's bucket of `{token}` has room for {room} units, {units} are needed"
    return ""


def available_units(bucket: Bucket, at: int) -> int:
    """Units that could be spent from a bucket at time `at`, rounded down as the Kernel does (`LeakyBucket.sol`)."""
    leaked = max(at - bucket.updated, 0) * bucket.capacity // bucket.drain if bucket.drain else 0
    return max(bucket.capacity - max(bucket.level - leaked, 0), 0)


def _payment(call: Call, compiled: KernelPolicy) -> Payment | None:
    asked = _transfer(call)
    if asked is None:
        return None
    token, recipient, units = asked
    for leaf, rule in compiled.rules.items():
        if (rule.token, rule.recipient) == (token, recipient) and 0 < units <= rule.max_units:
            return Payment(rule, units, proof(compiled.rules, leaf))
    return None


def _transfer(call: Call) -> tuple[Address, Address, int] | None:
    """Token, recipient and units of a plain payment; `None` for any other call."""
    if not call.data:
        return NATIVE, call.to, call.value_wei
    try:
        recipient, units = decode_transfer(call.data)
    except ValueError:
        return None
    return None if call.value_wei else (call.to, recipient, units)
