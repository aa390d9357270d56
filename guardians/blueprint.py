"""What must stand on chain for a policy: the births of Kernel and watch and the terms of their price sources, from
documents alone.

Who plans an installation and who signs it work from the same functions, each with documents of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import ListedToken, PolicyDocument
from policies.watching import counted
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Account, Address, Call, Digest, Token, TokenId
from strongroom.protocols.kernel import Birth, encode_add_guardian
from strongroom.protocols.owner_guard import GuardBirth
from strongroom.protocols.price_source import PriceTerms
from strongroom.protocols.watch import WatchBirth, Watched, encode_rebase
from strongroom.wallet.deploy import Deployment, plan

# The Kernel is not gated by its log yet: its registry is zero, and anchoring stands beside it.
UNGATED = NATIVE


def birth_of(policy: PolicyDocument, agent: Address, levels: Mapping[Digest, int] | None = None) -> Birth:
    """What the Kernel for this policy is born with; `levels`, in units by bucket, is what a former Kernel leaves behind
    as spent. Raises `BadValue` for an agent that is also a guardian: the key could then shield what it does."""
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
        buckets=tuple(replace(each, level_units=(levels or {}).get(each.key, 0)) for each in compiled.buckets),
        config_delay_seconds=policy.kernel.config_delay_seconds,
        rekey_delay_seconds=policy.kernel.rekey_delay_seconds,
        window_seconds=policy.kernel.window_seconds,
    )


def with_sources(policy: PolicyDocument) -> tuple[ListedToken, ...]:
    """The tokens whose price source the policy names: those with feeds of their own, where the agent may swap alone, or
    where a watched token has its price from them."""
    watched = {policy.tokens[token].price_as or token for token in counted(policy).values()}
    with_feeds = (listed for listed in policy.tokens.values() if listed.feeds)
    return tuple(listed for listed in with_feeds if policy.losses or listed.token.id in watched)


def source_terms(listed: ListedToken, policy: PolicyDocument, sequencer: Address) -> PriceTerms:
    """What the source of a token with feeds is born with; `sequencer` is zero on an L1."""
    return _terms(listed.token, listed.token.id, policy, sequencer)


def _terms(token: Token, priced_as: TokenId, policy: PolicyDocument, sequencer: Address) -> PriceTerms:
    bounds, (first, second) = policy.bounds_of(priced_as), policy.feeds_of(priced_as)[:2]
    return PriceTerms(
        token=token.address,
        decimals=token.decimals,
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


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """A watch to be, and the price source of each token that it counts; where swaps ask one too, it is the same."""

    terms: Mapping[TokenId, PriceTerms]
    sources: Mapping[TokenId, Deployment]
    birth: WatchBirth
    watch: Deployment

    def adding(self, account: Account, is_new: bool) -> tuple[Call, ...]:
        """What the Safe calls then: the watch becomes a guardian. One that is not new was made by whoever liked, so its
        mark is of that time and is set anew, unless it is that of the watch before it."""
        add = Call(account, self.birth.kernel, 0, encode_add_guardian(self.watch.address))
        return (
            (add,)
            if is_new or self.birth.predecessor != NATIVE
            else (add, Call(account, self.watch.address, 0, encode_rebase()))
        )


def plan_watch(policy: PolicyDocument, kernel: Address, sequencer: Address, factory: Address) -> WatchPlan | None:
    """The watch of this policy for the Kernel at an address, `None` where the policy wants none. Its own address
    commits to our code, the Kernel, every source and every bound."""
    if policy.watch is None:
        return None
    tokens = {id_: _token(policy, id_) for id_ in counted(policy)}
    terms = {id_: _terms(tokens[id_], as_, policy, sequencer) for id_, as_ in counted(policy).items()}
    sources = {id_: plan(policy.account, "PriceSource", each.encoded, factory) for id_, each in terms.items()}
    birth = WatchBirth(
        kernel=kernel,
        watched=tuple(Watched(tokens[id_].address, sources[id_].address) for id_ in sources),
        own_token=policy.watch.own_token or NATIVE,
        max_drawdown_bps=policy.watch.max_drawdown_bps,
        confirm_blocks=policy.watch.confirm_blocks,
        expiry_blocks=policy.watch.expiry_blocks,
        predecessor=policy.watch.inherits or NATIVE,
    )
    return WatchPlan(terms, sources, birth, plan(policy.account, "Watch", birth.encoded, factory))


def watch_places(
    policy: PolicyDocument, named: Address | None, kernel: Address, sequencer: Address, factory: Address
) -> tuple[Address | None, ...]:
    """Where the watch of a Kernel that stands may be: as it is `named`, or as this policy would have planned it."""
    if policy.watch is None:
        return (named,)
    first = plan_watch(replace(policy, watch=replace(policy.watch, inherits=None)), kernel, sequencer, factory)
    return named, first.watch.address if first else None


def guard_birth(policy: PolicyDocument, kernel: Address) -> GuardBirth | None:
    """What the owners' guard of this policy is born with, `None` where the policy wants none."""
    if (terms := policy.owner_guard) is None:
        return None
    return GuardBirth(kernel, terms.delay_seconds, terms.window_seconds)


def plan_owner_guard(policy: PolicyDocument, kernel: Address, factory: Address) -> Deployment | None:
    """The owners' guard of this policy for the Kernel at an address, `None` where the policy wants none. Its own
    address commits to our code, the Kernel and both of its terms."""
    birth = guard_birth(policy, kernel)
    return plan(policy.account, "OwnerGuard", birth.encoded, factory) if birth else None


def _token(policy: PolicyDocument, id_: TokenId) -> Token:
    found = policy.token(id_)
    assert found is not None, "what is counted is listed, or a share of what is"
    return found


def made_in_order(
    sources: Mapping[TokenId, Deployment],
    between: Sequence[Deployment],
    planned: WatchPlan | None,
    guard: Deployment | None,
) -> tuple[Deployment, ...]:
    """Contracts in the order of their making, each once: named sources, log and Kernel, what only the watch asks, the
    watch, the owners' guard."""
    further = (*planned.sources.values(), planned.watch) if planned else ()
    last = (guard,) if guard else ()
    return tuple(dict.fromkeys((*sources.values(), *between, *further, *last)))
