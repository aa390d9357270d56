"""The example DAO under config/'s policy, on a block of paths; and the agent's own day on one of them, in exact
units: the planner plans it, the engine judges it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from agent.example import JOBS
from agent.forecasting import Start, Terms, book_of, calendar_of
from agent.planners.deterministic import DeterministicPlanner
from policies.document import load
from policies.engine import decide
from policies.market_scene import MarketScene
from policies.scenario import Scenario, facts_of, stage
from policies.terms import PolicyDocument
from simulations.treasury.book import ALLOW, ASK, DAY_SECONDS, DENY, Book, Calendar
from simulations.treasury.source import Floats
from simulations.treasury.state import LENT, SOLD, TAKEN, Moved, State
from strongroom.model import NATIVE, Delta, Digest, Facts, Outflow, Pay, Supply, Swap, TokenId, Unit, Verdict, Withdraw
from strongroom.settings import Mandate, load_mandate
from strongroom.world.treasury import DAI, ETH, HALL, PRICES_E8, TREASURY, USDC, WETH, units

CONFIG = Path(__file__).parents[3] / "config"
POLICY: PolicyDocument = load((CONFIG / "policy.toml").read_text())
MANDATE: Mandate = load_mandate(
    (CONFIG / "mandate.toml").read_text(), {id_: listed.token.decimals for id_, listed in POLICY.tokens.items()}
)
PRICES = {token: sources[0] for token, sources in PRICES_E8.items()}
NEW_YEAR = 1_767_225_600
NOW = 1_900_000_000
START = Start(dict(TREASURY.holdings), PRICES, NEW_YEAR)
SERIES = ("BTC", "ETH")
VERDICTS = {Verdict.ALLOW: ALLOW, Verdict.DELAY: ALLOW, Verdict.ASK: ASK, Verdict.DENY: DENY}


def book(terms: Terms | None = None, policy: PolicyDocument = POLICY, mandate: Mandate = MANDATE) -> Book:
    return book_of(mandate, policy, START, terms or Terms(), SERIES)


def looser(policy: PolicyDocument) -> PolicyDocument:
    """With caps that are seldom reached, so that every verdict is met."""
    swaps = {
        token: replace(
            cap, at_once_units=cap.at_once_units * 4, cap_units=cap.cap_units * 4, never_units=cap.never_units * 2,
            tiers=tuple(replace(tier, above_units=tier.above_units * 5) for tier in cap.tiers),
        )
        for token, cap in policy.caps["swaps"].items()
    }  # fmt: skip
    return replace(policy, caps={**policy.caps, "swaps": swaps})


def calendar(days: int) -> Calendar:
    return calendar_of(JOBS, NEW_YEAR, days)


def returns(seed: int, days: int, paths: int, daily: float = 0.06) -> Floats:
    """Normal log-returns, wilder than real ones: many bands are left."""
    return np.random.Generator(np.random.Philox(key=seed)).normal(0.0, daily, (days, len(SERIES), paths))


def snapped(book: Book, state: State, path: int) -> State:
    """One path of a state, every amount and price the nearest that the chain can hold; nobody paid anything before."""
    one = state_of(state, path)
    tokens = lambda floats: np.array(  # noqa: E731
        [[unit / 10**asset.decimals] for unit, asset in zip(_units(book, floats), book.assets, strict=True)]
    )
    past = tuple(Moved(each.day, np.stack([tokens(kind) for kind in each.tokens])) for each in one.past)
    prices = np.round(one.prices * 1e8) / 1e8
    zero = np.zeros_like(one.prices)
    return replace(
        one, liquid=tokens(one.liquid), lent=tokens(one.lent), prices=prices, past=past, owed=zero,
        owed_months=np.zeros(1, np.int64), paused_until=np.zeros(1, np.int64),
    )  # fmt: skip


def state_of(state: State, path: int) -> State:
    cut = slice(path, path + 1)
    past = tuple(Moved(each.day, each.tokens[:, :, cut]) for each in state.past)
    arrays = {name: getattr(state, name)[..., cut] for name in _ARRAYS}
    return replace(state, past=past, **arrays)


_ARRAYS = ("prices", "liquid", "lent", "paid", "mark", "paused_until", "owed_months", "owed")


def _units(book: Book, floats: Floats) -> list[int]:
    return [round(Fraction(float(each)) * 10**a.decimals) for each, a in zip(floats[:, 0], book.assets, strict=True)]


@dataclass
class Made:
    """One unit: its intents, the engine's verdict, and whether it was carried out."""

    unit: Unit
    verdict: int
    done: bool


