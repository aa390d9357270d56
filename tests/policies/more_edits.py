"""Random changes of the tables of people, time, value and market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from policies.freezes import Freeze
from policies.hours import WEEK, Hours
from policies.scenario import NOW
from policies.terms import PolicyDocument
from strongroom.model import TokenId, Verdict

DAY = 86_400
TODAY = NOW - NOW % DAY
"""The day of the scenarios, 2030-03-17, a Sunday."""
Edit = Callable[[Random, PolicyDocument], PolicyDocument]


def _scaled(random: Random, value: int) -> int:
    return max(1, random.choice((value - 1, value + 1, value * 9 // 10, value * 11 // 10, value // 2, value * 2)))


def _verdict(random: Random) -> Verdict:
    return random.choice((Verdict.ASK, Verdict.DENY))


def _someone(random: Random, document: PolicyDocument) -> PolicyDocument:
    if not document.payees:
        return document
    id_ = random.choice(list(document.payees))
    payee, pace = document.payees[id_], document.payees[id_].pace
    options = (
        replace(payee, operator=random.choice(("", id_, "dana"))),
        replace(payee, guardian=random.choice((None, *document.guardians.members))),
        replace(payee, since=TODAY - random.choice((1, 3, 6, 7, 8, 50)) * DAY),
        replace(payee, pace=replace(pace, apart_seconds=random.choice((0, DAY, 5 * DAY, 6 * DAY)))),
        replace(
            payee, pace=replace(pace, count=random.choice((1, 2, 4)), window_seconds=random.choice((10, 40)) * DAY)
        ),
        replace(payee, pace=replace(pace, count=0, window_seconds=0)),
    )
    return replace(document, payees={**document.payees, id_: random.choice(options)})


def _tiers(random: Random, document: PolicyDocument) -> PolicyDocument:
    """Of the grants, whose last tier names guardians and waits."""
    grants = dict(document.caps.get("grants", {}))
    caps = {token: cap for token, cap in grants.items() if cap.tiers}
    if not caps:
        return document
    token, cap = random.choice(list(caps.items()))
    *rest, last = cap.tiers
    names = tuple(document.guardians.names)
    changed = random.choice(
        (
            replace(last, named=tuple(random.sample(names, random.randrange(len(names) + 1)))),
            replace(last, delay_seconds=random.choice((0, DAY, 2 * DAY, 3 * DAY))),
            replace(last, approvals=random.choice((1, 2, 3))),
        )
    )
    grants[token] = replace(cap, tiers=(*rest, changed))
    return replace(document, caps={**document.caps, "grants": grants})


def _lists_and_models(random: Random, document: PolicyDocument) -> PolicyDocument:
    terms, models = document.sanctions, document.models
    options: list[dict[str, Any]] = [{"sanctions": None}, {"models": None}]
    if models is not None:
        options.append({"models": replace(models, tolerance_bps=_scaled(random, models.tolerance_bps))})
    if terms is not None:
        until = [replace(each, until=TODAY + random.choice((-2, 8, 10)) * DAY) for each in terms.disputes]
        options += [
            {"sanctions": replace(terms, sources=random.choice((("ofac",), ("ofac", "dao's own", "another"))))},
            {"sanctions": replace(terms, max_age_seconds=_scaled(random, terms.max_age_seconds))},
            {"sanctions": replace(terms, disputes=random.choice(((), tuple(until))))},
        ]
    return replace(document, **random.choice(options))


def _hours(random: Random, document: PolicyDocument) -> PolicyDocument:
    old = document.hours or Hours(WEEK, 0, 24 * 60, "UTC", Verdict.ASK)
    days = tuple(day for day in WEEK if day in random.sample(WEEK, 5))
    options = (
        None,
        replace(old, days=days),
        replace(old, open_minutes=random.choice((6, 8, 10)) * 60),
        replace(old, close_minutes=random.choice((18, 20, 24)) * 60),
        replace(old, timezone=random.choice(("UTC", "Asia/Tokyo"))),
        replace(old, otherwise=_verdict(random)),
        replace(old, holidays=random.choice(((), ("2030-03-17",), ("2030-03-19", "2030-03-20")))),
        replace(old, orders_too=not old.orders_too),
    )
    return replace(document, hours=random.choice(options))


def _freezes(random: Random, document: PolicyDocument) -> PolicyDocument:
    begins = TODAY + random.randrange(-2, 30) * DAY
    classes, tokens = random.choice(((), ("team",))), random.choice(((), (TokenId("USDC"),)))
    added = Freeze(begins, begins + random.choice((1, 5)) * DAY, "audit", classes, tokens)
    kept = list(document.freezes)
    if kept and random.random() < 0.7:
        old = kept.pop(random.randrange(len(kept)))
        wider = replace(old, classes=random.choice((classes, ())), tokens=random.choice((tokens, ())))
        added = random.choice((wider, replace(old, ends_at=old.ends_at + DAY), replace(old, reason="a vote")))
    return replace(document, freezes=tuple(sorted([*kept, added], key=lambda each: (each.begins_at, each.ends_at))))


def _newcomers(random: Random, document: PolicyDocument) -> PolicyDocument:
    old = document.newcomers
    if old is None:
        return document
    venues = {name: TODAY - random.choice((1, 5, 30)) * DAY for name in ("aave", "uniswap") if random.random() < 0.6}
    options = (
        None,
        replace(old, cooling_off_seconds=random.choice((2, 6, 8, 60)) * DAY),
        replace(old, max_units={token: _scaled(random, units) for token, units in old.max_units.items()}),
        replace(old, max_units=random.choice(({}, {**old.max_units, TokenId("DAI"): 10**20}))),
        replace(old, otherwise=_verdict(random)),
        replace(old, venues=venues),
    )
    return replace(document, newcomers=random.choice(options))


def _outflow(random: Random, document: PolicyDocument) -> PolicyDocument:
    if (old := document.outflow) is None:
        return document
    field = random.choice(("cap_e8", "window_seconds", "at_once_e8", "never_e8"))
    changed = replace(old, **{field: _scaled(random, getattr(old, field))})
    return replace(document, outflow=random.choice((changed, changed, changed, None)))


def _holdings(random: Random, document: PolicyDocument) -> PolicyDocument:
    if (old := document.holdings) is None:
        return document
    most = {token: _scaled(random, bps) for token, bps in old.most_bps.items()}
    options = (
        replace(old, most_bps=random.choice((most, {}, {**most, TokenId("DAI"): 5_000}))),
        replace(old, stables=random.choice((old.stables[:1], old.stables[::-1]))),
        replace(old, stables_least_bps=random.choice((0, 2_000, 2_501, 4_000))),
        replace(old, otherwise=_verdict(random)),
    )
    return replace(document, holdings=random.choice(options))


def _runway(random: Random, document: PolicyDocument) -> PolicyDocument:
    if (old := document.runway) is None:
        return document
    options = (
        None,
        replace(old, least_seconds=_scaled(random, old.least_seconds // DAY) * DAY),
        replace(old, spend_e8=_scaled(random, old.spend_e8)),
        replace(old, per_seconds=random.choice((20, 31, 60)) * DAY),
        replace(old, otherwise=_verdict(random)),
    )
    return replace(document, runway=random.choice(options))


def _market(random: Random, document: PolicyDocument) -> PolicyDocument:
    trading, swings = document.trading, document.volatility
    field = random.choice(("max_slippage_bps", "max_impact_bps", "max_pool_share_bps", "max_from_average_bps"))
    known = getattr(trading, field)
    bound = (
        None if known and field != "max_from_average_bps" and random.random() < 0.3 else _scaled(random, known or 50)
    )
    options: list[dict[str, Any]] = [
        {"trading": replace(trading, **{field: bound})},
        {"trading": replace(trading, average_seconds=random.choice((600, 1_801, 3_600)))},
        {"trading": replace(trading, average_seconds=None, max_from_average_bps=None)},
        {"volatility": None},
    ]
    if swings is not None:
        options += [
            {"volatility": replace(swings, calm_bps=_scaled(random, swings.calm_bps))},
            {"volatility": replace(swings, over_seconds=random.choice((3_600, 2 * DAY)))},
        ]
    return replace(document, **random.choice(options))


def _health(random: Random, document: PolicyDocument) -> PolicyDocument:
    least = random.choice((0, 15 * 10**17, 3 * 10**18))
    markets = {id_: replace(each, health_least_e18=least) for id_, each in document.markets.items()}
    return replace(document, markets=markets)


def _turned_feeds(random: Random, document: PolicyDocument) -> PolicyDocument:
    """The first feed is the one whose swings count."""
    priced = [token for token, listed in document.tokens.items() if listed.feeds]
    token = random.choice(priced)
    turned = replace(document.tokens[token], feeds=document.tokens[token].feeds[::-1])
    return replace(document, tokens={**document.tokens, token: turned})


MORE: tuple[Edit, ...] = (
    *(_someone, _someone, _tiers, _lists_and_models, _hours, _freezes, _newcomers),
    *(_outflow, _holdings, _runway, _market, _market, _health, _turned_feeds),
)
