"""From the four documents, and what the treasury holds, to the book that a forecast starts with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agent.planners.deterministic import DeterministicPlanner
from policies.engine import decide
from policies.markets import LENDING
from policies.scenario import Scenario, facts_of, stage
from policies.terms import SWAPS, Cap, PolicyDocument
from policies.trading import TradingTerms
from policies.watching import counted
from simulations.treasury.book import ALLOW, ASK, DAY_SECONDS, DENY, Asset, Book, Calendar, Flow, Loans, Market, Meter
from simulations.treasury.book import Tier as TierOf
from simulations.treasury.history import DOLLARS, LIKE
from strongroom.errors import BadValue
from strongroom.mandate import monthly_need
from strongroom.model import TokenId, Verdict
from strongroom.settings import Job, Mandate

_VERDICTS = {Verdict.ALLOW: ALLOW, Verdict.DELAY: ALLOW, Verdict.ASK: ASK, Verdict.DENY: DENY}
_LONGEST_MONTH = 31
_DOLLAR = "USD"
"""What a token follows whose price stays as it is."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is held on the first day: units by token and share, USD prices scaled by 1e8, its midnight (UTC)."""

    balances: Mapping[TokenId, int]
    prices_e8: Mapping[TokenId, int]
    at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What no document says. `like` gives tokens another series than their name suggests (`USD`: none); amounts as in
    `Book` and `Market`."""

    like: Mapping[str, str] = field(default_factory=dict)
    depth_e8: int = 100_000_000 * 10**8
    gas_units: int = 250_000
    base_fee_wei: int = 10 * 10**9
    rate_bps: int = 300
    resume_days: int = 7
    guardians_sign: bool = True
    flows: tuple[Flow, ...] = ()


def book_of(mandate: Mandate, policy: PolicyDocument, start: Start, terms: Terms, series: Sequence[str]) -> Book:
    """The treasury under this mandate and this policy; `series` are the names of the returns' columns. Raises
    `BadValue` for a weighted token without a price, and for one that is weighted, watched or paid out and follows no
    series; another of that kind counts nothing (`uncounted`)."""
    tokens = _ordered(mandate, policy)
    assets = tuple(_asset(token, mandate, policy, start, terms, series) for token in tokens)
    places = {token: place for place, token in enumerate(tokens)}
    return Book(
        assets=assets,
        pairs=_pairs(policy, places),
        market=_market(policy, terms, places),
        runway_months=mandate.runway_months,
        drawdown_bps=policy.watch.max_drawdown_bps if policy.watch else None,
        resume_days=terms.resume_days,
        payroll_verdict=_payroll_verdict(mandate, policy, start),
        guardians_sign=terms.guardians_sign,
        flows=terms.flows,
    )


def _ordered(mandate: Mandate, policy: PolicyDocument) -> tuple[TokenId, ...]:
    """The weighted tokens as the mandate has them, then the others as the policy lists them: the order decides which of
    two equal surpluses is sold first."""
    return (*mandate.weights, *(token for token in policy.tokens if token not in mandate.weights))


def _pairs(policy: PolicyDocument, places: Mapping[TokenId, int]) -> Mapping[tuple[int, int], int]:
    """Of each pair the cheapest pool's fee: the router finds it."""
    fees: dict[tuple[int, int], int] = {}
    for pool in policy.pools():
        low, high = sorted(places[token] for token in pool.tokens)
        fees[low, high] = min(pool.fee_pips, fees.get((low, high), pool.fee_pips))
    return fees


def _asset(
    token: TokenId, mandate: Mandate, policy: PolicyDocument, start: Start, terms: Terms, series: Sequence[str]
) -> Asset:
    listed, weight = policy.tokens[token], mandate.weights.get(token)
    price = start.prices_e8.get(listed.price_as or token, 0) if policy.feeds_of(token) else 0
    matters = bool(weight) or token in counted(policy) or token in monthly_need(mandate)
    name = _name(token, terms)
    if name not in (*series, _DOLLAR) and not matters:
        # Such as the DAO's own token: at a price that stands still it would look like safety.
        price = 0
    return Asset(
        token=token,
        decimals=listed.token.decimals,
        units=start.balances.get(token, 0),
        price_e8=price,
        series=_series(token, name, series) if price else None,
        target_bps=weight.target_bps if weight else None,
        band_bps=weight.band_bps if weight else None,
        payroll_units=monthly_need(mandate).get(token, 0),
        keep_units=listed.keep_units,
        watched=token in counted(policy),
        swaps=_meter(policy.cap(SWAPS, token)),
        loans=_loans(token, mandate, policy, start, terms),
    )


def _name(token: TokenId, terms: Terms) -> str:
    return terms.like.get(token) or LIKE.get(token) or (_DOLLAR if token in DOLLARS else token)


def _series(token: TokenId, name: str, series: Sequence[str]) -> int | None:
    if name == _DOLLAR:
        return None
    if name not in series:
        known = ", ".join(f"`{each}`" for each in (*series, _DOLLAR))
        raise BadValue(token, "a token with a history", f"say whose prices it follows, `--like {token}=…`: {known}")
    return list(series).index(name)


