"""The numbers at which two policies change their mind: the limits of both, which plans are drawn around."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from policies.terms import Cap, PolicyDocument
from strongroom.model import Outflow, TokenId

Pair = tuple[PolicyDocument, PolicyDocument]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Limits of one kind, ascending: those of either policy, and those that only one of the two has."""

    either: tuple[int, ...]
    differing: tuple[int, ...]


def landmarks(old: Iterable[int], new: Iterable[int]) -> Landmarks:
    """Of the limits of both policies."""
    before, after = set(old) - {0}, set(new) - {0}
    return Landmarks(tuple(sorted(before | after)), tuple(sorted(before ^ after)))


def amounts(pair: Pair, token: TokenId, bucket_class: str, payee: str = "") -> Landmarks:
    """Units of a token at which what is paid to a payee, or moved in a class, may be judged otherwise."""
    return landmarks(*(_amounts(document, token, bucket_class, payee) for document in pair))


def rooms(pair: Pair, token: TokenId, bucket_class: str, past: Iterable[Outflow], now: int) -> Landmarks:
    """Units that either policy still lets go at once after what left before, about: as if all of it counted."""
    left = tuple(each for each in past if each.token == token)
    caps = (document.cap(bucket_class, token) for document in pair)
    return landmarks(*(_rooms(cap, left, now) if cap else () for cap in caps))


def _rooms(cap: Cap, past: Iterable[Outflow], now: int) -> tuple[int, ...]:
    taken = [(each.units, now - each.timestamp) for each in past]
    flowed = sum(min(units, age * cap.at_once_units // cap.drain_seconds) for units, age in taken)
    level = sum(units for units, _ in taken) - flowed
    spent = sum(units for units, age in taken if age < cap.window_seconds)
    return max(cap.at_once_units - level, 0), max(cap.cap_units - spent, 0)


def model_amounts(pair: Pair, token: TokenId, bucket_class: str) -> Landmarks:
    """Units that a model may choose alone."""
    caps = (document.cap(bucket_class, token) for document in pair)
    return landmarks(*([cap.model_units] if cap else [] for cap in caps))


def ages(pair: Pair, token: TokenId, bucket_class: str) -> Landmarks:
    """Seconds after which something paid before counts less, or no more."""
    return landmarks(*(_ages(document, token, bucket_class) for document in pair))


def source_ages(pair: Pair, tokens: Iterable[TokenId]) -> Landmarks:
    """Seconds after which prices of the tokens are too old."""
    listed = tuple(tokens)
    return landmarks(*([each.bounds_of(token).max_age_seconds for token in listed] for each in pair))


def order_amounts(pair: Pair, token: TokenId, payee: str) -> tuple[int, ...]:
    """What standing orders pay a payee of a token."""
    found = {units for document in pair for units in _ordered(document, token, payee)}
    return tuple(sorted(found))


def _amounts(document: PolicyDocument, token: TokenId, bucket_class: str, payee: str) -> Iterator[int]:
    if (cap := document.cap(bucket_class, token)) is not None:
        yield from (cap.at_once_units, cap.cap_units, cap.never_units, cap.model_units)
        yield from (tier.above_units for tier in cap.tiers)
    if (known := document.payees.get(payee)) is not None:
        yield known.max_units.get(token, 0)
    yield from _over_all(document, token)
    yield from _ordered(document, token, payee)
    for market in document.markets.values():
        yield from (reserve.most_units for reserve in market.reserves if reserve.token == token)
    if token in document.tokens:
        yield 10 ** document.tokens[token].token.decimals


def _over_all(document: PolicyDocument, token: TokenId) -> Iterator[int]:
    """What newcomers get, and what may leave in USD, with a token worth a dollar."""
    if document.newcomers is not None:
        yield document.newcomers.max_units.get(token, 0)
    if (limit := document.outflow) is not None and token in document.tokens:
        scale = 10 ** document.tokens[token].token.decimals
        yield from (each * scale // 10**8 for each in (limit.at_once_e8, limit.cap_e8, limit.never_e8))


def _ordered(document: PolicyDocument, token: TokenId, payee: str) -> Iterator[int]:
    yield from (each.units for each in document.orders.values() if (each.payee, each.token) == (payee, token))


def _ages(document: PolicyDocument, token: TokenId, bucket_class: str) -> Iterator[int]:
    if (cap := document.cap(bucket_class, token)) is not None:
        yield from _of_cap(cap)
    yield from (each.every_seconds for each in document.orders.values() if each.token == token)
    if document.outflow is not None:
        yield document.outflow.window_seconds
    if document.newcomers is not None:
        yield document.newcomers.cooling_off_seconds
    for payee in document.payees.values():
        yield from (payee.pace.apart_seconds, payee.pace.window_seconds)
    yield 86_400


def _of_cap(cap: Cap) -> Iterator[int]:
    yield from (cap.window_seconds, cap.drain_seconds)
    yield from (tier.window_seconds for tier in cap.tiers)


def odd(random: Random, limits: Landmarks) -> int | None:
    """A number near a limit: often where the two policies differ, seldom where they do not."""
    return near(random, limits) if random.random() < (0.5 if limits.differing else 0.05) else None


def near(random: Random, limits: Landmarks) -> int:
    """At a limit, beside one, between two, or anywhere up to a little above the highest."""
    known = limits.differing if limits.differing and random.random() < 0.6 else limits.either
    if not known:
        return 0
    way = random.random()
    if way < 0.6:
        return max(0, random.choice(known) + random.choice((-1, 0, 0, 1)))
    return random.randint(known[0], known[-1]) if way < 0.8 else random.randrange(known[-1] * 5 // 4 + 2)
