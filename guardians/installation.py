"""Whether a proposal installs the Kernel of a guardian's own policy.toml, and nothing else: byte for byte.

The policy's engine denies every change of the Safe's modules, this one too. A guardian may sign it all the same, since
every byte follows from the guardian's own documents and the agent's address, which the guardian must name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guardians.blueprint import (
    WatchPlan,
    birth_of,
    made_in_order,
    plan_source,
    plan_watch,
    source_terms,
    with_sources,
)
from policies.effects import inner_calls
from policies.terms import ListedToken, PolicyDocument
from strongroom.addresses import to_address
from strongroom.errors import InputError, NotDeployed
from strongroom.model import NATIVE, Address, Call, Facts, Rehearsal, SafeTx, TokenId
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, encode_enable_module
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.price_source import terms_from, terms_reads
from strongroom.protocols.registry import Opening, decode_open, encode_open
from strongroom.wallet.deploy import Deployment, artifact, plan, plan_kernel, require_code

# The deterministic deployment proxy's whole runtime, wherever it stands: CREATE2 with the salt and code it is given.
# Another contract in its place could put other code at the address.
_FACTORY = bytes.fromhex(
    "7f" + "ff" * 31 + "e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
_SALT_BYTES = 32
# Constructor arguments of the Kernel begin with an offset, the Safe and the registry; the agent is next.
_AGENT_WORD = 3


@dataclass(frozen=True, slots=True)
class Installation:
    """What would stand after it. `sources` are the price sources it makes; `opening` is how it opens the log, if so."""

    kernel: Address
    birth: Birth
    sources: Mapping[TokenId, Address]
    watch: WatchPlan | None
    registry: Address
    opening: Opening | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The contracts in the order in which they are made, and the calls that follow."""

    sequencer: Address
    sources: Mapping[TokenId, Deployment]
    registry: Deployment
    kernel: Deployment
    birth: Birth
    watch: WatchPlan | None
    opening: Opening | None
    enabling: tuple[Call, ...]

    @property
    def made(self) -> tuple[Deployment, ...]:
        return made_in_order(self.sources, (self.registry, self.kernel), self.watch)

    @property
    def all_sources(self) -> Mapping[TokenId, Deployment]:
        return {**self.sources, **(self.watch.sources if self.watch else {})}


def recognise(
    chain: Chain, tx: SafeTx, document: PolicyDocument, facts: Facts, rehearsal: Rehearsal
) -> Installation | None:
    """The installation that `tx` is, or `None`: for anything else, for one of another policy, where the factory or what
    stands already is not ours, where a Kernel is enabled already, and where the rehearsal shows any other effect."""
    try:
        calls = inner_calls(tx, document)
        planned = _planned(calls, document, _sequencer(chain, calls, document, facts))
        _require_standing(chain, planned, calls, document, facts)
    except (ValueError, InputError, NotDeployed):
        return None
    if planned is None or tx.data != encode_multisend(_calls(planned, calls)) or tx.value_wei:
        return None
    if not _only_enables(planned.kernel.address, rehearsal):
        return None
    return Installation(
        kernel=planned.kernel.address,
        birth=planned.birth,
        sources={token: each.address for token, each in planned.all_sources.items() if each.call in calls},
        watch=planned.watch,
        registry=planned.registry.address,
        opening=planned.opening,
    )


def _calls(planned: _Plan, calls: Sequence[Call]) -> list[Call]:
    """The whole batch as the plan has it; what stands already is not made again."""
    return [*(each.call for each in planned.made if each.call in calls), *planned.enabling]


def _planned(calls: Sequence[Call], document: PolicyDocument, sequencer: Address) -> _Plan | None:
    """The plan that these calls would have to be, from what they leave open: agent, factory, the log."""
    births = [call for call in calls if call.data[_SALT_BYTES:].startswith(artifact("Kernel").creation)]
    if not births:
        return None
    account, factory = document.account, births[0].to
    birth = birth_of(document, _agent(births[0]))
    kernel, registry = plan_kernel(account, birth, factory), plan(account, "AuditRegistry", b"", factory)
    sources = {each.token.id: plan_source(each, document, sequencer, factory) for each in with_sources(document)}
    watch = plan_watch(document, kernel.address, sequencer, factory)
    added = watch.adding(account, is_new=True) if watch else ()
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    opening = _opening(calls[-1], registry.address, kernel.address)
    opened = (Call(account, registry.address, 0, encode_open(opening)),) if opening else ()
    return _Plan(sequencer, sources, registry, kernel, birth, watch, opening, (enable, *added, *opened))


