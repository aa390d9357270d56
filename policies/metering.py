"""What counts against the caps: what left in the past, what waits in the queue, and what the unit itself moves.

A rolling window, never a calendar one: nothing resets at midnight. What went to an address that the policy does not
know counts in every class of its token, so that an unexplained outflow never makes room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from policies.case import Case
from policies.conversions import Conversion
from policies.effects import Exchange, Move, Opaque, Payment, inner_calls, understand
from policies.markets import LENDING
from policies.terms import SWAPS, Cap, PolicyDocument
from strongroom.model import NATIVE, Address, Call, Facts, Outflow, Queued, SafeTx, TokenId
from strongroom.protocols.multisend import decode_multisend


@dataclass(frozen=True, slots=True)
class Metered:
    """Units that moved at `timestamp`, or are about to, with the class they count in; `None` counts in every class."""

    token: TokenId
    units: int
    recipient: Address
    bucket_class: str | None
    timestamp: int

    @property
    def counterparty(self) -> str:
        """Who gets it, as far as tiers are concerned: all pools are one, and all markets, so that no split hides a
        swap or a loan."""
        return self.bucket_class if self.bucket_class in (SWAPS, LENDING) else self.recipient

    def counts_in(self, cap: Cap) -> bool:
        return self.token == cap.token and self.bucket_class in (None, cap.bucket_class)


def of_unit(case: Case) -> tuple[Metered, ...]:
    """What the unit's own bytes move."""
    return tuple(_of_moves(case.moves, case))


def in_flight(case: Case) -> tuple[Metered, ...]:
    """What waits in the guardians' queue and could still execute beside this unit. A transaction at the unit's own
    nonce is the unit itself or would be replaced by it: one excludes the other. Calls that cannot be read count
    nothing here; they are the owners' own, and are metered as outflows once they have executed."""
    own_nonce = case.action.nonce if isinstance(case.action, SafeTx) else None
    waiting = [q for q in case.facts.queue if q.tx.nonce >= case.facts.safe.nonce and q.tx.nonce != own_nonce]
    return tuple(metered for queued in waiting for metered in _of_queued(queued, case))


def promised(facts: Facts, document: PolicyDocument) -> Counter[TokenId]:
    """Units of each token that what waits in the guardians' queue, whoever proposed it, would take out of the Safe,
    less what the same transaction brings there from markets. Calls that cannot be read count nothing."""
    whole: Counter[TokenId] = Counter()
    for queued in facts.queue:
        if queued.tx.nonce >= facts.safe.nonce:
            # Unary plus: a transaction that only brings something back makes no room for another's payment.
            whole.update(+_leaving(queued.tx, document))
    return whole


def _leaving(tx: SafeTx, document: PolicyDocument) -> Counter[TokenId]:
    net: Counter[TokenId] = Counter()
    for move in (understand(call, document) for call in _waiting_calls(tx, document)):
        if isinstance(move, Payment):
            net[move.token] += move.units
        elif isinstance(move, Exchange):
            net[move.token_in] += move.units_in
        elif isinstance(move, Conversion):
            net[move.reserve.token] += move.units_in if move.is_supply else -move.units_in
    return net


def past(case: Case, cap: Cap, seconds: int) -> tuple[Metered, ...]:
    """Outflows that count in `cap` and are younger than `seconds` at the pinned block."""
    since = case.facts.block.timestamp - seconds
    metered = (_of_outflow(outflow, case.document) for outflow in case.facts.outflows if outflow.timestamp > since)
    return tuple(m for m in metered if m.counts_in(cap))


def caps_touched(case: Case) -> tuple[Cap, ...]:
    """Every cap that the unit's moves count in."""
    moved = of_unit(case)
    return tuple(cap for cap in case.document.metered_caps() if any(m.counts_in(cap) for m in moved))


def total(metered: Iterable[Metered], cap: Cap) -> int:
    return sum(m.units for m in metered if m.counts_in(cap))


def _of_moves(moves: Iterable[Move], case: Case) -> Iterable[Metered]:
    now = case.facts.block.timestamp
    for move in moves:
        if isinstance(move, Payment):
            yield Metered(
                move.token, move.units, move.recipient, _class_of(move.token, move.recipient, case.document), now
            )
        elif isinstance(move, Exchange):
            yield Metered(move.token_in, move.units_in, move.pool, SWAPS, now)
        elif isinstance(move, Conversion):
            yield Metered(move.token_in, move.units_in, move.market.pool, LENDING, now)


def _of_queued(queued: Queued, case: Case) -> Iterable[Metered]:
    native = case.document.token_at(NATIVE)
    for call in _waiting_calls(queued.tx, case.document):
        move = understand(call, case.document)
        if isinstance(move, Opaque) and native and call.value_wei:
            # Whatever else the call does, this much of the coin goes with it.
            move = Payment(native.token.id, call.to, call.value_wei)
        yield from _of_moves([move], case)


def _waiting_calls(tx: SafeTx, document: PolicyDocument) -> tuple[Call, ...]:
    """People's wallets batch through a MultiSend of their own: what reads as a batch counts as one. It is counted and
    not trusted, so reading too much into it only ever takes room away."""
    with suppress(ValueError):
        return inner_calls(tx, document)
    with suppress(ValueError):
        return decode_multisend(tx.account, tx.data)
    return ()


def _of_outflow(outflow: Outflow, document: PolicyDocument) -> Metered:
    bucket_class = _class_of(outflow.token, outflow.recipient, document)
    return Metered(outflow.token, outflow.units, outflow.recipient, bucket_class, outflow.timestamp)


def _class_of(token: TokenId, recipient: Address, document: PolicyDocument) -> str | None:
    """What is lent goes to the share's contract, and a share that is given back is burned."""
    shares = document.shares()
    if (token in shares and recipient == NATIVE) or _is_share_of(token, recipient, document):
        return LENDING
    if (payee := document.payee_at(recipient)) is not None:
        return payee.bucket_class
    return SWAPS if any(pool.address == recipient for pool in document.pools()) else None


def _is_share_of(token: TokenId, address: Address, document: PolicyDocument) -> bool:
    return any((reserve.token, reserve.share) == (token, address) for _, reserve in document.shares().values())
