"""What the chain adds to the plan of an installation: the factory of its contracts, and an L2's sequencer's feed."""

from __future__ import annotations

from collections.abc import Mapping

from agent.onboarding.chains import Kind, KnownChain
from guardians import blueprint
from policies.terms import ListedToken, PolicyDocument
from strongroom.errors import BadValue, NotNamed
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.price_source import PriceTerms
from strongroom.wallet.deploy import Deployment


def plan_sources(policy: PolicyDocument, known: KnownChain) -> dict[TokenId, Deployment]:
    """The price source of each token whose source the policy names: the agent swaps it alone, or the watch counts by
    its feeds. Raises `BadValue` on an L2 without a sequencer's feed."""
    return {listed.token.id: plan_source(listed, policy, known) for listed in blueprint.with_sources(policy)}


def plan_source(listed: ListedToken, policy: PolicyDocument, known: KnownChain) -> Deployment:
    """One token's price source. Its address commits to our code and to every one of its terms (EIP-1014)."""
    return blueprint.plan_source(listed, policy, _sequencer(known), known.create2_factory)


def plan_watch(policy: PolicyDocument, kernel: Address, known: KnownChain) -> blueprint.WatchPlan | None:
    """The watch of this policy for the Kernel at an address, `None` where the policy wants none."""
    if policy.watch is None:
        return None
    return blueprint.plan_watch(policy, kernel, _sequencer(known), known.create2_factory)


def plan_owner_guard(policy: PolicyDocument, kernel: Address, known: KnownChain) -> Deployment | None:
    """The owners' guard of this policy for the Kernel at an address, `None` where the policy wants none."""
    return blueprint.plan_owner_guard(policy, kernel, known.create2_factory)


def watch_places(
    policy: PolicyDocument, named: Address | None, kernel: Address, known: KnownChain
) -> tuple[Address | None, ...]:
    """Where the watch of a Kernel that stands may be, as far as documents tell."""
    if policy.watch is None:
        return (named,)
    return blueprint.watch_places(policy, named, kernel, _sequencer(known), known.create2_factory)


def price_terms(listed: ListedToken, policy: PolicyDocument, known: KnownChain) -> PriceTerms:
    """What the source of a token with feeds is born with."""
    return blueprint.source_terms(listed, policy, _sequencer(known))


def _sequencer(known: KnownChain) -> Address:
    """Zero on an L1."""
    if known.kind is Kind.L2 and known.sequencer is None:
        mend = "while an L2's sequencer is down, prices look fresh that are not; name its uptime feed"
        raise NotNamed("sequencer", f"[chains.{known.chain_id}] of chains.toml", mend)
    return known.sequencer or NATIVE


def require_named(policy: PolicyDocument, sources: Mapping[TokenId, Deployment]) -> None:
    """The document's hash covers its sources, so they are written in before the Kernel is planned. Raises `BadValue`
    for one that is not named, or is named and another."""
    for token, planned in sources.items():
        named = policy.tokens[token].source
        if named != planned.address:
            mend = f'write `source = "{planned.address}"` there; this policy makes it at that address'
            if named is None:
                raise NotNamed("source", f"[tokens.{token}] in policy.toml", mend)
            raise BadValue(named, f"`source` of [tokens.{token}] in policy.toml", mend)
