"""Random plans around the limits of two policies: amounts, times, prices and gas at, below and above what either says.

Deterministic: the same `Random` draws the same plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from policies.differing.landmarks import ages, amounts
from policies.differing.subjects import Pair, Subject
from policies.differing.world import World
from policies.markets import LENDING
from policies.scenario import NOW, Scenario
from policies.terms import PolicyDocument
from strongroom.addresses import to_address, to_digest
from strongroom.model import (
    NATIVE,
    Address,
    Amount,
    Intent,
    Label,
    Labelled,
    Outflow,
    Pay,
    Supply,
    Swap,
    TokenId,
    Withdraw,
)
from strongroom.valuation import BPS

STRANGER = to_address(b"\x5a" * 20)
"""Somebody whom no policy knows."""
_PRICE_E8 = 10**8
_PLENTY = 10**7


def draw(random: Random, pair: Pair, about: Sequence[Subject]) -> World:
    """One plan about one of the subjects, now and then about two, in a world of its own."""
    chosen = [random.choice(about)] if random.random() < 0.8 else random.choices(about, k=2)
    intents = tuple(_intent(random, pair, each, n) for n, each in enumerate(chosen, 1))
    first, moved = chosen[0], _units(intents[0])
    scenario = Scenario(
        intents=intents,
        balances=dict(_balances(random, pair, first.token, moved)),
        prices_e8=dict.fromkeys(_tokens(pair), _PRICE_E8),
        past=tuple(_past(random, pair, first)) if random.random() < 0.5 else (),
        waiting=tuple(_waiting(random, pair, first)) if random.random() < 0.1 else (),
        arrives_bps=BPS if first.verb != "swap" else BPS - _near(random, [each.max_loss_bps for each in pair]),
        supplied=_supplied(random, pair, first, moved),
    )
    return _surrounded(random, pair, scenario)


def _surrounded(random: Random, pair: Pair, scenario: Scenario) -> World:
    """Prices and gas are as usual in most worlds, or few plans would get as far as the rule that a change is in."""
    tokens = [token for token in _tokens(pair) if all(token in each.tokens for each in pair)]
    bounds = [each.bounds_of(token) for each in pair for token in tokens if each.feeds_of(token)]
    late = dict.fromkeys(tokens, _near(random, [each.max_age_seconds for each in bounds])) if bounds else {}
    apart = dict.fromkeys(tokens, _near(random, [each.max_deviation_bps for each in bounds])) if bounds else {}
    return World(
        scenario,
        late=late if random.random() < 0.2 else {},
        apart_bps=apart if random.random() < 0.2 else {},
        gas_units=_near(random, [each.gas.max_gas_units for each in pair]) if random.random() < 0.1 else None,
        base_fee_wei=_near(random, [each.gas.max_base_fee_wei for each in pair]) if random.random() < 0.1 else None,
    )


def _near(random: Random, landmarks: Sequence[int]) -> int:
    """At one of them, one beside it, or anywhere up to a little above the highest."""
    beside = random.choice(landmarks) + random.choice((-1, 0, 0, 1))
    return max(0, beside if random.random() < 0.6 else random.randrange(max(landmarks) * 5 // 4 + 2))


def _intent(random: Random, pair: Pair, about: Subject, number: int) -> Intent:
    by = Label.OPERATOR
    amount_by = Label.MODEL if random.random() < 0.15 else by
    units = max(1, _near(random, amounts(pair, about.token, about.bucket_class, about.whom)))
    id_, token, amount = f"intent {number}", Labelled(about.token, by), Labelled(units, amount_by)
    whom, reason = Labelled(about.whom, by), Labelled("a plan", by)
    if about.verb == "pay":
        return Pay(id_, token, Labelled(named(random, pair, about.whom), by), amount, reason)
    if about.verb == "swap":
        return Swap(id_, token, Labelled(TokenId(about.whom), by), amount, reason)
    return (Supply if about.verb == "supply" else Withdraw)(id_, token, amount, whom, reason)


def named(random: Random, pair: Pair, payee: str) -> str:
    """A payee's name where both policies mean the same address by it, else the address in one of them."""
    found = [each.payees[payee].address for each in pair if payee in each.payees]
    return payee if len(found) == len(pair) and len(set(found)) == 1 else random.choice(found)


