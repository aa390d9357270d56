"""Whether a proposal installs the Kernel of a guardian's own policy.toml, and nothing else: byte for byte.

The policy's engine denies every change of the Safe's modules, this one too. A guardian may sign it all the same, since
every byte follows from the guardian's own documents and the agent's address, which the guardian must name. Only the
levels of the buckets of a Kernel that replaces another are read from the bytes: they are at least the old one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from guardians.blueprint import (
    WatchPlan,
    birth_of,
    made_in_order,
    plan_owner_guard,
    plan_source,
    plan_watch,
    source_terms,
    watch_places,
    with_sources,
)
from guardians.inheritance import Former, read_former, require_mark_goes_on
from guardians.installation_told import levels_of, told_by
from guardians.made_before import require_same_mark, require_unused
from guardians.ours import is_factory, is_ours
from guardians.sequencers import sequencer_in
from policies.effects import inner_calls
from policies.terms import ListedToken, PolicyDocument
from strongroom.errors import InputError, MadeAndUsed, NotDeployed, NotReplaceable
from strongroom.model import NATIVE, Address, Call, Facts, Rehearsal, SafeTx, TokenId
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, encode_enable_module
from strongroom.protocols.multisend import encode_multisend, is_call_only
from strongroom.protocols.owner_guard import encode_set_guard
from strongroom.protocols.price_source import terms_from, terms_reads
from strongroom.protocols.registry import Opening, decode_open, encode_open
from strongroom.wallet.deploy import Deployment, plan, plan_kernel, require_code


@dataclass(frozen=True, slots=True)
class Installation:
    """What would stand after it. `sources` are the price sources it makes; `opening` is how it opens the log, if so;
    `owner_guard` is the guard it sets; `replaces` the Kernel that it disables; `made_before` stands already."""

    kernel: Address
    birth: Birth
    sources: Mapping[TokenId, Address]
    watch: WatchPlan | None
    registry: Address
    opening: Opening | None
    owner_guard: Address | None = None
    replaces: Address | None = None
    made_before: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """The contracts in the order in which they are made, and the calls that follow."""

    sequencer: Address
    sources: Mapping[TokenId, Deployment]
    registry: Deployment
    kernel: Deployment
    birth: Birth
    watch: WatchPlan | None
    guard: Deployment | None
    former: Former | None
    opening: Opening | None
    enabling: tuple[Call, ...]

    @property
    def made(self) -> tuple[Deployment, ...]:
        return made_in_order(self.sources, (self.registry, self.kernel), self.watch, self.guard)

    @property
    def all_sources(self) -> Mapping[TokenId, Deployment]:
        return {**self.sources, **(self.watch.sources if self.watch else {})}


def recognise(
    chain: Chain,
    tx: SafeTx,
    document: PolicyDocument,
    facts: Facts,
    rehearsal: Rehearsal,
    named: Address | None = None,
) -> Installation | None:
    """The installation that `tx` is, or `None`: for anything else, for one of another policy, where the factory or what
    stands already is not ours, where a Kernel is enabled that it does not replace as it must, and where the rehearsal
    shows any other effect."""
    try:
        calls = inner_calls(tx, document)
        planned = _planned(chain, calls, document, sequencer_in(chain, calls, document, facts), facts, named)
        _require_standing(chain, planned, calls, document, facts)
    except (ValueError, InputError, NotDeployed, NotReplaceable, MadeAndUsed):
        return None
    if planned is None or tx.data != encode_multisend(_calls(planned, calls)) or tx.value_wei:
        return None
    if not _only_installs(planned, rehearsal):
        return None
    return Installation(
        kernel=planned.kernel.address,
        birth=planned.birth,
        sources={token: each.address for token, each in planned.all_sources.items() if each.call in calls},
        watch=planned.watch,
        registry=planned.registry.address,
        opening=planned.opening,
        owner_guard=planned.guard.address if planned.guard else None,
        replaces=planned.former.kernel if planned.former else None,
        made_before=tuple(each.address for each in planned.made if each.call not in calls),
    )


def _calls(planned: _Plan, calls: Sequence[Call]) -> list[Call]:
    """The whole batch as the plan has it; what stands already is not made again."""
    return [*(each.call for each in planned.made if each.call in calls), *planned.enabling]


def _planned(
    chain: Chain,
    calls: Sequence[Call],
    document: PolicyDocument,
    sequencer: Address,
    facts: Facts,
    named: Address | None,
) -> _Plan | None:
    """The plan that these calls would have to be, from what they leave open: agent, levels, factory, the log."""
    told = told_by(chain, calls, document, facts)
    if told is None:
        return None
    account, factory = document.account, told.factory
    former = read_former(chain, document, told.agent, facts.safe, _named(facts, told.kernel, named), facts.block)
    birth = birth_of(document, told.agent, levels_of(chain, told, former, facts.block))
    kernel, registry = plan_kernel(account, birth, factory), plan(account, "AuditRegistry", b"", factory)
    sources = {each.token.id: plan_source(each, document, sequencer, factory) for each in with_sources(document)}
    watch = plan_watch(document, kernel.address, sequencer, factory)
    guard = plan_owner_guard(document, kernel.address, factory)
    opening = _opening(calls, registry.address, kernel.address)
    log = (registry, opening) if opening else None
    is_new = watch is not None and watch.watch.call in calls
    enabling = tuple(_enabling(document, kernel, former, watch, log, guard, is_new))
    return _Plan(sequencer, sources, registry, kernel, birth, watch, guard, former, opening, enabling)


def _named(facts: Facts, planned: Address, named: Address | None) -> Address | None:
    """The Kernel that the guardian's own documents name, or that of the watch which they name, unless it is this very
    one."""
    watched = facts.watch.kernel if facts.watch else None
    return next((each for each in (named, watched) if each not in (None, planned)), None)


def _enabling(
    document: PolicyDocument,
    kernel: Deployment,
    former: Former | None,
    watch: WatchPlan | None,
    log: tuple[Deployment, Opening] | None,
    guard: Deployment | None,
    is_new: bool,
) -> Iterator[Call]:
    """What the Safe calls once everything is made, in order; `is_new`: whether it makes the watch."""
    account = document.account
    if former:
        yield from former.leaving(account)
    yield Call(account, account.safe, 0, encode_enable_module(kernel.address))
    if watch:
        yield from watch.adding(account, is_new)
    if log:
        yield Call(account, log[0].address, 0, encode_open(log[1]))
    if guard:
        yield Call(account, account.safe, 0, encode_set_guard(guard.address))


def _opening(calls: Sequence[Call], registry: Address, kernel: Address) -> Opening | None:
    told = [call for call in calls if call.to == registry]
    if not told:
        return None
    opening = decode_open(told[0].data)
    if opening.kernel != kernel:
        raise ValueError("the log of another Kernel is opened")
    return opening


def _require_standing(
    chain: Chain, planned: _Plan | None, calls: Sequence[Call], document: PolicyDocument, facts: Facts
) -> None:
    """Raises `NotDeployed` or `ValueError` unless all that the batch stands on is what it must be."""
    if planned is None:
        return
    if not is_factory(chain, planned.kernel.call.to, facts.block):
        raise ValueError("the factory is not the deterministic deployment proxy")
    if not is_call_only(chain.code(document.multisend, facts.block)):
        raise ValueError("the batch is delegated to another contract than Safe's")
    for listed in with_sources(document):
        source = planned.sources[listed.token.id]
        if source.call not in calls:
            _require_source(chain, listed, planned, document, facts)
        elif source.address != listed.source:
            raise ValueError(f"the price source of {listed.token.id} is not the one that policy.toml names")
    if planned.registry.call not in calls and planned.opening:
        _require_code(chain, "AuditRegistry", planned.registry, facts)
    if planned.kernel.call not in calls:
        require_unused(chain, document.account, planned.birth, planned.kernel.address, facts.block)
    if planned.watch:
        _require_watch(chain, planned.watch, calls, facts)
    _require_mark(chain, planned, document, facts)
    _require_guard(chain, planned, calls, facts)


def _require_mark(chain: Chain, planned: _Plan, document: PolicyDocument, facts: Facts) -> None:
    """The mark of the watch before it goes on, wherever that stands as far as the guardian's own documents tell."""
    named, former, factory = facts.watch.address if facts.watch else None, planned.former, planned.kernel.call.to
    places = watch_places(document, named, former.kernel, planned.sequencer, factory) if former else ()
    require_mark_goes_on(chain, former, planned.watch, places, facts.block)


