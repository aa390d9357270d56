"""The units of a rebalancing: each trade that the mandate wants, as one clip of a sale or as all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.planners.clips import Choice, choose, shown_down
from agent.planners.hops import better_through
from agent.planners.sales import Pair, Sale, Unseen, clip_id, last_id, sales
from policies.terms import PolicyDocument
from strongroom.mandate import Trade, trades_wanted
from strongroom.model import Facts, TokenId
from strongroom.pacing_settings import Pacing
from strongroom.quantities import format_moment, format_seconds
from strongroom.settings import Mandate
from strongroom.valuation import Price, Problem

_WORTH_SAYING_BPS = 1.0
"""What clips would save and no run of the job is there for; below, nobody changes a schedule for it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is sold of a trade now, under the unit's id; nothing where `units` is zero. `said` is for people; empty
    where the trade is simply made at once."""

    id: str
    units: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Clipping:
    """Decides about the trades of one cycle. `runs_in` are the seconds until the job's next runs, `day` is today."""

    pacing: Pacing
    facts: Facts
    document: PolicyDocument
    found: Mapping[Pair, Sale]
    spent: Mapping[str, str]
    runs_in: tuple[int, ...]
    day: str

    @classmethod
    def of(
        cls, ask: Mapping[str, Any], facts: Facts, day: str, pacing: Pacing, document: PolicyDocument
    ) -> Clipping | Unseen:
        """For an ask as the planner takes it."""
        spent, runs_in = ask.get("spent", {}), tuple(ask.get("runs_in", ()))
        pairs = {pair for pool in document.pools() for pair in (pool.tokens, pool.tokens[::-1])}
        found = sales(spent, facts, sorted(pairs), pacing)
        return found if isinstance(found, Unseen) else cls(pacing, facts, document, found, spent, runs_in, day)

    @property
    def under_way(self) -> tuple[Sale, ...]:
        return tuple(sale for sale in self.found.values() if not sale.over)

    def part(self, trade: Trade) -> Part:
        """Of a trade, or of what is left of it."""
        found = self._part(trade)
        sold = replace(trade, units_in=found.units)
        hops = better_through(sold, self.facts, self.document) if found.units else ""
        return replace(found, said="; ".join(filter(None, (found.said, hops))))

    def _part(self, trade: Trade) -> Part:
        pair = (trade.token_in, trade.token_out)
        sale, whole = self.found.get(pair), Part(last_id(self.day, pair), trade.units_in)
        if sale is None:
            # What was made, turned down or waits under the day's own id is not begun again in clips.
            return whole if whole.id in self.spent else self._clip(trade, None)
        now = self.facts.block.timestamp
        if sale.over and whole.id not in self.spent:
            said = f"{self._named(trade)} was sold in clips today and is not begun again: {sale.over}"
            return Part(whole.id, 0, said)
        if sale.over:
            return whole
        if now < sale.last + self.pacing.pause_seconds:
            due = format_moment(sale.last + self.pacing.pause_seconds)
            return Part(whole.id, 0, f"the next clip of {self._named(trade)} is not due before {due}")
        return self._clip(trade, sale)

    def _clip(self, trade: Trade, sale: Sale | None) -> Part:
        pair, day, made = (trade.token_in, trade.token_out), sale.day if sale else self.day, sale.clips if sale else 0
        runs_in = self._runs_left(sale)
        choice = self._choice(trade, runs_in)
        if isinstance(choice, Choice) and len(choice.best.clips) > 1:
            units = choice.best.clips[0].units
            return Part(clip_id(day, pair, made + 1), units, self._told(trade, choice, runs_in, made))
        if sale:
            return Part(
                last_id(day, pair),
                trade.units_in,
                f"sells the last {self._amount(trade)}, clip {made + 1} of {made + 1}",
            )
        return Part(last_id(day, pair), trade.units_in, self._why_at_once(trade, choice))

    def _runs_left(self, sale: Sale | None) -> tuple[int, ...]:
        """As many later runs as the sale may still use, in its time."""
        pacing, made = self.pacing, sale.clips if sale else 0
        since = self.facts.block.timestamp - sale.begun if sale else 0
        left = [each for each in self.runs_in if each + since <= pacing.within_seconds]
        return tuple(left[: max(pacing.clips - made - 1, 0)])

    def _choice(self, trade: Trade, runs_in: tuple[int, ...]) -> Choice | Problem | None:
        return choose(trade, runs_in, self.pacing, self.facts, self.document) if runs_in else None

    def _told(self, trade: Trade, choice: Choice, runs_in: tuple[int, ...], made: int) -> str:
        best, count = choice.best, len(choice.best.clips)
        over = format_seconds(_minutes(runs_in[count - 2]))
        rest, after = ("what is left, ", f", after {made} made") if made else ("", "")
        now = shown_down(trade.token_in, best.clips[0].units, self.document)
        return (
            f"sells {rest}{self._amount(trade)}, in {count} clips over {over}{after}: {now} now, the next in"
            f" {format_seconds(_minutes(runs_in[0]))}; expected cost {best.cost_bps:.1f} bp, spread"
            f" {best.spread_bps:.1f} bp; at once {choice.at_once.cost_bps:.1f} bp"
        )

    def _why_at_once(self, trade: Trade, choice: Choice | Problem | None) -> str:
        """Why what might be sold in clips is not; empty where nothing would be gained."""
        if isinstance(choice, Problem):
            return f"sells {self._amount(trade)} at once: {choice.reason}"
        if self.runs_in or self.pacing.clips == 1:
            return ""
        pacing, gap = self.pacing, max(self.pacing.pause_seconds, self.pacing.within_seconds // self.pacing.clips)
        count = min(pacing.clips - 1, pacing.within_seconds // gap)
        better = self._choice(trade, tuple(gap * place for place in range(1, count + 1)))
        if not isinstance(better, Choice) or len(better.best.clips) == 1:
            return ""
        saved = better.at_once.weighed(pacing.risk_aversion) - better.best.weighed(pacing.risk_aversion)
        if saved < _WORTH_SAYING_BPS:
            return ""
        return (
            f"sells {self._amount(trade)} at once for {better.at_once.cost_bps:.1f} bp: {len(better.best.clips)} clips"
            f" would be better by {saved:.1f} bp, but no run of the job comes within"
            f" {format_seconds(pacing.within_seconds)}"
        )

    def _named(self, trade: Trade) -> str:
        return f"{trade.token_in} for {trade.token_out}"

    def _amount(self, trade: Trade) -> str:
        return f"{shown_down(trade.token_in, trade.units_in, self.document)} for {trade.token_out}"


def wanted_before(
    mandate: Mandate,
    document: PolicyDocument,
    held: Mapping[TokenId, int],
    prices: Mapping[TokenId, Price],
    sales: tuple[Sale, ...],
) -> tuple[Trade, ...]:
    """The trades that the mandate would want now had these sales sold nothing yet."""
    decimals = {token: document.tokens[token].token.decimals for token in prices}
    pairs = {frozenset(pool.tokens) for pool in document.pools()}
    # A mandate that was changed meanwhile may weigh other tokens.
    weighed = tuple(sale for sale in sales if {*sale.pair} <= prices.keys())
    return trades_wanted(mandate, _undone(held, weighed, decimals, prices), decimals, prices, pairs)


def _undone(
    held: Mapping[TokenId, int],
    sales: tuple[Sale, ...],
    decimals: Mapping[TokenId, int],
    prices: Mapping[TokenId, Price],
) -> dict[TokenId, int]:
    """What would be held, at today's prices: the whole is worth the same."""
    before = dict(held)
    for sale in sales:
        paid, got = prices[sale.token_in], prices[sale.token_out]
        worth = sale.sold_units * (paid.low_e8 + paid.high_e8) * 10 ** decimals[sale.token_out]
        before[sale.token_in] += sale.sold_units
        before[sale.token_out] -= worth // ((got.low_e8 + got.high_e8) * 10 ** decimals[sale.token_in])
    return before


def _minutes(seconds: int) -> int:
    """To the minute, at least one."""
    return max(round(seconds / 60), 1) * 60