class Agent:
    """The real planner and the real engine on one path, with guardians who sign all or nothing. Units are carried out
    as the prices and one constant-product pool have it, in exact units rounded down."""

    def __init__(self, book: Book, state: State, policy: PolicyDocument, mandate: Mandate) -> None:
        self.book, self.policy = book, policy
        self.planner = DeterministicPlanner(mandate, policy)
        self.liquid = dict(zip([a.token for a in book.assets], _units(book, state.liquid), strict=True))
        self.lent = dict(zip([a.token for a in book.assets], _units(book, state.lent), strict=True))
        scale = np.round(state.prices[:, 0] * 1e8).astype(np.int64).tolist()
        self.prices = {a.token: price for a, price in zip(book.assets, scale, strict=True) if price}
        self.past = [o for moved in state.past for o in self._outflows(moved, state.day)]

    def run(self, operation: str) -> list[Made]:
        ask = {
            "operation": operation, "actor": f"job:{operation}", "period": "2030-03", "since": NOW, "open": [],
            "others": [],
        }  # fmt: skip
        return [self._carried_out(unit) for unit in self.planner.plan(ask, self._facts()).units]

    def _scenario(self, intents: Sequence[Any]) -> Scenario:
        # What a swap accepts is no part of the comparison: just above what the engine demands.
        market = MarketScene(accepts_bps=10_000 - self.policy.max_loss_bps + 1)
        return Scenario(
            tuple(intents), self.liquid, self.prices, past=tuple(self.past), supplied=self.lent, now=NOW, market=market,
            actor="job:any",
        )  # fmt: skip

    def _facts(self) -> Facts:
        return facts_of(self._scenario(()), self.policy)

    def _carried_out(self, unit: Unit) -> Made:
        judged = stage(self._scenario(unit.intents), self.policy)
        lost = tuple(self._losses(unit))
        rehearsal = replace(judged.rehearsal, deltas=(*judged.rehearsal.deltas, *lost))
        found = decide(judged.compiled, judged.action, _summed(rehearsal), judged.facts, self.policy)
        verdict = VERDICTS[found.verdict]
        done = verdict == ALLOW or (verdict == ASK and self.book.guardians_sign)
        if any(units < 0 for units in self._after(unit).values()):
            verdict, done = DENY, False
        if done:
            self._move(unit)
        return Made(unit, verdict, done)

    def _after(self, unit: Unit) -> Mapping[TokenId, int]:
        left = dict(self.liquid)
        for intent in unit.intents:
            for token, change in self._changes(intent).items():
                left[token] += change
        return left

    def _changes(self, intent: Any) -> Mapping[TokenId, int]:
        if isinstance(intent, Pay):
            return {intent.token.value: -intent.amount_units.value}
        if isinstance(intent, Swap):
            got = self._fair(intent) - self._lost(intent)
            return {intent.token_in.value: -intent.amount_in_units.value, intent.token_out.value: got}
        sign = 1 if isinstance(intent, Withdraw) else -1
        return {intent.token.value: sign * intent.amount_units.value}

    def _move(self, unit: Unit) -> None:
        self.liquid = dict(self._after(unit))
        for intent in unit.intents:
            if isinstance(intent, Supply | Withdraw):
                kind, units = (TAKEN if isinstance(intent, Withdraw) else LENT), intent.amount_units.value
                self.lent[intent.token.value] -= units if kind == TAKEN else -units
                self.past.append(self._outflow(kind, intent.token.value, units, NOW))
            elif isinstance(intent, Swap):
                self.past.append(self._outflow(SOLD, intent.token_in.value, intent.amount_in_units.value, NOW))

    def _fair(self, swap: Swap) -> int:
        token_in, token_out = swap.token_in.value, swap.token_out.value
        scale = {token: 10 ** self.policy.tokens[token].token.decimals for token in (token_in, token_out)}
        worth = swap.amount_in_units.value * self.prices[token_in] * scale[token_out]
        return int(worth // (self.prices[token_out] * scale[token_in]))

    def _lost(self, swap: Swap) -> int:
        """x brings x(1-f)R / (R + x(1-f)): what is missing to x, in units bought."""
        market, token = self.book.market, swap.token_in.value
        value = Fraction(
            swap.amount_in_units.value * self.prices[token], 10 ** self.policy.tokens[token].token.decimals
        )
        fee = min(pool.fee_pips for pool in self.policy.pools() if {token, swap.token_out.value} == set(pool.tokens))
        kept = value * (1_000_000 - fee) / 1_000_000
        share = 1 - kept * market.depth_e8 / (market.depth_e8 + kept) / value if value else Fraction(0)
        return -int(-self._fair(swap) * share // 1)

    def _losses(self, unit: Unit) -> Iterator[Delta]:
        for swap in (intent for intent in unit.intents if isinstance(intent, Swap)):
            yield Delta(self.policy.account.safe, swap.token_out.value, -self._lost(swap))

    def _outflows(self, moved: Moved, today: int) -> Iterator[Outflow]:
        at = NOW - (today - moved.day) * DAY_SECONDS
        for kind in (SOLD, LENT, TAKEN):
            for asset, count in zip(self.book.assets, _units(self.book, moved.tokens[kind]), strict=True):
                if count:
                    yield self._outflow(kind, asset.token, count, at)

    def _outflow(self, kind: int, token: TokenId, units: int, at: int) -> Outflow:
        shares = {reserve.token: (share, reserve.share) for share, (_, reserve) in self.policy.shares().items()}
        if kind == SOLD:
            pool = next(pool.address for pool in self.policy.pools() if token in pool.tokens)
            return Outflow(token, pool, units, at, Digest("0x" + "11" * 32))
        share, address = shares[token]
        if kind == TAKEN:
            return Outflow(share, NATIVE, units, at, Digest("0x" + "11" * 32))
        return Outflow(token, address, units, at, Digest("0x" + "11" * 32))


def _summed(rehearsal: Any) -> Any:
    sums: dict[tuple[Any, Any], int] = {}
    for delta in rehearsal.deltas:
        sums[delta.holder, delta.token] = sums.get((delta.holder, delta.token), 0) + delta.units
    return replace(rehearsal, deltas=tuple(Delta(*key, units) for key, units in sums.items()))


__all__ = ["DAI", "ETH", "HALL", "USDC", "WETH", "units"]
