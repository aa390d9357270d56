"""What counts against the caps: what left in the past, what waits in the queue, and what the unit itself moves.

A rolling window, never a calendar one: nothing resets at midnight. What went to an address that the policy does not
know counts in every class of its token, so that an unexplained outflow never makes room. Payments of standing orders
count nowhere: the owners agreed to exactly them, and the Kernel charges no bucket for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from policies.case import Case
from policies.conversions import Conversion
from policies.delays import moves_announced
from policies.dues import claimed, due_orders, ordered_terms, terms_of_payment
from policies.effects import Exchange, Move, Opaque, Payment, inner_calls
from policies.kernel_rules import order_rule
from policies.markets import LENDING
from policies.metered import Metered, class_of
from policies.orders import Order
from policies.remembering import kept, once
from policies.terms import SWAPS, Cap, PolicyDocument
from policies.unwrapping import moves_of
from strongroom.model import NATIVE, Call, Facts, Queued, SafeTx, TokenId
from strongroom.protocols.kernel_legs import decode_all_legs
from strongroom.protocols.kernel_orders import OrderPayment
from strongroom.protocols.multisend import decode_multisend


@kept
def of_unit(case: Case) -> tuple[Metered, ...]:
    """What the unit's own bytes move, but for standing orders."""
    others = claimed(case.payments, orders_paid(case), case.document)[1]
    moves = (move for move in case.moves if not isinstance(move, Payment))
    return tuple(_of_moves((*others, *moves), case))


@kept
def all_of_unit(case: Case) -> tuple[Metered, ...]:
    """What the unit's own bytes move, standing orders too."""
    if not orders_paid(case):
        return of_unit(case)
    return tuple(_of_moves(case.moves, case))


@kept
def orders_paid(case: Case) -> tuple[Order, ...]:
    """The standing orders that the unit pays: to the Kernel, the legs that say so; in the Safe's own transaction, the
    payments of those that are due and that nothing else in the queue pays."""
    if isinstance(case.action, SafeTx):
        if ordered_terms(case.document).isdisjoint(map(terms_of_payment, case.payments)):
            return ()
        left = orders_left(case.facts, case.document, case.action.nonce)
        return claimed(case.payments, _seen_by_all(left, case.document), case.document)[0]
    with suppress(ValueError):
        rules = [leg.rule for leg in decode_all_legs(case.action.data) if isinstance(leg, OrderPayment)]
        return tuple(each for each in case.document.orders.values() if order_rule(each, case.document) in rules)
    return ()


def orders_left(facts: Facts, document: PolicyDocument, own_nonce: int | None = None) -> tuple[Order, ...]:
    """The standing orders that are due, without those that what waits in the queue pays already; `own_nonce` is that of
    the Safe's transaction which asks."""
    due = due_orders(facts, document)
    taken, _ = claimed(_payments_waiting(facts, document, own_nonce), due, document)
    return tuple(each for each in due if each not in taken) if taken else due


def all_in_flight(case: Case) -> tuple[Metered, ...]:
    """What `in_flight` has, standing orders too."""
    return tuple(_of_moves(moves_in_flight(case), case))


@kept
def in_flight(case: Case) -> tuple[Metered, ...]:
    """What waits in the guardians' queue, or was announced to the Kernel, and could still execute beside this unit. A
    transaction at the unit's own nonce is the unit itself or would be replaced by it: one excludes the other. Calls
    that cannot be read count nothing here; they are the owners' own, and are metered as outflows once they have
    executed."""
    moves = moves_in_flight(case)
    if not moves:
        return ()
    paid = [move for move in moves if isinstance(move, Payment)]
    # An order that the Kernel pays with this very unit excuses no payment of owners that waits beside it.
    left = (each for each in due_orders(case.facts, case.document) if each not in orders_paid(case))
    others = claimed(paid, _seen_by_all(left, case.document), case.document)[1]
    return tuple(_of_moves((*others, *(move for move in moves if not isinstance(move, Payment))), case))


@kept
def moves_in_flight(case: Case) -> tuple[Move, ...]:
    """What the transactions that `in_flight` counts would do."""
    own_nonce = case.action.nonce if isinstance(case.action, SafeTx) else None
    queued = (move for each in _beside(case.facts, own_nonce) for move in _moves_of(each, case.document))
    return *queued, *moves_announced(case.facts, case.document)


def _seen_by_all(orders: Iterable[Order], document: PolicyDocument) -> tuple[Order, ...]:
    """Those that owners' payments count for: the chain's own coin leaves no transfer to know them by later."""
    return tuple(each for each in orders if not document.is_native(each.token))


def _beside(facts: Facts, own_nonce: int | None) -> tuple[Queued, ...]:
    return tuple(q for q in facts.queue if q.tx.nonce >= facts.safe.nonce and q.tx.nonce != own_nonce)


def _payments_waiting(facts: Facts, document: PolicyDocument, own_nonce: int | None) -> Iterable[Payment]:
    announced = (move for move in moves_announced(facts, document) if isinstance(move, Payment))
    return (*queued_payments(facts, document, own_nonce), *announced)


