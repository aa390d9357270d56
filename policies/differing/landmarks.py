"""The numbers at which two policies change their mind: the limits of both, which plans are drawn around."""

from __future__ import annotations

from collections.abc import Iterator

from policies.terms import Cap, PolicyDocument
from strongroom.model import TokenId

Pair = tuple[PolicyDocument, PolicyDocument]


def amounts(pair: Pair, token: TokenId, bucket_class: str, payee: str = "") -> tuple[int, ...]:
    """Units of a token, in ascending order, at which what is paid to a payee, or moved in a class, may be judged
    otherwise."""
    found = {units for document in pair for units in _amounts(document, token, bucket_class, payee)}
    return tuple(sorted(units for units in found if units > 0))


def ages(pair: Pair, token: TokenId, bucket_class: str) -> tuple[int, ...]:
    """Seconds after which something paid before counts less, or no more."""
    caps = (cap for document in pair if (cap := document.cap(bucket_class, token)) is not None)
    orders = {each.every_seconds for document in pair for each in document.orders.values() if each.token == token}
    return tuple(sorted({age for cap in caps for age in _ages(cap)} | orders | {3_600, 86_400}))


def _amounts(document: PolicyDocument, token: TokenId, bucket_class: str, payee: str) -> Iterator[int]:
    if (cap := document.cap(bucket_class, token)) is not None:
        yield from (cap.at_once_units, cap.cap_units, cap.never_units, cap.model_units)
        yield from (tier.above_units for tier in cap.tiers)
    if (known := document.payees.get(payee)) is not None:
        yield known.max_units.get(token, 0)
    yield from (each.units for each in document.orders.values() if (each.payee, each.token) == (payee, token))
    for market in document.markets.values():
        yield from (reserve.most_units for reserve in market.reserves if reserve.token == token)
    if token in document.tokens:
        yield 10 ** document.tokens[token].token.decimals


def _ages(cap: Cap) -> Iterator[int]:
    yield from (cap.window_seconds, cap.drain_seconds)
    yield from (tier.window_seconds for tier in cap.tiers)
