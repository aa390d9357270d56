"""Whether the listed tokens are what the policy says, and whether their prices can be believed."""

from __future__ import annotations

from agent.onboarding.examination import Result, fail, ok
from agent.onboarding.premises import Premises
from strongroom.protocols.erc20 import read_decimals
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
