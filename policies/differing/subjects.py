"""What a plan can be about under either of two policies: payments, swaps, loans; and what of that a change touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.differing.change import Change
from policies.markets import LENDING
from policies.terms import SWAPS, PolicyDocument
from strongroom.model import TokenId

Pair = tuple[PolicyDocument, PolicyDocument]


@dataclass(frozen=True, slots=True)
class Subject:
    """`verb` is `pay`, `swap`, `supply` or `withdraw`; `whom` the payee, the token that is bought, or the market."""

    verb: str
    token: TokenId
    whom: str
    bucket_class: str

    @property
    def names(self) -> frozenset[str]:
        """The names by which a key of policy.toml may mean it: a payee, a token, a class, a cap."""
        return frozenset({self.token, self.whom, self.bucket_class, f"{self.bucket_class}.{self.token}"})


def subjects(pair: Pair) -> tuple[Subject, ...]:
    """All of either policy, each once."""
    return tuple(dict.fromkeys(subject for document in pair for subject in _of(document)))


def touched(all_: Iterable[Subject], changes: Iterable[Change], pair: Pair) -> tuple[Subject, ...]:
    """Those that the loosening changes speak of; all of them where no change names one."""
    known, paths = (
        tuple(all_),
        [frozenset(_words(change, pair)) for change in changes if change.direction.counts_as_looser],
    )
    found = [subject for subject in known for words in paths if words and words <= subject.names]
    return tuple(dict.fromkeys(found)) or known


def _words(change: Change, pair: Pair) -> Iterator[str]:
    """The names in a path: those of an order's payee for the order, none for a table that stands there once."""
    table, *rest = change.path.split(".")
    if table == "caps":
        yield ".".join(rest[:2])
    elif table == "orders":
        yield from {document.orders[rest[0]].payee for document in pair if rest[0] in document.orders}
    elif table in ("tokens", "payees"):
        yield rest[0]
        yield from rest[2:3]
    elif table == "venues":
        yield LENDING if any(rest[0] in document.markets for document in pair) else SWAPS
    elif table in ("swaps", "prices", "volatility"):
        yield SWAPS


def _of(document: PolicyDocument) -> Iterator[Subject]:
    for payee in document.payees.values():
        yield from (Subject("pay", token, payee.id, payee.bucket_class) for token in payee.max_units)
    for pool in document.pools():
        one, other = pool.tokens
        yield from (Subject("swap", one, other, SWAPS), Subject("swap", other, one, SWAPS))
    for market in document.markets.values():
        for reserve in market.reserves:
            yield from (Subject(verb, reserve.token, market.id, LENDING) for verb in ("supply", "withdraw"))