def _require_guard(chain: Chain, planned: _Plan, calls: Sequence[Call], facts: Facts) -> None:
    """Only ours gives way to ours, and asks for an announcement itself; taking out another's is a decision apart."""
    if planned.guard is None:
        return
    if planned.guard.call not in calls:
        _require_code(chain, "OwnerGuard", planned.guard, facts)
    if facts.safe.guard != NATIVE and not is_ours(chain, "OwnerGuard", facts.safe.guard, facts.block):
        raise ValueError("the Safe has another guard")


def _require_source(chain: Chain, listed: ListedToken, planned: _Plan, document: PolicyDocument, facts: Facts) -> None:
    """One that stands already: our code, and the policy's terms."""
    source, block = listed.source or NATIVE, facts.block
    require_code("PriceSource", chain.code(source, block), source)
    terms = terms_from(chain.read(terms_reads(source), block))
    if terms is None or terms != source_terms(listed, document, planned.sequencer):
        raise ValueError(f"the price source of {listed.token.id} has other terms than policy.toml")


def _require_watch(chain: Chain, planned: WatchPlan, calls: Sequence[Call], facts: Facts) -> None:
    """It and its sources, where they stand already, are our code, at the planned addresses, which commit to every
    term; an inherited mark is still its predecessor's, any other is taken anew."""
    for source in planned.sources.values():
        if source.call not in calls:
            _require_code(chain, "PriceSource", source, facts)
    if planned.watch.call not in calls:
        _require_code(chain, "Watch", planned.watch, facts)
        require_same_mark(chain, planned, facts.block)


def _require_code(chain: Chain, name: str, deployment: Deployment, facts: Facts) -> None:
    require_code(name, chain.code(deployment.address, facts.block), deployment.address)


def _only_installs(planned: _Plan, rehearsal: Rehearsal) -> bool:
    """Nothing is paid, nothing is permitted, and of the Safe only the module and the guard are others."""
    before, after, former = rehearsal.safe_before, rehearsal.safe_after, planned.former
    untouched = ("version", "singleton", "owners", "threshold", "fallback_handler")
    same = all(getattr(before, name) == getattr(after, name) for name in untouched)
    guarded = after.guard == (planned.guard.address if planned.guard else before.guard)
    kept = {module for module in before.modules if former is None or module != former.kernel}
    moved = any(delta.units for delta in rehearsal.deltas) or bool(rehearsal.allowances)
    installed = set(after.modules) == {planned.kernel.address, *kept} and guarded
    return rehearsal.success and same and not moved and installed
