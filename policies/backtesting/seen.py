"""What was observed for a row besides its bytes: by a node that has the state still, or by its own treasurer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.backtesting.needs import Known
from policies.positions import tokens_of
from policies.terms import UNISWAP_V2, PolicyDocument
from strongroom.model import Action, Address, Digest, Facts, Rehearsal, Round, TokenId, Unit


@dataclass(frozen=True, slots=True)
class Observed:
    """A node's answer: `facts` at the block before the row's, `rehearsal` of its bytes on that block (none where the
    node simulates nothing or the row was never executed), and the gas that its transaction used."""

    facts: Facts
    gas_used: int
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a ledger holds of one judgement: what was meant, the very action, its rehearsal, the facts, and the hash of
    the policy that judged it."""

    unit: Unit
    action: Action
    rehearsal: Rehearsal
    facts: Facts
    policy: Digest


def covered(facts: Facts, document: PolicyDocument) -> frozenset[Known]:
    """Which needs these facts meet in full: all tokens, all sources, all pools and markets of the policy."""
    whole = {
        Known.BALANCES: tokens_of(document).keys() <= facts.balances.keys(),
        Known.PRICES: _priced(document) <= whole_rounds(facts, document).keys(),
        Known.PAST_PRICES: document.volatility is not None and _priced(document) <= facts.past_rounds.keys(),
        Known.POOLS: document.trading.needs_pools and _pools(document) <= _found(facts),
        Known.MARKETS: {each.pool for each in document.markets.values()} <= {each.pool for each in facts.lending},
        Known.WATCH: facts.watch is not None,
    }
    return frozenset(known for known, holds in whole.items() if holds)


def whole_rounds(facts: Facts, document: PolicyDocument) -> Mapping[TokenId, tuple[Round, ...]]:
    """The rounds of those tokens whose every source answered."""
    return {
        token: rounds
        for token, rounds in facts.rounds.items()
        if token in document.tokens and {each.feed for each in rounds} == set(document.tokens[token].feeds)
    }


def _priced(document: PolicyDocument) -> set[TokenId]:
    return {token for token, listed in document.tokens.items() if listed.feeds}


def _pools(document: PolicyDocument) -> set[Address]:
    venues = document.venues.values()
    return {pool.address for venue in venues for pool in venue.pools if venue.lens or venue.kind == UNISWAP_V2}


def _found(facts: Facts) -> set[Address]:
    return {each.pool for each in facts.pools} | {each.pool for each in facts.pairs}
