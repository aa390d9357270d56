"""A Kernel that takes the place of another: what the old one leaves behind, and what must hold before owners sign.

A fresh Kernel never means fresh caps, a fresh mark, or a second life for what was stopped. Spent units, the watch's
mark and the dates of standing orders go on; burned keys, blocked addresses and revoked rules, which a Kernel cannot be
born with, are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guardians.blueprint import WatchPlan
from guardians.ours import is_ours
from policies.grants import KernelPolicy, compile_policy
from policies.kernel.buckets import level_at, room_at
from policies.kernel_rules import order_rule
from policies.orders import due_after_replacement
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, NotDeployed, NotReplaceable
from strongroom.model import NATIVE, Account, Address, Block, Bucket, Call, Digest, SafeState
from strongroom.plain import to_plain
from strongroom.ports import Chain, Read
from strongroom.protocols.kernel import (
    BucketSetting,
    blocked_read,
    bucket_read,
    burned_read,
    encode_disable_module,
    guardian_read,
    revoked_read,
    state_from,
    state_reads,
)
from strongroom.protocols.kernel_orders import last_paid_read
from strongroom.protocols.watch import birth_from, birth_reads, watched_read

_SENTINEL = Address("0x0000000000000000000000000000000000000001")
_CLOSED = Bucket(0, 0, 0, 0)
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class Former:
    """A Kernel to be replaced. `previous` stands before it in the Safe's list of modules, `None` once it is disabled;
    `levels` are the least, in units by bucket, that the next one must be born with."""

    kernel: Address
    previous: Address | None
    levels: Mapping[Digest, int]

    def leaving(self, account: Account) -> tuple[Call, ...]:
        """What the Safe calls so that the new one takes its place."""
        if self.previous is None:
            return ()
        return (Call(account, account.safe, 0, encode_disable_module(self.previous, self.kernel)),)


def former_kernel(
    chain: Chain, account: Account, safe: SafeState, named: Address | None, block: Block
) -> Address | None:
    """The Kernel among a Safe's modules, or the one that documents name as it was disabled: it takes nothing more, and
    what it took still counts. Whatever its code: one of another version has spent as well, and the Safe trusted it with
    more than its word. Raises `NotReplaceable` where there are two: neither's levels are all that was spent."""
    found = [module for module in safe.modules if _is_kernel_of(chain, account, module, block)]
    if len(found) > 1:
        raise NotReplaceable(found[1], f"`{found[0]}` is enabled beside it", "disable one of them in the Safe first")
    if found or named is None:
        return found[0] if found else None
    return named if _is_kernel_of(chain, account, named, block) else None


def _is_kernel_of(chain: Chain, account: Account, address: Address, block: Block) -> bool:
    state = state_from(address, chain.read(list(state_reads(address)), block), {}, False)
    return state is not None and state.safe == account.safe


def read_former(
    chain: Chain, document: PolicyDocument, agent: Address, safe: SafeState, named: Address | None, block: Block
) -> Former | None:
    """What the Kernel that this policy's would replace leaves behind, `None` where there is none. `named` is the one
    that documents name, should the Safe have it no more. Raises `NotReplaceable` with how to mend it."""
    kernel = former_kernel(chain, document.account, safe, named, block)
    if kernel is None:
        return None
    compiled = compile_policy(document)
    _require_stopped(chain, kernel, agent, block)
    _require_nothing_stopped(chain, kernel, compiled, block)
    _require_orders_wait(chain, kernel, document, block)
    found = chain.read([bucket_read(kernel, each.key) for each in compiled.buckets], block)
    buckets = {each.key: bucket or _CLOSED for each, bucket in zip(compiled.buckets, found, strict=True)}
    return Former(kernel, _before(kernel, safe), inherited_levels(compiled.buckets, buckets, block.timestamp))


def _before(module: Address, safe: SafeState) -> Address | None:
    return (_SENTINEL, *safe.modules)[safe.modules.index(module)] if module in safe.modules else None


def inherited_levels(settings: Sequence[BucketSetting], former: Mapping[Digest, Bucket], now: int) -> dict[Digest, int]:
    """The least level of each new bucket, in units, rounded up: what was spent stays spent, and there is no more room
    than there was, nor than the new capacity has. A bucket that the former Kernel did not have starts full."""
    return {each.key: _level(each.capacity_units, former.get(each.key, _CLOSED), now) for each in settings}


def _level(capacity: int, old: Bucket, now: int) -> int:
    return min(capacity, max(level_at(old, now), capacity - room_at(old, now)))


