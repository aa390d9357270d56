"""What must stand on chain for a policy: the Kernel's birth and the terms of its price sources, from documents alone.

Who plans an installation and who signs it work from the same functions, each with documents of their own.
"""

from __future__ import annotations

from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import ListedToken, PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel import Birth
from strongroom.protocols.price_source import PriceTerms
from strongroom.wallet.deploy import Deployment, plan

# The Kernel is not gated by its log yet: its registry is zero, and anchoring stands beside it.
UNGATED = NATIVE


def birth_of(policy: PolicyDocument, agent: Address) -> Birth:
    """What the Kernel for this policy is born with. Raises `BadValue` for an agent that is also a guardian: the key
    could then shield what it does."""
    if agent in (*policy.guardians.members, *policy.kernel.pause_only):
        raise BadValue(agent, "the agent's address", "it is a guardian in policy.toml; give the agent a key of its own")
    compiled = compile_policy(policy)
    return Birth(
        safe=policy.account.safe,
        registry=UNGATED,
        agent=agent,
        guardians=policy.kernel.pause_only,
        root=compiled.root,
        document_hash=document_hash(policy),
        buckets=compiled.buckets,
        config_delay_seconds=policy.kernel.config_delay_seconds,
        rekey_delay_seconds=policy.kernel.rekey_delay_seconds,
        window_seconds=policy.kernel.window_seconds,
    )


def with_sources(policy: PolicyDocument) -> tuple[ListedToken, ...]:
    """The tokens that get a price source: those with feeds of their own, where the agent may swap alone."""
    return tuple(listed for listed in policy.tokens.values() if listed.feeds) if policy.losses else ()


def source_terms(listed: ListedToken, policy: PolicyDocument, sequencer: Address) -> PriceTerms:
    """What the source of a token with feeds is born with; `sequencer` is zero on an L1."""
    bounds, (first, second) = policy.bounds_of(listed.token.id), listed.feeds[:2]
    return PriceTerms(
        token=listed.token.address,
        decimals=listed.token.decimals,
        first_feed=first,
        second_feed=second,
        first_max_age_seconds=bounds.max_age_seconds,
        second_max_age_seconds=bounds.max_age_seconds,
        max_deviation_bps=bounds.max_deviation_bps,
        sequencer=sequencer,
    )


def plan_source(listed: ListedToken, policy: PolicyDocument, sequencer: Address, factory: Address) -> Deployment:
    """One token's price source. Its address commits to our code and to every one of its terms (EIP-1014)."""
    return plan(policy.account, "PriceSource", source_terms(listed, policy, sequencer).encoded, factory)
