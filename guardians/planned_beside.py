"""What may go with a change of the Kernel in one batch: whatever the guardian's own policy.toml wants made and set
beside it, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from guardians.blueprint import (
    WatchPlan,
    made_in_order,
    plan_owner_guard,
    plan_source,
    plan_watch,
    with_sources,
)
from guardians.changes import find_guard
from guardians.made_before import require_same_mark
from guardians.ours import FACTORY, is_factory
from guardians.sequencers import sequencer_in
from policies.terms import PolicyDocument
from strongroom.errors import MadeAndUsed
from strongroom.model import NATIVE, Address, Call, Facts, TokenId
from strongroom.ports import Chain
from strongroom.protocols.kernel import guardian_read
from strongroom.protocols.kernel_changes import read_kernel_change
from strongroom.protocols.owner_guard import encode_announce_change, encode_set_guard
from strongroom.protocols.watch import encode_rebase
from strongroom.wallet.deploy import Deployment


@dataclass(frozen=True, slots=True)
class Beside:
    """One such call, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Besides:
    """Every call that may be there, and the watches that the documents want as guardians."""

    calls: Mapping[Call, Beside]
    watches: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class _Contracts:
    """What the policy wants to stand beside this Kernel, made by one factory."""

    sources: Mapping[TokenId, Deployment]
    watch: WatchPlan | None
    guard: Deployment | None


def plan_besides(
    chain: Chain, document: PolicyDocument, facts: Facts, kernel: Address, calls: Sequence[Call]
) -> Besides:
    """From the guardian's own documents, and from the factory and the sequencer's feed that `calls` name. Raises
    `NodeError`."""
    planned = _contracts(chain, document, facts, kernel, calls)
    made = planned.watch.watch.address if _is_wanted(chain, planned, calls, facts) and planned.watch else None
    own = facts.watch.address if facts.watch and facts.watch.kernel == kernel else None
    watches = tuple(each for each in (made, own) if each)
    found = {
        **dict(_births(planned)),
        **dict(_marks(chain, facts, watches, kernel, calls)),
        **dict(_guards(chain, document, facts, planned.guard)),
    }
    return Besides({call: Beside(words) for call, words in found.items()}, watches)


def _contracts(
    chain: Chain, document: PolicyDocument, facts: Facts, kernel: Address, calls: Sequence[Call]
) -> _Contracts:
    """None of them where the sources are not those that policy.toml names."""
    factory = next((call.to for call in calls if is_factory(chain, call.to, facts.block)), FACTORY)
    sequencer = sequencer_in(chain, calls, document, facts)
    sources = {each.token.id: plan_source(each, document, sequencer, factory) for each in with_sources(document)}
    if any(document.tokens[token].source != each.address for token, each in sources.items()):
        return _Contracts({}, None, None)
    watch = plan_watch(document, kernel, sequencer, factory)
    return _Contracts(sources, watch, plan_owner_guard(document, kernel, factory))


def _is_wanted(chain: Chain, planned: _Contracts, calls: Sequence[Call], facts: Facts) -> bool:
    """Whether the watch is made here, or stands already with a mark that goes on."""
    if planned.watch is None or planned.watch.watch.call in calls:
        return planned.watch is not None
    try:
        require_same_mark(chain, planned.watch, facts.block)
    except MadeAndUsed:
        return False
    return bool(chain.code(planned.watch.watch.address, facts.block))


def _births(planned: _Contracts) -> Iterator[tuple[Call, str]]:
    watch, guard = planned.watch, planned.guard
    named = {each.address: f"make the price source of {token}" for token, each in planned.sources.items()}
    if watch:
        named = {each.address: f"make the price source of {token}" for token, each in watch.sources.items()} | named
        named[watch.watch.address] = "make the watch of your policy.toml"
    if guard:
        named[guard.address] = "make the owners' guard of your policy.toml"
    for each in made_in_order(planned.sources, (), watch, guard):
        yield each.call, f"{named[each.address]} at {each.address}"


def _marks(
    chain: Chain, facts: Facts, watches: Sequence[Address], kernel: Address, calls: Sequence[Call]
) -> Iterator[tuple[Call, str]]:
    """A new mark forgets what was lost: it goes with a new key, which a fall would pause again, and with a watch that
    somebody made before it is added here. To add one that guards already changes nothing but its mark."""
    told = [read_kernel_change(call.data) for call in calls if call.to == kernel]
    is_rekeyed = any(each.function == "rekey" for each in told)
    added = [each.arguments[0] for each in told if each.function == "addGuardian"]
    guarding = chain.read([guardian_read(kernel, watch) for watch in watches], facts.block) if added else ()
    already = {watch for watch, is_guardian in zip(watches, guarding, strict=False) if is_guardian}
    for watch in watches:
        if is_rekeyed or (watch in added and watch not in already):
            words = f"make the watch {watch} take a new mark: losses count from what the Safe then holds"
            yield Call(facts.account, watch, 0, encode_rebase()), words


def _guards(
    chain: Chain, document: PolicyDocument, facts: Facts, guard: Deployment | None
) -> Iterator[tuple[Call, str]]:
    """The owners' guard of the policy is set where there is none; one of ours that stands has it announced."""
    if guard is None:
        return
    account, setting = document.account, encode_set_guard(guard.address)
    if facts.safe.guard == NATIVE:
        words = f"set the owners' guard of your policy.toml, {guard.address}: who commands the Safe"
        yield Call(account, account.safe, 0, setting), f"{words} then changes announced only"
    if standing := find_guard(chain, account.safe, facts.safe.guard, facts.block):
        words = f"announce at the owners' guard: put that of your policy.toml, {guard.address}, in its place"
        yield Call(account, standing.address, 0, encode_announce_change(setting)), words