def _require_stopped(chain: Chain, kernel: Address, agent: Address, block: Block) -> None:
    *values, burned = chain.read([*state_reads(kernel), burned_read(kernel, agent)], block)
    state = state_from(kernel, values, {}, True)
    if state is None:
        raise NotDeployed("Kernel", kernel, "it does not answer; ask another node")
    if not state.paused:
        mend = "pause it first: any guardian, any owner or the kill card does it at once"
        raise NotReplaceable(kernel, "it is live, and what it has left would change while owners sign", mend)
    if burned is not False or agent == state.agent:
        whose = "is the key that it was paused with" if agent == state.agent else "is burned there"
        raise NotReplaceable(kernel, f"`{agent}` {whose}", "a pause ends with another key: make a new one")


def _require_nothing_stopped(chain: Chain, kernel: Address, compiled: KernelPolicy, block: Block) -> None:
    """The Safe cannot block, only guardians can, and they could only after the new Kernel's agent had a first move."""
    parties, leaves = _parties(compiled), list(compiled.rules)
    reads: list[Read[Any]] = [*(blocked_read(kernel, each) for each in parties)]
    found = chain.read([*reads, *(revoked_read(kernel, leaf) for leaf in leaves)], block)
    for party, blocked in zip(parties, found, strict=False):
        if blocked is not False:
            mend = "take it out of policy.toml, or have the Safe announce its unblocking there"
            raise NotReplaceable(kernel, f"a guardian has blocked `{party}` there, of `{parties[party]}`", mend)
    for leaf, revoked in zip(leaves, found[len(parties) :], strict=True):
        if revoked is not False:
            mend = "write another rule, or have the Safe announce this one there"
            raise NotReplaceable(kernel, f"the Safe has revoked the rule `{compiled.names[leaf]}` there", mend)


def _parties(compiled: KernelPolicy) -> dict[Address, str]:
    """Every address that a rule holds, with the rule's name: payees, tokens, venues, price sources and whatever a later
    kind of rule brings."""
    return {
        Address(text): compiled.names[leaf]
        for leaf, rule in compiled.rules.items()
        for text in _texts(to_plain(rule))
        if _ADDRESS.fullmatch(text)
    }


def _texts(plain: Any) -> Iterator[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, Mapping):
        yield from (text for each in plain.values() for text in _texts(each))
    elif isinstance(plain, Sequence):
        yield from (text for each in plain for text in _texts(each))


def _require_orders_wait(chain: Chain, kernel: Address, document: PolicyDocument, block: Block) -> None:
    """The new Kernel has paid no order yet. Looked up also as the order was before a `from` was written for this."""
    named = [
        (order.id, order_rule(each, document).leaf)
        for order in document.orders.values()
        for each in (order, replace(order, not_before=0))
    ]
    paid = chain.read([last_paid_read(kernel, leaf) for _, leaf in named], block)
    last: dict[str, int] = {}
    for (id_, _), at in zip(named, paid, strict=True):
        last[id_] = max(last.get(id_, 0), at or 0)
    for line in due_after_replacement(document, last, block.timestamp):
        raise NotReplaceable(kernel, *line.split("; ", 1))


def require_mark_goes_on(
    chain: Chain, former: Former | None, planned: WatchPlan | None, others: Sequence[Address | None], block: Block
) -> None:
    """The planned watch takes over the mark of the former Kernel's, and of none else's: a predecessor is believed.
    `others` are where that one may stand. Raises `BadValue` or `NotReplaceable` with what to write into policy.toml."""
    if planned is None:
        return
    named = planned.birth.predecessor
    candidates = [each for each in (named, *others) if each not in (None, NATIVE)]
    standing = [each for each in candidates if former and each and _watches(chain, former.kernel, each, block)]
    if named != NATIVE and named not in standing:
        mend = "it is not the watch of the Kernel that this one replaces; take it out"
        raise BadValue(named, "`inherits` in [watch] of policy.toml", mend)
    if former and standing and named == NATIVE:
        mend = f'write `inherits = "{standing[0]}"` in [watch] of policy.toml'
        raise NotReplaceable(former.kernel, "the mark of its watch would be forgotten", mend)
    if former and named != NATIVE:
        _require_same_tokens(chain, former.kernel, planned, block)


def _watches(chain: Chain, kernel: Address, watch: Address, block: Block) -> bool:
    *values, is_guardian = chain.read([*birth_reads(watch), guardian_read(kernel, watch)], block)
    born = birth_from(values)
    return bool(is_guardian and born and born.kernel == kernel and is_ours(chain, "Watch", watch, block))


def _require_same_tokens(chain: Chain, kernel: Address, planned: WatchPlan, block: Block) -> None:
    """The contract refuses it as well, once everything is signed."""
    (watched,) = chain.read([watched_read(planned.birth.predecessor)], block)
    if {each.token for each in watched or ()} != {each.token for each in planned.birth.watched}:
        mend = "let [watch] count the same tokens now, and change them later by `strongroom policy update`"
        raise NotReplaceable(kernel, "its watch counts other tokens, so its mark says nothing about these", mend)
