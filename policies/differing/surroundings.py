"""What surrounds a random plan: when it is judged, who asked, which lists and models say what, how the markets stand,
and holdings near what the treasury's value should be made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from policies.agreement import by_model
from policies.differing.landmarks import Pair, landmarks, odd
from policies.differing.subjects import Subject
from policies.hours import Hours
from policies.market_scene import MarketScene
from policies.scenario import NOW
from policies.terms import PolicyDocument
from strongroom.model import Address, Intent, Labelled, Opinion, Swap, TokenId
from strongroom.quantities import parse_day
from strongroom.valuation import BPS

_DAY_SECONDS = 86_400
_HALF_DAY = 12 * 3_600
_E8_DECIMALS = 8


def moment(random: Random, pair: Pair, about: Subject) -> int:
    """Mostly the usual time; else near one at which a policy changes its mind, or between two."""
    old, new = ({name: set(times(document, about)) for name, times in _TIMES.items()} for document in pair)
    every = sorted(set().union(*old.values(), *new.values()))
    apart = {name for name in _TIMES if old[name] != new[name] or getattr(pair[0], name) != getattr(pair[1], name)}
    if not every or random.random() > (0.5 if apart else 0.1):
        return NOW
    differing = sorted(set().union(*(old[name] ^ new[name] or old[name] for name in apart)))
    known = differing if differing and random.random() < 0.8 else every
    if random.random() < 0.25:
        return random.randint(*sorted(random.choices(known, k=2)))
    return random.choice(known) + random.choice((-_HALF_DAY, -3_600, -1, 0, 0, 1, 3_600))


def _of_freezes(document: PolicyDocument, about: Subject) -> Iterator[int]:
    for freeze in document.freezes:
        yield from (freeze.begins_at, freeze.ends_at)


def _of_disputes(document: PolicyDocument, about: Subject) -> Iterator[int]:
    yield from (each.until for each in document.sanctions.disputes) if document.sanctions else ()


def _of_hours(document: PolicyDocument, about: Subject) -> Iterator[int]:
    yield from _clocks(document.hours) if document.hours else ()


def _of_newcomers(document: PolicyDocument, about: Subject) -> Iterator[int]:
    if (terms := document.newcomers) is not None:
        payee = document.payees.get(about.whom)
        yield from (since + terms.cooling_off_seconds for since in terms.venues.values())
        yield from () if payee is None or payee.since is None else (terms.cool_until(payee),)


_TIMES: Mapping[str, Callable[[PolicyDocument, Subject], Iterator[int]]] = {
    "freezes": _of_freezes,
    "sanctions": _of_disputes,
    "hours": _of_hours,
    "newcomers": _of_newcomers,
}
"""Fields of a policy, with the moments that each knows."""


def _clocks(hours: Hours) -> Iterator[int]:
    """Openings and closings of the week around the usual time, and a moment on each holiday."""
    local = hours.local(NOW)
    midnight = NOW - (local.hour * 60 + local.minute) * 60 - local.second
    for day in range(midnight, midnight + 7 * _DAY_SECONDS, _DAY_SECONDS):
        yield from (day + hours.open_minutes * 60, day + hours.close_minutes * 60)
    yield from (parse_day(day, "holidays") + _DAY_SECONDS // 2 for day in hours.holidays)


def actor(random: Random, pair: Pair, about: Subject) -> str:
    """Who asked: where a policy says which operator the payee is, that one, another one, a job, or nobody known."""
    payees = (document.payees.get(about.whom) for document in pair)
    operators = sorted({each.operator for each in payees if each is not None and each.operator})
    others = ("operator:somebody", "job:payroll", "")
    return random.choice((*(f"operator:{each}" for each in operators), *others)) if operators else ""


@dataclass(frozen=True, slots=True)
class Lists:
    """Who stands on the deny lists, or on one of them alone, and how old these are."""

    denied: tuple[Address, ...] = ()
    denied_by: str = ""
    age_seconds: int = 0


def lists(random: Random, pair: Pair, touched: Collection[Address]) -> Lists:
    """Lists with one of those whom the plan touches, now and then, or with one whose entry is disputed."""
    terms = [document.sanctions for document in pair]
    ages = landmarks(*([each.max_age_seconds] if each else [] for each in terms))
    if not ages.either:
        return Lists()
    disputed = [each.address for one in terms if one for each in one.disputes]
    hit = random.random() < (0.5 if terms[0] != terms[1] else 0.05)
    denied = (random.choice([*touched, *disputed]),) if hit and (touched or disputed) else ()
    alone = sorted(set.symmetric_difference(*(set(one.sources if one else ()) for one in terms)))
    by = random.choice(alone) if denied and alone and random.random() < 0.5 else ""
    return Lists(denied, by, odd(random, ages) or 0)


def opinions(random: Random, pair: Pair, intents: tuple[Intent, ...]) -> tuple[Opinion, ...]:
    """What a second model says of what one chose: the same, with amounts that differ about as far as they may."""
    terms = [document.models for document in pair if document.models]
    if not terms or not by_model(intents) or random.random() < 0.2:
        return ()
    apart = landmarks(*([each.tolerance_bps] for each in (terms[0], terms[-1])))
    bps = BPS + (odd(random, apart) or 0)
    return (Opinion("a second model", tuple(_scaled(each, bps) for each in by_model(intents))),)


def _scaled(intent: Intent, bps: int) -> Intent:
    if isinstance(intent, Swap):
        amount = intent.amount_in_units
        return replace(intent, amount_in_units=Labelled(amount.value * bps // BPS, amount.label))
    amount = intent.amount_units
    return replace(intent, amount_units=Labelled(amount.value * bps // BPS, amount.label))


def market(random: Random, pair: Pair, about: Subject, units: int) -> MarketScene:
    """Markets near the bounds of a swap."""
    if about.verb != "swap":
        return MarketScene()
    slips, shares, aparts = (_bounds(pair, name) for name in ("slippage", "share", "average"))
    slip, share, apart = (odd(random, landmarks(*each)) for each in (slips, shares, aparts))
    spans = {each.volatility.over_seconds if each.volatility else 0 for each in pair}
    return MarketScene(
        holds={about.token: max(1, units * BPS // share)} if share else {},
        accepts_bps=None if slip is None else max(0, BPS - slip),
        average_bps=BPS + (apart or 0),
        swing_bps=_swing(random, pair),
        swung_seconds=random.randint(min(spans), max(spans)) if len(spans) > 1 else 0,
    )


def _swing(random: Random, pair: Pair) -> int:
    """None, near what counts as calm, or so wide that what may be sold falls below every tier."""
    calms = landmarks(*([each.volatility.calm_bps] if each.volatility else [] for each in pair))
    if calms.either and pair[0].volatility != pair[1].volatility and random.random() < 0.5:
        return random.randint(1, 10 * calms.either[-1])
    return odd(random, calms) or 0


def _bounds(pair: Pair, name: str) -> Iterable[list[int]]:
    for document in pair:
        trading = document.trading
        known = {
            "slippage": trading.max_slippage_bps,
            "share": trading.max_pool_share_bps,
            "average": trading.max_from_average_bps,
        }
        yield [known[name] or 0]


def owes(random: Random, pair: Pair, about: Subject) -> bool:
    """Whether the owners owe something where the plan lends."""
    leasts = [{each.health_least_e18 for each in document.markets.values()} for document in pair]
    return about.verb in ("supply", "withdraw") and random.random() < (0.5 if leasts[0] != leasts[1] else 0.03)


def shaped(random: Random, pair: Pair) -> dict[TokenId, int]:
    """Balances at which some bound on the treasury's value is near; empty for most plans."""
    terms = [(each.holdings, each.runway) for each in pair]
    if random.random() > (0.5 if terms[0] != terms[1] else 0.05):
        return {}
    document = random.choice(pair)
    wanted = list(_wanted(document))
    if not wanted:
        return {}
    tokens, parts, runway_e8 = random.choice(wanted)
    return _holding(random, document, tokens, parts, runway_e8)


