"""Whether the listed tokens are what the policy says, and whether their prices can be believed."""

from __future__ import annotations

from agent.onboarding.chains import Kind
from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from strongroom.protocols.chainlink import round_from, round_reads
from strongroom.protocols.erc20 import read_decimals
from strongroom.protocols.price_source import SEQUENCER_GRACE_SECONDS
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
