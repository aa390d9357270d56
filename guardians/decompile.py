"""From a proposal's bytes back to what it would do: the compiler's direction reversed, by the policy's own reader.

Nothing that the proposer says about it is read, only the bytes that owners sign. Who chose an amount is therefore not
known either: it counts as a model's choice, so that a review is never looser than the verdict the agent proposed under.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from policies.conversions import Conversion
from policies.effects import Exchange, Move, Opaque, Payment, Permission, inner_calls
from policies.terms import PolicyDocument
from policies.unwrapping import moves_of_action
from strongroom.model import (
    Amount,
    Call,
    Compiled,
    Envelope,
    Intent,
    Label,
    Labelled,
    Pay,
    SafeTx,
    Supply,
    Swap,
    TokenId,
    Unit,
    Withdraw,
)
from strongroom.protocols.safe import safe_tx_hash

T = TypeVar("T")


def read_moves(tx: SafeTx, document: PolicyDocument) -> tuple[Move, ...]:
    """What each call of `tx` does, in order; one `Opaque` where the calls cannot even be told apart."""
    try:
        return moves_of_action(tx, document)
    except ValueError as error:
        return (Opaque(tx.to, str(error)),)


def decompile(tx: SafeTx, document: PolicyDocument) -> Compiled:
    """The unit that compiles to `tx`, its calls, and the envelope that the decoded amounts declare.

    A call that is not understood gives no intent, and a batch that cannot be taken apart no call: the engine then
    denies by name. Never raises.
    """
    moves = read_moves(tx, document)
    intents = tuple(intent for number, move in enumerate(moves, 1) for intent in _intents(number, move, document))
    return Compiled(Unit(safe_tx_hash(tx), tx.account, intents), _calls(tx, document), _envelope(moves))


def _calls(tx: SafeTx, document: PolicyDocument) -> tuple[Call, ...]:
    try:
        return inner_calls(tx, document)
    except ValueError:
        return ()


def _intents(number: int, move: Move, document: PolicyDocument) -> tuple[Intent, ...]:
    if isinstance(move, Payment):
        return (_pay(f"call-{number}", move, document),)
    if isinstance(move, Exchange):
        return (_swap(f"call-{number}", move),)
    if isinstance(move, Conversion):
        return (_lending(f"call-{number}", move),)
    return ()


def _pay(id: str, payment: Payment, document: PolicyDocument) -> Pay:
    """Whoever is listed was named by the signed policy; a stranger was named by nothing but the proposal."""
    listed = document.payee_at(payment.recipient)
    payee = Labelled(listed.id, Label.MANDATE) if listed else Labelled(str(payment.recipient), Label.EXTERNAL)
    return Pay(id, _chosen(payment.token), payee, _chosen(payment.units), _chosen(""))


def _swap(id: str, exchange: Exchange) -> Swap:
    token_in, token_out = _chosen(exchange.token_in), _chosen(exchange.token_out)
    return Swap(id, token_in, token_out, _chosen(exchange.units_in), _chosen(""))


def _lending(id: str, move: Conversion) -> Supply | Withdraw:
    """Only listed markets give a conversion: like a listed payee, the signed policy named it."""
    kind, venue = Supply if move.is_supply else Withdraw, Labelled(move.market.id, Label.MANDATE)
    return kind(id, _chosen(move.reserve.token), _chosen(move.units_in), venue, _chosen(""))


def _chosen(value: T) -> Labelled[T]:
    return Labelled(value, Label.MODEL)


def _envelope(moves: Sequence[Move]) -> Envelope:
    """As tight as the bytes: exactly what they send, at least what they demand, whom they pay and permit."""
    paid = [Amount(move.token, move.units) for move in moves if isinstance(move, Payment)]
    exchanges = [move for move in moves if isinstance(move, Exchange)]
    sold = [Amount(each.token_in, each.units_in) for each in exchanges]
    bought = [Amount(each.token_out, each.min_out_units) for each in exchanges]
    lent = [move for move in moves if isinstance(move, Conversion)]
    return Envelope(
        max_out=_sums([*paid, *sold, *(each.most_out for each in lent)]),
        min_in=_sums([*bought, *(each.least_in for each in lent)]),
        recipients=tuple(dict.fromkeys(move.recipient for move in moves if isinstance(move, Payment))),
        spenders=tuple(dict.fromkeys(move.spender for move in moves if isinstance(move, Permission))),
    )


def _sums(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    sums: Counter[TokenId] = Counter()
    for amount in amounts:
        sums[amount.token] += amount.units
    return tuple(Amount(token, units) for token, units in sums.items())
