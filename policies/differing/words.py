"""A plan and its world in the words of cases.toml."""

from __future__ import annotations

from collections.abc import Iterator

from policies.differing.draws import STRANGER
from policies.differing.witness import Witness
from policies.differing.world import World
from policies.market_scene import MarketScene
from policies.moments import write_moment
from policies.scenario import NOW, Scenario
from policies.terms import PolicyDocument
from strongroom.model import (
    NATIVE,
    Address,
    Decision,
    Intent,
    Label,
    Labelled,
    Outflow,
    Pay,
    Supply,
    Swap,
    TokenId,
    Verdict,
)
from strongroom.quantities import format_bps, format_seconds, format_units, quantity
from strongroom.valuation import BPS

_GWEI = 9
Pair = tuple[PolicyDocument, PolicyDocument]


def told(witness: Witness, pair: Pair) -> tuple[str, ...]:
    """`pay 12_500 USDC to alice: ask -> allow`, and a line for each thing that must be so for it."""
    plan = ", and ".join(_request(intent, pair) for intent in witness.world.scenario.intents)
    old, new = (_verdict(each) for each in (witness.verdicts.old, witness.verdicts.new))
    return f"{plan}: {old} -> {new}", *_around(witness.world, pair)


def _verdict(decision: Decision) -> str:
    if decision.verdict is not Verdict.ASK:
        return str(decision.verdict)
    needed = decision.approvals_needed
    return f"ask {needed} guardian{'' if needed == 1 else 's'}"


def _request(intent: Intent, pair: Pair) -> str:
    if isinstance(intent, Swap):
        sold = _amount(intent.token_in.value, intent.amount_in_units, pair)
        return f"swap {sold} to {intent.token_out.value}{_by(intent.amount_in_units)}"
    amount = _amount(intent.token.value, intent.amount_units, pair)
    if isinstance(intent, Pay):
        return f"pay {amount} to {intent.payee.value}{_by(intent.amount_units)}"
    verb, way = ("supply", "to") if isinstance(intent, Supply) else ("withdraw", "from")
    return f"{verb} {amount} {way} {intent.venue.value}{_by(intent.amount_units)}"


def _by(amount: Labelled[int]) -> str:
    return " (amount_by = model)" if amount.label is Label.MODEL else ""


def _amount(token: TokenId, amount: Labelled[int], pair: Pair) -> str:
    return _quantity(token, amount.value, pair)


def _quantity(token: TokenId, units: int, pair: Pair) -> str:
    known = next((found for each in pair if (found := each.token(token)) is not None), None)
    return f"{quantity(units, known.decimals)} {token}" if known else f"{units} units of {token}"


def _around(world: World, pair: Pair) -> Iterator[str]:
    scenario = world.scenario
    yield from (f"past: {_left(each, pair, scenario.now)}" for each in scenario.past)
    for recipient, amount in scenario.waiting:
        yield f"waiting: {_quantity(amount.token, amount.units, pair)} to {_name(recipient, pair)}"
    if scenario.arrives_bps != BPS:
        yield f"arrives: {format_bps(scenario.arrives_bps)}"
    for token, units in scenario.supplied.items():
        yield f"supplied: {_quantity(token, units, pair)}"
    yield from _scene(scenario, pair)
    yield from _prices(world)
    if world.gas_units is not None:
        yield f"gas: {world.gas_units:,} units"
    if world.base_fee_wei is not None:
        yield f"price of gas: {format_units(world.base_fee_wei, _GWEI)} gwei"
    yield from _short(world, pair)


def _scene(scenario: Scenario, pair: Pair) -> Iterator[str]:
    """When, who asked, and what lists, models and markets say, by the keys of cases.toml."""
    if scenario.now != NOW:
        yield f"at: {write_moment(scenario.now)}"
    if scenario.actor:
        yield f"asked_by: {scenario.actor}"
    yield from (f"denied: {_name(each, pair)}" for each in scenario.denied)
    if scenario.denied_by:
        yield f"denied_by: {scenario.denied_by}"
    if scenario.lists_age_seconds:
        yield f"lists_age: {format_seconds(scenario.lists_age_seconds)}"
    for opinion in scenario.opinions:
        yield f"second_says: {' and '.join(_request(each, pair) for each in opinion.intents)}"
    if scenario.owes:
        yield "owes: true"
    yield from _market(scenario.market, pair)


def _market(market: MarketScene, pair: Pair) -> Iterator[str]:
    yield from (f"pool_holds: {_quantity(token, units, pair)}" for token, units in market.holds.items())
    if market.accepts_bps is not None:
        yield f"accepts: {format_bps(market.accepts_bps)}"
    if market.average_bps != BPS:
        yield f"average: {format_bps(market.average_bps)}"
    if market.swing_bps:
        yield f"swing: {format_bps(market.swing_bps)}"
    if market.swung_seconds:
        yield f"swung: {format_seconds(market.swung_seconds)} ago"


def _prices(world: World) -> Iterator[str]:
    late, apart = set(world.late.values()), set(world.apart_bps.values())
    yield from (f"prices are {format_seconds(age)} old" for age in late if age)
    yield from (f"the sources of a price are {format_bps(bps)} apart" for bps in apart if bps)


def _short(world: World, pair: Pair) -> Iterator[str]:
    """The balances, where one is what a token's `keep` is about."""
    for token, units in world.scenario.balances.items():
        listed = next(each.tokens[token] for each in pair if token in each.tokens)
        if units < 10**6 * 10**listed.token.decimals:
            yield f"balances: {_quantity(token, units, pair)}"


def _left(outflow: Outflow, pair: Pair, now: int) -> str:
    amount = _quantity(outflow.token, outflow.units, pair)
    return f"{amount} to {_name(outflow.recipient, pair)} {format_seconds(now - outflow.timestamp)} ago"


def _name(address: Address, pair: Pair) -> str:
    if address == STRANGER:
        return "an address that no policy knows"
    payees = (found.id for each in pair if (found := each.payee_at(address)) is not None)
    pools = (
        venue.id for each in pair for venue in each.venues.values() for pool in venue.pools if pool.address == address
    )
    shares = (market.id for each in pair for market, reserve in each.shares().values() if reserve.share == address)
    named = next(iter((*payees, *pools, *shares)), str(address))
    return "its market, back" if address == NATIVE else named
