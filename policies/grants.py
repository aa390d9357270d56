"""What the Kernel enforces of a policy: rules as leaves, their root, the buckets, and the grants that cover calls.

Deterministic and local: equal documents compile to equal roots everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.terms import SWAPS, Cap, PolicyDocument, Pool, Venue
from policies.tree import proof, root
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, Bucket, Call, Digest, KernelState, TokenId
from strongroom.protocols.erc20 import decode_approve, decode_transfer
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, LOSSES, BucketSetting, bucket_key, class_number
from strongroom.protocols.kernel_legs import GrantedSwap, KernelRule, Leg, Payment, PayRule, SwapRule
from strongroom.protocols.uniswap_v3 import ExactInput, decode_exact_input

_LARGEST_UNITS = 2**96 - 1
_LONGEST_DRAIN = 2**32 - 1


@dataclass(frozen=True, slots=True)
class KernelPolicy:
    """A policy as the Kernel knows it. `names` says for each leaf what the document calls the rule."""

    rules: Mapping[Digest, KernelRule]
    names: Mapping[Digest, str]
    root: Digest
    buckets: tuple[BucketSetting, ...]


def compile_policy(document: PolicyDocument) -> KernelPolicy:
    """The Kernel's part of a policy. What it cannot enforce is in `off_chain_only`. Raises `BadValue` when two classes
    would share a bucket."""
    _classes_differ(document)
    named: list[tuple[str, KernelRule]] = [*_pay_rules(document), *_swap_rules(document)]
    rules = {rule.leaf: rule for _, rule in named}
    return KernelPolicy(rules, {rule.leaf: name for name, rule in named}, root(rules), _buckets(document))


def _pay_rules(document: PolicyDocument) -> Iterable[tuple[str, PayRule]]:
    for payee in document.payees.values():
        for token, units in payee.max_units.items():
            cap = document.caps[payee.bucket_class][token]
            most = min(units, alone(cap), _LARGEST_UNITS)
            rule = PayRule(document.tokens[token].token.address, payee.address, most, class_number(cap.bucket_class))
            if most:
                yield f"pay {payee.id} in {token}", rule


def _swap_rules(document: PolicyDocument) -> Iterator[tuple[str, SwapRule]]:
    """One rule for each pool and direction, where both tokens name the source of their price and losses are bounded."""
    if document.losses is None:
        return
    for venue in document.venues.values():
        for pool in venue.pools:
            for token_in, token_out in (pool.tokens, pool.tokens[::-1]):
                rule = _swap_rule(document, venue, pool, token_in, token_out)
                if rule is not None:
                    yield f"swap {token_in} to {token_out} at {venue.id} {pool.fee_pips}", rule


def _swap_rule(
    document: PolicyDocument, venue: Venue, pool: Pool, token_in: TokenId, token_out: TokenId
) -> SwapRule | None:
    paid, got, cap = document.tokens[token_in], document.tokens[token_out], document.cap(SWAPS, token_in)
    if paid.source is None or got.source is None or cap is None or not alone(cap):
        return None
    most = min(alone(cap), _LARGEST_UNITS)
    pair = (paid.token.address, got.token.address, pool.fee_pips, document.account.safe)
    return SwapRule(venue.router, *pair, most, paid.source, got.source, document.max_loss_bps, class_number(SWAPS))


def alone(cap: Cap) -> int:
    """The most that one payment or swap may be without guardians: a stolen key gets no more at once than the agent."""
    return min([cap.at_once_units, *(tier.above_units for tier in cap.tiers)])


def _classes_differ(document: PolicyDocument) -> None:
    numbers: dict[int, str] = {}
    for name in document.caps:
        if (other := numbers.setdefault(class_number(name), name)) != name:
            raise BadValue(name, "the name of a class", f"its number is that of `{other}`; rename one of them")


def _buckets(document: PolicyDocument) -> tuple[BucketSetting, ...]:
    """One bucket for each cap, the one that counts the agent's calls, and the one for what swaps lose."""
    limit, losses = document.actions, document.losses
    calls = BucketSetting(ACTIONS, 0, limit.at_once * ACTION_UNITS, limit.drain_seconds)
    lost = (BucketSetting(LOSSES, 0, losses.at_once_e8, losses.drain_seconds),) if losses else ()
    return (calls, *lost, *(_bucket(cap, document) for cap in document.all_caps()))