def _wanted(document: PolicyDocument) -> Iterator[tuple[tuple[TokenId, ...], int, int]]:
    """Tokens, with the share of the whole in 1/10,000 or the USD scaled by 1e8 that they are to be together."""
    terms, runway = document.holdings, document.runway
    if terms is None:
        return
    yield from (((token,), bps, 0) for token, bps in terms.most_bps.items())
    if terms.stables_least_bps:
        yield (terms.stables, terms.stables_least_bps, 0)
    if runway is not None:
        yield (terms.stables, 0, runway.least_seconds * runway.spend_e8 // runway.per_seconds)


def _holding(
    random: Random, document: PolicyDocument, tokens: tuple[TokenId, ...], share_bps: int, value_e8: int
) -> dict[TokenId, int]:
    """All of those is in the first one: a little more or less than the bound. Every token is worth a dollar here."""
    others, each = [token for token in document.tokens if token not in tokens], random.choice((10**5, 10**6, 10**7))
    counted = sum(each for token in others if document.feeds_of(token))
    own_e8 = value_e8 or counted * 10**8 * share_bps // (BPS - share_bps)
    jitter = random.choice((1, 1_000, 30_000))
    own_e8 = own_e8 * (10**6 + random.randint(-jitter, jitter)) // 10**6
    whole = dict.fromkeys(others, each * 10**8) | dict.fromkeys(tokens, 0) | {tokens[0]: own_e8}
    decimals = {token: listed.token.decimals for token, listed in document.tokens.items()}
    return {token: value * 10 ** decimals[token] // 10**_E8_DECIMALS for token, value in whole.items()}
