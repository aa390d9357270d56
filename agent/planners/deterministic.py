"""The planner that is always there: plain rules of the mandate, no model and no key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from agent.planners import storms
from agent.planners.lending import is_stopped, told, units_left, within_calls
from agent.planners.rebalancing import Clipping, wanted_before
from agent.planners.sales import Unseen, still_wanted
from policies.dues import claimed
from policies.effects import Payment as Paid
from policies.markets import LENDING, Market
from policies.metering import orders_left, promised
from policies.pricing import holdings, price_of
from policies.terms import PolicyDocument
from strongroom.mandate import Trade, lending_wanted, payroll_due, withdrawals_needed
from strongroom.model import (
    Facts,
    Idle,
    Intent,
    Label,
    Labelled,
    LendingReserve,
    Pay,
    Plan,
    Supply,
    Swap,
    TokenId,
    Unit,
    Withdraw,
)
from strongroom.settings import Mandate, Payment
from strongroom.valuation import Price

_INTEREST_PART = 1_000
"""One part in so many of the largest position is left for interest: at five percent a year, a week of it."""


class DeterministicPlanner:
    """`Planner` for the mandate's own operations."""

    def __init__(self, mandate: Mandate, document: PolicyDocument) -> None:
        self._mandate, self._document = mandate, document

    def plan(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """`ask`: `operation`, `actor`, `period` (such as `2026-11`), `since`, its first second, `open`, ids of units
        under way, and `others`, our transactions that carried out other periods; for a rebalancing `spent`, its latest
        units that are not tried again, each with its transaction or nothing, and `runs_in`, the seconds until the runs
        of its job that may each sell a clip. Rebalancing happens at most once a pair and day, in clips where that is
        better, lending once a token and day, by the chain's time (UTC)."""
        if ask["operation"] == "payroll":
            return self._payroll(ask, facts)
        if ask["operation"] == "rebalance":
            return self._rebalance(ask, facts)
        if ask["operation"] == "lend":
            return self._lend(ask, facts)
        return _plan(f"{ask['operation']}-{facts.block.number}", ask, "nothing to do")

    def _payroll(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        addresses = {payee.id: payee.address for payee in self._document.payees.values()}
        # November paid on 1 December is not December's.
        outflows = [outflow for outflow in facts.outflows if outflow.tx_hash not in ask["others"]]
        due = payroll_due(self._mandate, addresses, outflows, ask["since"])
        plan_id = f"payroll-{ask['period']}"
        intents = with_withdrawals(plan_id, [_pay(plan_id, payment) for payment in due], facts, self._document)
        units = (Unit(plan_id, facts.account, intents),) if intents else ()
        already = len(self._mandate.payroll) - len(due)
        said = f"{len(due)} payments of {ask['period']} are due, {already} are made"
        return _plan(plan_id, ask, said + self._ordered(due, facts), *units)

    def _ordered(self, due: Sequence[Payment], facts: Facts) -> str:
        """How many of the payments standing orders pay now; the policy finds them, no plan asks for one."""
        payees, document = self._document.payees, self._document
        paid = (Paid(p.amount.token, payees[p.payee].address, p.amount.units) for p in due if p.payee in payees)
        count = len(claimed(paid, orders_left(facts, document), document)[0])
        if not due or not document.orders:
            return ""
        return f"; {count} by standing orders" + ("" if count == len(due) else ", the others count in the caps")

    def _rebalance(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """One unit for each trade, or for its next clip; none while an earlier rebalancing is under way: it may still
        change everything. What is lent counts as its token, and is taken back where a trade sells more than the Safe
        holds."""
        plan_id = f"rebalance-{_day(facts)}"
        if under_way := _under_way(ask, "rebalance"):
            return _plan(plan_id, ask, f"`{under_way}` is still under way")
        held = holdings(facts, self._document)
        found = {token: price_of(token, facts, self._document) for token in self._mandate.weights}
        prices = {token: price for token, price in found.items() if isinstance(price, Price)}
        missing = [token for token in found if token not in prices or token not in held]
        if missing:
            return _plan(plan_id, ask, f"no usable price or balance of {', '.join(missing)}; nothing is traded")
        clipping = Clipping.of(ask, facts, _day(facts), self._mandate.pacing, self._document)
        if isinstance(clipping, Unseen):
            behind = f"block {facts.block.number:,} does not show it yet; nothing is traded"
            return _plan(plan_id, ask, f"`{clipping.unit}` is made, and {behind}")
        wanted = still_wanted(clipping.under_way, partial(wanted_before, self._mandate, self._document, held, prices))
        trades = storms.sized(wanted, facts, self._document)
        parts = [(trade, clipping.part(trade)) for trade in trades]
        units = tuple(self._trading(part.id, trade, part.units, facts) for trade, part in parts if part.units)
        # What waits for its time is no storm.
        counted = () if trades and not units else (storms.told(len(wanted), len(units)),)
        return _plan(plan_id, ask, "; ".join((*counted, *(part.said for _, part in parts if part.said))), *units)

    def _trading(self, unit_id: str, trade: Trade, units: int, facts: Facts) -> Unit:
        swap = _swap(unit_id, replace(trade, units_in=units))
        return Unit(swap.id, facts.account, with_withdrawals(swap.id, [swap], facts, self._document))

    def _lend(self, ask: Mapping[str, Any], facts: Facts) -> Plan:
        """One unit for each token; none while an earlier one is under way. No supply is larger than the agent may make
        alone now, and none is made while the Kernel is paused: what is idle today is still idle tomorrow, and no
        guardian is asked for interest. What waits in the guardians' queue is not idle: lent meanwhile, it would be
        missing once it is signed."""
        plan_id = f"lend-{_day(facts)}"
        if under_way := _under_way(ask, "lend"):
            return _plan(plan_id, ask, f"`{under_way}` is still under way")
        kept = promised(facts, self._document)
        wanted = (self._moved(plan_id, token, idle, kept[token], facts) for token, idle in self._mandate.idle.items())
        moves = within_calls([move for move in wanted if move], facts, self._document)
        units = tuple(Unit(move.id, facts.account, (move,)) for move in moves)
        return _plan(plan_id, ask, told(moves, self._mandate, facts, self._document), *units)

    def _moved(
        self, plan_id: str, token: TokenId, idle: Idle, kept_units: int, facts: Facts
    ) -> Supply | Withdraw | None:
        market, liquid = self._document.markets.get(idle.venue), facts.balances.get(token)
        seen = _seen(market, token, facts, self._document) if market else None
        if market is None or seen is None or liquid is None:
            return None
        wanted = lending_wanted(idle, liquid - kept_units, seen.supplied_units)
        if wanted < 0:
            return _withdraw(plan_id, token, idle.venue, -wanted, Label.MANDATE)
        units = min(wanted, self._room(market, token, seen, facts))
        return _supply(plan_id, token, idle.venue, units) if units >= idle.step_units else None

    def _room(self, market: Market, token: TokenId, seen: LendingReserve, facts: Facts) -> int:
        """Units that may be supplied: alone now, and a little below the policy's largest position and the market's own
        cap. Interest takes of both until the supply is mined, and both refuse what is a unit too much."""
        reserve, cap = market.reserve(token), self._document.cap(LENDING, token)
        if reserve is None or cap is None or not seen.active or seen.frozen or seen.paused or is_stopped(facts):
            return 0
        own_room = reserve.most_units - seen.supplied_units
        room = own_room if seen.supply_room_units is None else min(own_room, seen.supply_room_units)
        return max(min(units_left(cap, facts, self._document), room - reserve.most_units // _INTEREST_PART), 0)


def with_withdrawals(id_: str, intents: Sequence[Intent], facts: Facts, document: PolicyDocument) -> tuple[Intent, ...]:
    """The intents, and before them what must be taken back from markets so that the Safe holds what they pay or sell.

    In the same unit, not in one of its own before it: a unit is atomic in both lanes, so the payment is rehearsed on
    what the withdrawal brings. A second unit could not be rehearsed while the first still waits for guardians, and a
    withdrawal whose payment is then refused would lie idle. Where the markets hold less than is missing, or one did not
    answer, the intents stay as they are, and the rehearsal says why they fail."""
    out: Counter[TokenId] = Counter()
    labels: dict[TokenId, list[Label]] = {}
    for token, units in filter(None, map(_leaving, intents)):
        out[token.value] += units.value
        labels.setdefault(token.value, []).extend((units.label, token.label))
    # Who chose the amount chose what must come back for it.
    worst = {token: max(found, key=lambda label: label.rank) for token, found in labels.items()}
    taken = [each for token, units in out.items() for each in _taken_back(id_, token, units, worst, facts, document)]
    return (*taken, *intents)


def _leaving(intent: Intent) -> tuple[Labelled[TokenId], Labelled[int]] | None:
    if isinstance(intent, Pay):
        return intent.token, intent.amount_units
    return (intent.token_in, intent.amount_in_units) if isinstance(intent, Swap) else None


def _taken_back(
    id_: str, token: TokenId, units: int, labels: Mapping[TokenId, Label], facts: Facts, document: PolicyDocument
) -> Iterator[Withdraw]:
    if token not in document.tokens or token not in facts.balances:
        return
    lent = {
        market.id: seen.supplied_units
        for market in document.markets.values()
        if (seen := _seen(market, token, facts, document)) is not None
    }
    needed = withdrawals_needed(units, facts.balances[token], document.tokens[token].keep_units, lent)
    for venue, amount in needed:
        yield _withdraw(id_, token, venue, amount, labels[token])


def _seen(market: Market, token: TokenId, facts: Facts, document: PolicyDocument) -> LendingReserve | None:
    """The token's reserve as it was observed, or `None`."""
    listed = document.tokens.get(token)
    states = (state for state in facts.lending if state.pool == market.pool)
    reserves = (reserve for state in states for reserve in state.reserves)
    return next((each for each in reserves if listed and each.asset == listed.token.address), None)


def _day(facts: Facts) -> str:
    return f"{datetime.fromtimestamp(facts.block.timestamp, UTC):%Y-%m-%d}"


def _under_way(ask: Mapping[str, Any], operation: str) -> str:
    return next((unit for unit in ask["open"] if unit.startswith(f"{operation}-")), "")


def _plan(plan_id: str, ask: Mapping[str, Any], rationale: str, *units: Unit) -> Plan:
    return Plan(plan_id, ask["actor"], units, rationale)


def _pay(plan_id: str, payment: Payment) -> Intent:
    return Pay(
        id=f"{plan_id}-{payment.payee}",
        token=Labelled(payment.amount.token, Label.MANDATE),
        payee=Labelled(payment.payee, Label.MANDATE),
        amount_units=Labelled(payment.amount.units, Label.MANDATE),
        reason=Labelled(f"payroll {plan_id.removeprefix('payroll-')}", Label.MANDATE),
    )


def _swap(unit_id: str, trade: Trade) -> Swap:
    return Swap(
        id=unit_id,
        token_in=Labelled(trade.token_in, Label.MANDATE),
        token_out=Labelled(trade.token_out, Label.MANDATE),
        amount_in_units=Labelled(trade.units_in, Label.MANDATE),
        reason=Labelled("back to the mandate's weights", Label.MANDATE),
    )


def _supply(plan_id: str, token: TokenId, venue: str, units: int) -> Supply:
    return Supply(
        id=f"{plan_id}-{token}",
        token=Labelled(token, Label.MANDATE),
        amount_units=Labelled(units, Label.MANDATE),
        venue=Labelled(venue, Label.MANDATE),
        reason=Labelled("more than the mandate keeps in the Safe", Label.MANDATE),
    )


def _withdraw(plan_id: str, token: TokenId, venue: str, units: int, label: Label) -> Withdraw:
    return Withdraw(
        id=f"{plan_id}-{token}-{venue}",
        token=Labelled(token, label),
        amount_units=Labelled(units, label),
        # The rules chose where, whoever chose how much.
        venue=Labelled(venue, Label.MANDATE),
        reason=Labelled("less in the Safe than is needed", Label.MANDATE),
    )
