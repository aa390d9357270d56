"""Random plans around the limits of two policies: amounts, times, prices and gas at, below and above what either says.

Deterministic: the same `Random` draws the same plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from policies.differing import surroundings as around
from policies.differing.landmarks import (
    ages,
    amounts,
    landmarks,
    model_amounts,
    near,
    odd,
    order_amounts,
    rooms,
    source_ages,
)
from policies.differing.subjects import Pair, Subject
from policies.differing.world import World
from policies.markets import LENDING
from policies.pacing import Pace
from policies.scenario import Scenario
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
    chosen = [random.choice(about)] if random.random() < 0.85 else random.choices(about, k=2)
    first = chosen[0]
    ordered = order_amounts(pair, first.token, first.whom) if random.random() < 0.3 else ()
    now = around.moment(random, pair, first)
    past = tuple(_past(random, pair, first, ordered, now)) if random.random() < 0.5 else ()
    intents = tuple(_intent(random, pair, each, n, ordered, past, now) for n, each in enumerate(chosen, 1))
    moved, told = _units(intents[0]), around.lists(random, pair, [to for _, to in _recipients(pair, first)])
    scenario = Scenario(
        intents=intents,
        balances=dict(_balances(random, pair, first.token, moved)) | around.shaped(random, pair),
        prices_e8=dict.fromkeys(_tokens(pair), _PRICE_E8),
        past=past,
        waiting=tuple(_waiting(random, pair, first)) if random.random() < 0.1 else (),
        arrives_bps=BPS if first.verb != "swap" else _arriving(random, pair),
        supplied=_supplied(random, pair, first, moved),
        owes=around.owes(random, pair, first),
        actor=around.actor(random, pair, first),
        opinions=around.opinions(random, pair, intents),
        denied=told.denied,
        denied_by=told.denied_by,
        lists_age_seconds=told.age_seconds,
        now=now,
        market=around.market(random, pair, first, moved),
    )
    return _surrounded(random, pair, scenario)


def _surrounded(random: Random, pair: Pair, scenario: Scenario) -> World:
    """Prices and gas are as usual in most worlds, or few plans would get as far as the rule that a change is in."""
    old, new = pair
    priced = [t for t in _tokens(pair) if all(t in each.tokens and each.feeds_of(t) for each in pair)]
    late = odd(random, source_ages(pair, priced))
    # The age that one token's prices may have is too much for others.
    aged = [t for t in priced if old.bounds_of(t) != new.bounds_of(t)] if random.random() < 0.5 else priced
    apart = odd(random, landmarks([old.bounds.max_deviation_bps], [new.bounds.max_deviation_bps]))
    return World(
        scenario,
        late=dict.fromkeys(aged, late) if late is not None else {},
        # Sources apart on both sides of a swap are a loss as well; on one side they show their own limit.
        apart_bps={random.choice(priced): apart} if apart is not None and priced else {},
        gas_units=odd(random, landmarks([old.gas.max_gas_units], [new.gas.max_gas_units])),
        base_fee_wei=odd(random, landmarks([old.gas.max_base_fee_wei], [new.gas.max_base_fee_wei])),
    )


def _arriving(random: Random, pair: Pair) -> int:
    """The share of what is promised that a swap brings."""
    lost = odd(random, landmarks(*([each.max_loss_bps] for each in pair)))
    return BPS if lost is None else max(0, BPS - lost)


def _intent(
    random: Random,
    pair: Pair,
    about: Subject,
    number: int,
    ordered: Sequence[int],
    past: Sequence[Outflow],
    now: int,
) -> Intent:
    alone = model_amounts(pair, about.token, about.bucket_class)
    by, by_model = Label.OPERATOR, random.random() < (0.4 if alone.differing else 0.1)
    limits = alone if by_model and alone.either else amounts(pair, about.token, about.bucket_class, about.whom)
    if past and random.random() < 0.5:
        limits = rooms(pair, about.token, about.bucket_class, past, now)
    units = random.choice(ordered) if ordered else max(1, near(random, limits))
    id_, token, amount = f"intent {number}", Labelled(about.token, by), Labelled(units, Label.MODEL if by_model else by)
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
        kept = landmarks(*([document.tokens[each].keep_units] if each in document.tokens else [] for document in pair))
        left = odd(random, kept) if each == token and kept.either else None
        yield each, moved + left if left is not None else _PLENTY * 10 ** listed[0].token.decimals


def _supplied(random: Random, pair: Pair, about: Subject, moved: int) -> dict[TokenId, int]:
    """What lies at markets: enough to take back, or so much that the limit of a supply is near."""
    if about.bucket_class != LENDING:
        return {}
    if about.verb == "withdraw":
        return {about.token: moved + random.choice((0, 1, moved))}
    return {about.token: max(0, near(random, amounts(pair, about.token, LENDING)) - moved)}


def _past(random: Random, pair: Pair, about: Subject, ordered: Sequence[int], now: int) -> Iterator[Outflow]:
    """What left before; where an order is drawn, mostly its own payments to its payee."""
    if len(paces := _paces(pair, about)) > 1 and random.random() < 0.5:
        yield from _paced(random, pair, about, paces, now)
        return
    to, sizes = _recipients(pair, about), amounts(pair, about.token, about.bucket_class, about.whom)
    own = [(about.token, each.payees[about.whom].address) for each in pair if ordered and about.whom in each.payees]
    old = ages(pair, about.token, about.bucket_class)
    for _ in range(random.choice((1, 1, 2, 3))):
        token, recipient = random.choice(own if own and random.random() < 0.8 else to)
        units = random.choice(ordered) if ordered else max(1, near(random, sizes))
        yield Outflow(token, recipient, units, now - near(random, old), to_digest(random.randbytes(32)))


def _paces(pair: Pair, about: Subject) -> tuple[Pace, ...]:
    """Those that the two policies give the payee; one where they agree."""
    paid = (each.payees[about.whom].pace for each in pair if about.verb == "pay" and about.whom in each.payees)
    return tuple(dict.fromkeys(paid))


def _paced(random: Random, pair: Pair, about: Subject, paces: Sequence[Pace], now: int) -> Iterator[Outflow]:
    """Small payments to the payee, up to as many and as close together as one of the paces lets them."""
    to = next(each.payees[about.whom].address for each in pair if about.whom in each.payees)
    apart = max(random.choice(paces).apart_seconds, 1)
    for number in range(1, random.randint(1, max(1, *(each.count for each in paces))) + 1):
        yield Outflow(about.token, to, 1, now - number * apart, to_digest(random.randbytes(32)))


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
        units = max(1, near(random, amounts(pair, about.token, about.bucket_class, about.whom)))
        yield random.choice([*_payees(random.choice(pair), about), STRANGER]), Amount(about.token, units)