def _agent(birth: Call) -> Address:
    arguments = birth.data[_SALT_BYTES + len(artifact("Kernel").creation) :]
    return to_address(arguments[32 * _AGENT_WORD + 12 : 32 * _AGENT_WORD + 32])


def _sequencer(chain: Chain, calls: Sequence[Call], document: PolicyDocument, facts: Facts) -> Address:
    """The last word of a price source's arguments, or what one that stands says. Whether it is right, the addresses in
    policy.toml tell."""
    creation = artifact("PriceSource").creation
    for call in calls:
        if call.data[_SALT_BYTES:].startswith(creation):
            return to_address(call.data[-20:])
    standing = (listed.source for listed in with_sources(document) if listed.source)
    terms = (terms_from(chain.read(terms_reads(source), facts.block)) for source in standing)
    return next((each.sequencer for each in terms if each), NATIVE)


def _opening(last: Call, registry: Address, kernel: Address) -> Opening | None:
    if last.to != registry:
        return None
    opening = decode_open(last.data)
    if opening.kernel != kernel:
        raise ValueError("the log of another Kernel is opened")
    return opening


def _require_standing(
    chain: Chain, planned: _Plan | None, calls: Sequence[Call], document: PolicyDocument, facts: Facts
) -> None:
    """Raises `NotDeployed` or `ValueError` unless all that the batch stands on is what it must be."""
    if planned is None:
        return
    if chain.code(planned.kernel.call.to, facts.block) != _FACTORY:
        raise ValueError("the factory is not the deterministic deployment proxy")
    for listed in with_sources(document):
        source = planned.sources[listed.token.id]
        if source.call not in calls:
            _require_source(chain, listed, planned, document, facts)
        elif source.address != listed.source:
            raise ValueError(f"the price source of {listed.token.id} is not the one that policy.toml names")
    if planned.registry.call not in calls and planned.opening:
        _require_code(chain, "AuditRegistry", planned.registry, facts)
    if planned.watch:
        _require_watch(chain, planned.watch, calls, facts)
    for module in facts.safe.modules:
        if _is_kernel(chain.code(module, facts.block), module):
            raise ValueError("a second Kernel would have caps and a pause of its own")


def _require_source(chain: Chain, listed: ListedToken, planned: _Plan, document: PolicyDocument, facts: Facts) -> None:
    """One that stands already: our code, and the policy's terms."""
    source, block = listed.source or NATIVE, facts.block
    require_code("PriceSource", chain.code(source, block), source)
    terms = terms_from(chain.read(terms_reads(source), block))
    if terms is None or terms != source_terms(listed, document, planned.sequencer):
        raise ValueError(f"the price source of {listed.token.id} has other terms than policy.toml")


def _require_watch(chain: Chain, planned: WatchPlan, calls: Sequence[Call], facts: Facts) -> None:
    """Its sources that stand already are our code, at the planned addresses, which commit to every term. The watch
    itself cannot stand before its Kernel."""
    for source in planned.sources.values():
        if source.call not in calls:
            _require_code(chain, "PriceSource", source, facts)
    if planned.watch.call not in calls:
        raise ValueError("the watch is not made")


def _require_code(chain: Chain, name: str, deployment: Deployment, facts: Facts) -> None:
    require_code(name, chain.code(deployment.address, facts.block), deployment.address)


def _is_kernel(code: bytes, address: Address) -> bool:
    try:
        require_code("Kernel", code, address)
    except NotDeployed:
        return False
    return True


def _only_enables(kernel: Address, rehearsal: Rehearsal) -> bool:
    """Nothing is paid, nothing is permitted, and of the Safe only the module is new."""
    before, after = rehearsal.safe_before, rehearsal.safe_after
    untouched = ("version", "singleton", "owners", "threshold", "guard", "fallback_handler")
    same = all(getattr(before, name) == getattr(after, name) for name in untouched)
    moved = any(delta.units for delta in rehearsal.deltas) or bool(rehearsal.allowances)
    return rehearsal.success and same and not moved and set(after.modules) == {kernel, *before.modules}