def _units(intent: Intent) -> int:
    return intent.amount_in_units.value if isinstance(intent, Swap) else _amount(intent)


def _amount(intent: Intent) -> int:
    assert isinstance(intent, Pay | Supply | Withdraw)
    return intent.amount_units.value


def _tokens(pair: Pair) -> tuple[TokenId, ...]:
    return tuple(dict.fromkeys(token for each in pair for token in each.tokens))


def _balances(random: Random, pair: Pair, token: TokenId, moved: int) -> Iterator[tuple[TokenId, int]]:
    """Plenty of every token; now and then of the one that moves just what should stay."""
    for each in _tokens(pair):
        listed = [document.tokens[each] for document in pair if each in document.tokens]
        kept = [one.keep_units for one in listed]
        tight = each == token and any(kept) and random.random() < 0.3
        yield each, moved + _near(random, kept) if tight else _PLENTY * 10 ** listed[0].token.decimals


def _supplied(random: Random, pair: Pair, about: Subject, moved: int) -> dict[TokenId, int]:
    """What lies at markets: enough to take back, or so much that the limit of a supply is near."""
    if about.bucket_class != LENDING:
        return {}
    if about.verb == "withdraw":
        return {about.token: moved + random.choice((0, 1, moved))}
    return {about.token: max(0, _near(random, amounts(pair, about.token, LENDING)) - moved)}


def _past(random: Random, pair: Pair, about: Subject) -> Iterator[Outflow]:
    to, sizes = _recipients(pair, about), amounts(pair, about.token, about.bucket_class, about.whom)
    old = ages(pair, about.token, about.bucket_class)
    for _ in range(random.choice((1, 1, 2, 3))):
        token, recipient = random.choice(to)
        units, at = max(1, _near(random, sizes)), NOW - _near(random, old)
        yield Outflow(token, recipient, units, at, to_digest(random.randbytes(32)))


def _recipients(pair: Pair, about: Subject) -> list[tuple[TokenId, Address]]:
    """Where the token, or the share that a withdrawal burns, may have gone before."""
    to = [(about.token, STRANGER)]
    for document in pair:
        to += [(about.token, address) for address in _PLACES[about.verb](document, about)]
    return [*to, (TokenId(f"{about.token}@{about.whom}"), NATIVE)] if about.verb == "withdraw" else to


def _payees(document: PolicyDocument, about: Subject) -> Iterator[Address]:
    own = (each for each in document.payees.values() if about.token in each.max_units)
    yield from (each.address for each in own)


def _pools(document: PolicyDocument, about: Subject) -> Iterator[Address]:
    yield from (pool.address for pool in document.pools() if about.token in pool.tokens)


def _shares(document: PolicyDocument, about: Subject) -> Iterator[Address]:
    yield from (each.share for _, each in document.shares().values() if each.token == about.token)
    yield from (vault.address for vault in document.vaults.values() if vault.token == about.token)


_PLACES: dict[str, Callable[[PolicyDocument, Subject], Iterator[Address]]] = {
    "pay": _payees,
    "swap": _pools,
    "supply": _shares,
    "withdraw": _shares,
}


def _waiting(random: Random, pair: Pair, about: Subject) -> Iterator[tuple[Address, Amount]]:
    """A payment in the guardians' queue; of a token that both policies list, or neither can read it."""
    if all(about.token in each.tokens for each in pair):
        units = max(1, _near(random, amounts(pair, about.token, about.bucket_class, about.whom)))
        yield random.choice([*_payees(random.choice(pair), about), STRANGER]), Amount(about.token, units)