def _bucket(cap: Cap, document: PolicyDocument) -> BucketSetting:
    """`at_once` as capacity, and the rest of `cap` as the rate over the window: capacity + rate * window <= cap.
    The drain time is rounded up, so the rate is never above what the document says."""
    token, number = document.tokens[cap.token].token.address, class_number(cap.bucket_class)
    if cap.drain_seconds > _LONGEST_DRAIN or cap.at_once_units > _LARGEST_UNITS:
        mend = "the Kernel counts up to 136 years and 2^96 units; write a shorter window or a smaller cap"
        raise BadValue(cap.at_once_units, f"[caps.{cap.bucket_class}.{cap.token}]", mend)
    return BucketSetting(token, number, cap.at_once_units, cap.drain_seconds)


def off_chain_only(document: PolicyDocument) -> tuple[str, ...]:
    """What the policy says and the Kernel does not enforce: true while our engine runs, not with the key stolen."""
    tiers = sum(len(cap.tiers) for cap in document.all_caps())
    kept = [listed.token.id for listed in document.tokens.values() if listed.keep_units]
    return (
        "gas budget and price of gas",
        "labels: who named payee, token and amount",
        f"{tiers} approval tiers by what one recipient gets",
        *(f"`keep` of {token}" for token in kept),
        *(["more than two price sources"] if document.bounds.min_sources > 2 else []),
    )


def granted_legs(calls: Sequence[Call], document: PolicyDocument) -> tuple[Leg, ...] | None:
    """Every call as a granted leg of the Kernel, its rule and proof, in order, or `None` when one of them has no grant:
    above a rule's maximum there is none. An approval has none of its own: right before the swap that takes exactly as
    much, it is part of that swap's leg."""
    compiled, legs, rest = compile_policy(document), list[Leg](), list(calls)
    while rest:
        leg = _payment(rest[0], compiled)
        taken = 1 if leg else 2
        found = leg or (_swap(rest[0], rest[1], compiled) if len(rest) > 1 else None)
        if found is None:
            return None
        legs.append(found)
        rest = rest[taken:]
    return tuple(legs)


def shortage(legs: Sequence[Leg], kernel: KernelState, at: int) -> str:
    """The first bucket that has no room for the legs at time `at`, in words; empty when all have. A bucket that the
    facts do not hold is closed."""
    needed: Counter[tuple[Address, int]] = Counter({(ACTIONS, 0): ACTION_UNITS})
    for leg in legs:
        token = leg.rule.token if isinstance(leg, Payment) else leg.rule.token_in
        needed[token, leg.rule.bucket_class] += leg.units
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
        if isinstance(rule, PayRule) and (rule.token, rule.recipient) == (token, recipient):
            return Payment(rule, units, proof(compiled.rules, leaf)) if 0 < units <= rule.max_units else None
    return None


def _swap(approval: Call, call: Call, compiled: KernelPolicy) -> GrantedSwap | None:
    try:
        approved, swap = decode_approve(approval.data), decode_exact_input(call.data)
    except ValueError:
        return None
    for leaf, rule in compiled.rules.items():
        if isinstance(rule, SwapRule) and _fits(rule, swap, call) and approval.to == rule.token_in:
            exact = approved == (rule.router, swap.amount_in_units) and not approval.value_wei
            return GrantedSwap(rule, swap, proof(compiled.rules, leaf)) if exact else None
    return None


def _fits(rule: SwapRule, swap: ExactInput, call: Call) -> bool:
    named = (swap.token_in, swap.token_out, swap.fee_pips, swap.recipient, swap.price_limit_x96)
    own = (rule.token_in, rule.token_out, rule.fee_pips, rule.recipient, 0)
    within = 0 < swap.amount_in_units <= rule.max_units and swap.min_out_units > 0
    return named == own and within and call.to == rule.router and not call.value_wei


def _transfer(call: Call) -> tuple[Address, Address, int] | None:
    """Token, recipient and units of a plain payment; `None` for any other call."""
    if not call.data:
        return NATIVE, call.to, call.value_wei
    try:
        recipient, units = decode_transfer(call.data)
    except ValueError:
        return None
    return None if call.value_wei else (call.to, recipient, units)
