"""A plan that the new policy judges more mildly than the old one: searched for around the limits, then made plain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from policies.differing.change import Change
from policies.differing.draws import draw
from policies.differing.subjects import subjects, touched
from policies.differing.world import Verdicts, World, judge_both
from policies.market_scene import MarketScene
from policies.scenario import NOW, Scenario
from policies.terms import PolicyDocument
from strongroom.model import Intent, Label, Labelled, Outflow, Swap
from strongroom.valuation import BPS

_DAY_SECONDS = 86_400
_WIDELY = 0.15
"""The part of the plans that is about anything: a change may loosen what its key does not name."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A world in which the new policy is milder, and what both say there."""

    world: World
    verdicts: Verdicts


def plans(old: PolicyDocument, new: PolicyDocument, changes: Iterable[Change], seed: int) -> Iterator[World]:
    """Plans without end, most of them about what the changes touch; none where neither policy lets anything be done."""
    random, pair = Random(seed), (old, new)  # noqa: S311 - draws plans, no secret
    everything = subjects(pair)
    near = touched(everything, changes, pair)
    while everything:
        yield draw(random, pair, everything if random.random() < _WIDELY else near)


def loosened(world: World, old: PolicyDocument, new: PolicyDocument) -> Verdicts | None:
    """The verdicts of both on a world in which the new policy is the milder one."""
    return next((each for each in judge_both(world, old, new) if each.loosened), None)


def find_witness(
    old: PolicyDocument, new: PolicyDocument, changes: Iterable[Change], draws: int, seed: int = 1
) -> Witness | None:
    """The first of so many plans that gets a milder verdict, as plain as it can be; `None` where there was none, which
    proves nothing: it may need another world than these, or the change may lie beyond single plans."""
    for _, world in zip(range(draws), plans(old, new, changes, seed), strict=False):
        if loosened(world, old, new) is not None:
            return _plain(world, old, new)
    return None


def _plain(world: World, old: PolicyDocument, new: PolicyDocument) -> Witness:
    """The same with whatever is not needed taken out, and the roundest amount that still shows it."""
    while (simpler := _simpler(world, old, new)) is not None:
        world = simpler
    verdicts = loosened(world, old, new)
    assert verdicts is not None
    return Witness(world, verdicts)


def _simpler(world: World, old: PolicyDocument, new: PolicyDocument) -> World | None:
    return next((each for each in _variants(world, old) if each != world and loosened(each, old, new)), None)


def _variants(world: World, document: PolicyDocument) -> Iterator[World]:
    scenario = world.scenario
    yield replace(world, late={}, apart_bps={}, gas_units=None, base_fee_wei=None)
    yield from (replace(world, late={}), replace(world, apart_bps={}))
    yield from (replace(world, gas_units=None), replace(world, base_fee_wei=None))
    yield replace(world, scenario=replace(scenario, arrives_bps=BPS))
    yield replace(world, scenario=replace(scenario, waiting=()))
    yield from (replace(world, scenario=each) for each in _plainer_scenes(scenario))
    for n in range(len(scenario.past)):
        yield replace(world, scenario=replace(scenario, past=scenario.past[:n] + scenario.past[n + 1 :]))
    for n, outflow in enumerate(scenario.past):
        for moved in _in_whole_days(outflow, scenario.now):
            past = (*scenario.past[:n], moved, *scenario.past[n + 1 :])
            yield replace(world, scenario=replace(scenario, past=past))
    for n in range(len(scenario.intents) if len(scenario.intents) > 1 else 0):
        yield replace(world, scenario=replace(scenario, intents=scenario.intents[:n] + scenario.intents[n + 1 :]))
    for n, intent in enumerate(scenario.intents):
        for other in (*_rounder(intent), _by_people(intent)):
            intents = (*scenario.intents[:n], other, *scenario.intents[n + 1 :])
            yield replace(world, scenario=replace(scenario, intents=intents))


def _plainer_scenes(scenario: Scenario) -> Iterator[Scenario]:
    """The same at the usual time, asked by nobody in particular, with lists, models and markets that say nothing."""
    shift = NOW - scenario.now
    past = tuple(replace(each, timestamp=each.timestamp + shift) for each in scenario.past)
    yield replace(scenario, now=NOW, past=past)
    yield from (
        replace(scenario, denied=(), denied_by=""),
        replace(scenario, denied_by=""),
        replace(scenario, lists_age_seconds=0),
    )
    yield from (replace(scenario, actor=""), replace(scenario, opinions=()), replace(scenario, owes=False))
    usual, market = MarketScene(), scenario.market
    yield replace(scenario, market=usual)
    for name in ("holds", "accepts_bps", "average_bps", "swing_bps", "swung_seconds"):
        yield replace(scenario, market=replace(market, **{name: getattr(usual, name)}))


def _rounder(intent: Intent) -> Iterator[Intent]:
    """The amount with fewer digits, the fewest first: down, and up."""
    amount = intent.amount_in_units if isinstance(intent, Swap) else intent.amount_units
    for place in range(len(str(amount.value)) - 1, 0, -1):
        for rounded in (amount.value // 10**place * 10**place, -(-amount.value // 10**place) * 10**place):
            if rounded and _digits(rounded) < _digits(amount.value):
                yield _with_amount(intent, Labelled(rounded, amount.label))


def _in_whole_days(outflow: Outflow, now: int) -> Iterator[Outflow]:
    """The same some hours sooner, or later."""
    days, rest = divmod(now - outflow.timestamp, _DAY_SECONDS)
    if rest:
        yield from (replace(outflow, timestamp=now - each * _DAY_SECONDS) for each in (days, days + 1))


def _digits(value: int) -> int:
    return len(str(value).rstrip("0"))


def _by_people(intent: Intent) -> Intent:
    amount = intent.amount_in_units if isinstance(intent, Swap) else intent.amount_units
    return _with_amount(intent, Labelled(amount.value, Label.OPERATOR))


def _with_amount(intent: Intent, amount: Labelled[int]) -> Intent:
    if isinstance(intent, Swap):
        return replace(intent, amount_in_units=amount)
    return replace(intent, amount_units=amount)