def _loans(token: TokenId, mandate: Mandate, policy: PolicyDocument, start: Start, terms: Terms) -> Loans | None:
    found = [(share, reserve) for share, (_, reserve) in policy.shares().items() if reserve.token == token]
    if not found:
        return None
    units = sum(start.balances.get(share, 0) for share, _ in found)
    most = sum(reserve.most_units for _, reserve in found)
    return Loans(units, most, terms.rate_bps, _meter(policy.cap(LENDING, token)), mandate.idle.get(token))


def _meter(cap: Cap | None) -> Meter | None:
    if cap is None:
        return None
    tiers = tuple(TierOf(tier.above_units, tier.window_seconds) for tier in cap.tiers)
    return Meter(cap.at_once_units, cap.drain_seconds, cap.cap_units, cap.window_seconds, cap.never_units, tiers)


def _market(policy: PolicyDocument, terms: Terms, places: Mapping[TokenId, int]) -> Market:
    coin = next((place for token, place in places.items() if policy.is_native(token)), None)
    return Market(
        depth_e8=terms.depth_e8,
        max_loss_bps=policy.max_loss_bps,
        gas_units=terms.gas_units,
        base_fee_wei=terms.base_fee_wei,
        max_base_fee_wei=policy.gas.max_base_fee_wei,
        coin=coin,
    )


def _payroll_verdict(mandate: Mandate, policy: PolicyDocument, start: Start) -> int:
    """What the engine says to one month's payroll of a Safe that holds enough: on the planner's own plan."""
    need = monthly_need(mandate)
    ample = {token: policy.tokens[token].keep_units + need.get(token, 0) for token in policy.tokens}
    held = {token: start.balances.get(token, 0) + units for token, units in ample.items()}
    at = start.at + DAY_SECONDS
    seen = facts_of(Scenario((), held, start.prices_e8, now=at), policy)
    ask = {"operation": "payroll", "actor": "job:payroll", "period": "", "since": at, "open": [], "others": []}
    units = DeterministicPlanner(mandate, policy).plan(ask, seen).units
    if not units:
        return ALLOW
    judged = stage(Scenario(units[0].intents, held, start.prices_e8, actor="job:payroll", now=at), policy)
    found = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, policy)
    return _VERDICTS[found.verdict]


def calendar_of(jobs: Sequence[Job], first: int, days: int) -> Calendar:
    """On which of so many days, UTC, from `first` on each operation of schedule.toml runs at least once. A payroll is
    due on the first run of its month, of whichever job: those that follow find it paid, and so do those of a month
    whose first run was before `first`."""
    runs = {name: _days(jobs, name, first, days) for name in ("payroll", "rebalance", "lend")}
    return Calendar(first, *(tuple(day in runs[name] for day in range(days)) for name in runs))


def _days(jobs: Sequence[Job], operation: str, first: int, days: int) -> frozenset[int]:
    fires = [run for job in jobs if job.operation == operation for run in _fires(job, first, days)]
    if operation != "payroll":
        return frozenset(day for day, _ in fires)
    # The latest first, so that each month keeps its earliest.
    return frozenset({month: day for day, month in sorted(fires, reverse=True)}.values())


def _fires(job: Job, first: int, days: int) -> Iterator[tuple[int, str]]:
    """Each day, from a month before `first` on (below zero), and its month in the job's own zone."""
    from agent.schedule import trigger_of

    trigger, begin = trigger_of(job), datetime.fromtimestamp(first, UTC)
    at = trigger.get_next_fire_time(None, begin - timedelta(days=_LONGEST_MONTH))
    while at is not None and (day := (at.astimezone(UTC) - begin).days) < days:
        yield day, f"{at:%Y-%m}"
        # One run a day is all that counts here.
        at = trigger.get_next_fire_time(None, begin + timedelta(days=day + 1))


def uncounted(book: Book, policy: PolicyDocument, start: Start) -> tuple[TokenId, ...]:
    """What is held and has a price, and counts nothing in the forecast: it follows no history."""
    return tuple(
        asset.token
        for asset in book.assets
        if asset.units and not asset.price_e8 and policy.feeds_of(asset.token) and start.prices_e8.get(asset.token)
    )


def unmodelled(policy: PolicyDocument) -> tuple[str, ...]:
    """What policy.toml says and no forecast minds, in its own words."""
    tables = {
        "[outflow]": policy.outflow,
        "[holdings]": policy.holdings,
        "[runway]": policy.runway,
        "[volatility]": policy.volatility,
        "[hours]": policy.hours,
        "[freezes]": policy.freezes,
        "[newcomers]": policy.newcomers,
        "what swaps may lose together": policy.losses,
        "bounds on slippage, impact and averages": policy.trading != TradingTerms(),
    }
    return tuple(name for name, table in tables.items() if table)