def queued_payments(facts: Facts, document: PolicyDocument, own_nonce: int | None = None) -> tuple[Payment, ...]:
    """What waits in the guardians' queue to be paid, whoever proposed it; `own_nonce` as in `orders_left`."""
    moves = (move for each in _beside(facts, own_nonce) for move in _moves_of(each, document))
    return tuple(move for move in moves if isinstance(move, Payment))


def promised(facts: Facts, document: PolicyDocument, own_nonce: int | None = None) -> Counter[TokenId]:
    """Units of each token that what waits in the guardians' queue, whoever proposed it, and what was announced to the
    Kernel, would take out of the Safe, less what the same transaction brings there from markets; `own_nonce` as in
    `orders_left`. Calls that cannot be read count nothing."""
    whole = +_leaving(moves_announced(facts, document))
    for queued in _beside(facts, own_nonce):
        # Unary plus: a transaction that only brings something back makes no room for another's payment.
        whole.update(+_leaving(moves_of(_waiting_calls(queued.tx, document), document)))
    return whole


def _leaving(moves: Iterable[Move]) -> Counter[TokenId]:
    net: Counter[TokenId] = Counter()
    for move in moves:
        if isinstance(move, Payment):
            net[move.token] += move.units
        elif isinstance(move, Exchange):
            net[move.token_in] += move.units_in
        elif isinstance(move, Conversion):
            net[move.reserve.token] += move.units_in if move.is_supply else -move.units_in
    return net


@kept
def caps_touched(case: Case) -> tuple[Cap, ...]:
    """Every cap that the unit's moves count in."""
    return caps_of(of_unit(case), case.document)


def caps_of(metered: tuple[Metered, ...], document: PolicyDocument) -> tuple[Cap, ...]:
    """Every cap that any of these counts in."""
    kinds = kinds_of(metered)
    tokens = {token for token, _ in kinds}
    caps = [cap for cap in document.metered_caps() if cap.token in tokens]
    return tuple([cap for cap in caps if (cap.token, cap.bucket_class) in kinds or (cap.token, None) in kinds])


def kinds_of(metered: tuple[Metered, ...]) -> Collection[tuple[TokenId, str | None]]:
    """The tokens and classes that they are of, each pair once, in order."""
    if len(metered) < _FEW:
        return dict.fromkeys([(each.token, each.bucket_class) for each in metered]).keys()
    return _by_kind(metered).keys()


def total(metered: tuple[Metered, ...], cap: Cap) -> int:
    return sum([m.units for m in counting(metered, cap)]) if metered else 0


def counting(metered: tuple[Metered, ...], cap: Cap) -> tuple[Metered, ...]:
    """Those that count in `cap`, in no order."""
    if len(metered) < _FEW:
        return tuple([each for each in metered if each.counts_in(cap)])
    by_kind = _by_kind(metered)
    own, of_all = by_kind.get((cap.token, cap.bucket_class), ()), by_kind.get((cap.token, None), ())
    return own + of_all if of_all else own


_FEW = 4
"""Fewer are looked through sooner than they are sorted into kinds."""


@once
def _by_kind(metered: tuple[Metered, ...]) -> Mapping[tuple[TokenId, str | None], tuple[Metered, ...]]:
    kinds = defaultdict[tuple[TokenId, str | None], list[Metered]](list)
    for each in metered:
        kinds[each.token, each.bucket_class].append(each)
    return {kind: tuple(members) for kind, members in kinds.items()}


def _of_moves(moves: Iterable[Move], case: Case) -> Iterable[Metered]:
    now, class_ = case.facts.block.timestamp, class_of(case.document)
    for move in moves:
        if isinstance(move, Payment):
            yield Metered(move.token, move.units, move.recipient, class_(move.token, move.recipient), now)
        elif isinstance(move, Exchange):
            yield Metered(move.token_in, move.units_in, move.pool, SWAPS, now)
        elif isinstance(move, Conversion):
            yield Metered(move.token_in, move.units_in, move.market.pool, LENDING, now)


def _moves_of(queued: Queued, document: PolicyDocument) -> Iterable[Move]:
    native = document.token_at(NATIVE)
    for call in _waiting_calls(queued.tx, document):
        moves = moves_of((call,), document)
        yield from moves
        if native and call.value_wei and any(isinstance(move, Opaque) for move in moves):
            # Whatever else the call does, this much of the coin goes with it.
            yield Payment(native.token.id, call.to, call.value_wei)


def _waiting_calls(tx: SafeTx, document: PolicyDocument) -> tuple[Call, ...]:
    """People's wallets batch through a MultiSend of their own: what reads as a batch counts as one. It is counted and
    not trusted, so reading too much into it only ever takes room away."""
    with suppress(ValueError):
        return inner_calls(tx, document)
    with suppress(ValueError):
        return decode_multisend(tx.account, tx.data)
    return ()
