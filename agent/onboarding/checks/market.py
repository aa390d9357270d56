"""Whether the listed tokens are what the policy says, and whether their prices can be believed."""

from __future__ import annotations

from agent.onboarding.chains import Kind
from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from policies.markets import Market
from policies.terms import UNISWAP_V2, Venue
from strongroom.model import Address, TokenId
from strongroom.protocols.chainlink import round_from, round_reads
from strongroom.protocols.erc20 import read_decimals
from strongroom.protocols.price_source import SEQUENCER_GRACE_SECONDS
from strongroom.protocols.uniswap_v2 import read_factory, read_pair
from strongroom.valuation import Problem, price


def tokens(premises: Premises) -> Result:
    """A wrong number of decimals is a payment wrong by powers of ten."""
    listed = [each.token for id_, each in premises.policy.tokens.items() if not premises.policy.is_native(id_)]
    found = premises.chain.read([read_decimals(token.address) for token in listed], premises.block)
    for token, decimals in zip(listed, found, strict=True):
        if decimals != token.decimals:
            answer = "does not answer" if decimals is None else f"has {decimals} decimals"
            return fail(
                f"token `{token.id}` at `{token.address}` {answer}, policy.toml says {token.decimals}",
                "correct its address or decimals in policy.toml",
            )
    return ok(f"{len(listed)} tokens answer as listed")


def sequencer(premises: Premises) -> Result:
    """On an L2: up, and for long enough that prices have caught up."""
    known, now = premises.known, premises.block.timestamp
    if known.kind is Kind.L1:
        return ok("none; the chain orders its own transactions")
    if known.sequencer is None:
        return warn("nobody watches it, so the agent swaps nothing alone", "name `sequencer` in chains.toml")
    found = round_from(known.sequencer, premises.chain.read(round_reads(known.sequencer), premises.block))
    if found is None:
        return fail(f"`{known.sequencer}` does not answer", "let `sequencer` in chains.toml be the chain's uptime feed")
    if found.answer or not found.started_at:
        return fail("it is down: prices look fresh that are not", "wait for it; swaps stop until then, payments go on")
    if now - found.started_at < SEQUENCER_GRACE_SECONDS:
        return warn(f"up for {now - found.started_at} s only", "wait an hour; swaps stop until then, payments go on")
    return ok("up")


def feeds(premises: Premises) -> Result:
    """Judged as the policy engine judges: all sources answer, are fresh, and agree."""
    facts, policy = premises.facts, premises.policy
    priced = [token for token in policy.tokens if policy.feeds_of(token)]
    for token in priced:
        found = price(facts.rounds.get(token, ()), facts.block.timestamp, policy.bounds_of(token))
        if isinstance(found, Problem):
            mend = "wait for the feed, or replace it in policy.toml; swaps stop until then, payments go on"
            return fail(f"`{token}`: {found.reason}", mend)
    return ok(f"{len(priced)} tokens have prices that are fresh and agree")


def venues(premises: Premises) -> Result:
    """Each pair is the one its router trades in, each share is the market's own, and the Safe owes nothing there."""
    policy = premises.policy
    pairs = [venue for venue in policy.venues.values() if venue.kind == UNISWAP_V2]
    seen = (*(_pairs(premises, each) for each in pairs), *(_market(premises, each) for each in policy.markets.values()))
    if (wrong := next((each for each in seen if each is not None), None)) is not None:
        return wrong
    if not pairs and not policy.markets:
        return ok("no pairs and no markets are listed")
    return ok(f"{sum(len(venue.pools) for venue in pairs)} pairs and {len(policy.shares())} shares are as listed")


def _pairs(premises: Premises, venue: Venue) -> Result | None:
    (factory,) = premises.chain.read([read_factory(venue.router)], premises.block)
    mend = f"correct [venues.{venue.id}] in policy.toml"
    if factory is None:
        return fail(f"router `{venue.router}` of `{venue.id}` does not answer as one of Uniswap V2", mend)
    asked = [read_pair(factory, *(_address(premises, token) for token in pool.tokens)) for pool in venue.pools]
    for pool, found in zip(venue.pools, premises.chain.read(asked, premises.block), strict=True):
        if found != pool.address:
            tokens = " and ".join(pool.tokens)
            return fail(f"`{venue.id}` trades {tokens} in `{found or 'no pair'}`, not in `{pool.address}`", mend)
    return None


def _market(premises: Premises, market: Market) -> Result | None:
    seen = next((state for state in premises.facts.lending if state.pool == market.pool), None)
    mend = f"correct [venues.{market.id}] in policy.toml"
    if seen is None:
        return fail(f"`{market.pool}` of `{market.id}` does not answer as an Aave V3 pool", mend)
    shares = {(reserve.asset, reserve.receipt) for reserve in seen.reserves}
    for reserve in market.reserves:
        if (_address(premises, reserve.token), reserve.share) not in shares:
            return fail(f"`{reserve.share}` is not what `{market.id}` gives for {reserve.token}", mend)
    if seen.borrows:
        return fail(f"the Safe has a debt at `{market.id}`: nothing is lent or taken back there", "the owners repay it")
    return None


def _address(premises: Premises, token: TokenId) -> Address:
    return premises.policy.tokens[token].token.address
