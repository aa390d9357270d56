"""Attacks that a mutant of a policy may let further than the policy does: one unit in one world, judged twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policies.differing.differences import differences
from policies.differing.witness import loosened, plans
from policies.differing.world import Verdicts
from policies.engine import decide
from policies.scenario import Judged, Scenario, facts_of, stage
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import Swap

DRAWS = 60
"""Plans tried, most of them at the limits that the mutant moves."""


def gets_further(original: PolicyDocument, mutant: PolicyDocument, scenarios: Iterable[Scenario]) -> bool:
    """Whether any attack gets a milder verdict, or fewer guardians; `scenarios` are ordinary units to attack with."""
    tried = tuple(scenarios)
    if any(each.loosened for each in (*_looking_away(original, mutant, tried), *_elsewhere(original, mutant, tried))):
        return True
    drawn = plans(original, mutant, differences(original, mutant), seed=1)
    attempts = (world for _, world in zip(range(DRAWS), drawn, strict=False))
    return any(loosened(world, original, mutant) is not None for world in attempts)


def _looking_away(
    original: PolicyDocument, mutant: PolicyDocument, scenarios: Iterable[Scenario]
) -> Iterator[Verdicts]:
    """Something is wrong where the policy looks (a feed a second too old, an average far away, a swing), and nothing
    where the mutant does: at other feeds, over another time, with more patience."""
    for scenario in scenarios:
        bad = _as_seen(scenario, original, mutant)
        if bad != scenario:
            yield from _verdicts(_staged(bad, original), _staged(scenario, mutant), original, mutant)


def _as_seen(scenario: Scenario, original: PolicyDocument, mutant: PolicyDocument) -> Scenario:
    doubted = {t for t in original.tokens if t in mutant.tokens and _looks_elsewhere(t, original, mutant)}
    market = scenario.market
    if original.trading.average_seconds != mutant.trading.average_seconds:
        market = replace(market, average_bps=9_000)
    if original.volatility and mutant.volatility and original.volatility.over_seconds != mutant.volatility.over_seconds:
        market = replace(market, swing_bps=5_000)
    return replace(scenario, stale=scenario.stale | doubted, market=market)


def _looks_elsewhere(token: str, original: PolicyDocument, mutant: PolicyDocument) -> bool:
    one, other = (
        (each.feeds_of(each.tokens[token].token.id), each.bounds_of(each.tokens[token].token.id))
        for each in (original, mutant)
    )
    return one[0] != other[0] or other[1].max_age_seconds > one[1].max_age_seconds


def _elsewhere(original: PolicyDocument, mutant: PolicyDocument, scenarios: Iterable[Scenario]) -> Iterator[Verdicts]:
    """An ordinary swap, made at each single pool of the mutant that the policy has not."""
    for scenario in scenarios:
        if all(isinstance(intent, Swap) for intent in scenario.intents):
            for narrow in _new_pools(original, mutant):
                unit = _staged(scenario, narrow)
                yield from _verdicts(unit, unit, original, mutant, scenario)


def _new_pools(original: PolicyDocument, mutant: PolicyDocument) -> Iterator[PolicyDocument]:
    """The mutant with one pool alone, for each that differs or lies behind another router."""
    known = {(venue.router, pool) for venue in original.venues.values() for pool in venue.pools}
    for id_, venue in mutant.venues.items():
        for pool in venue.pools:
            if (venue.router, pool) not in known:
                yield replace(mutant, venues={id_: replace(venue, pools=(pool,))})


def _staged(scenario: Scenario, document: PolicyDocument) -> Judged | None:
    """The unit as the policy would make it; `None` where it cannot."""
    try:
        return stage(scenario, document)
    except (InputError, LookupError):
        return None


def _verdicts(
    one: Judged | None,
    other: Judged | None,
    original: PolicyDocument,
    mutant: PolicyDocument,
    seen: Scenario | None = None,
) -> Iterator[Verdicts]:
    """Both verdicts on one unit; with `seen`, each policy sees its own facts of that world."""
    if one is None or other is None:
        return
    pairs = ((one, original), (other, mutant))
    decisions = (
        decide(unit.compiled, unit.action, unit.rehearsal, facts_of(seen, doc) if seen else unit.facts, doc)
        for unit, doc in pairs
    )
    yield Verdicts(*decisions)
