"""The calls of one intent with another amount, split over pools as before, each least in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policies.conversions import Conversion, calls_of
from policies.effects import Exchange, Payment, swap_order, understand
from policies.explaining.parts import Part, Piece
from policies.terms import PolicyDocument
from strongroom.model import Call
from strongroom.protocols.erc20 import encode_approve, encode_transfer
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import encode_exact_input


def rewritten(part: Part, units: int, old_units: int, document: PolicyDocument) -> Part:
    """The part of an intent that moved `old_units`, now moving exactly `units`. What a pool would get nothing of is
    left out."""
    calls = tuple(_calls(part, units, old_units, document))
    return tuple(Piece(call, understand(call, document)) for call in calls)


def _calls(part: Part, units: int, old_units: int, document: PolicyDocument) -> Iterator[Call]:
    legs = [piece for piece in part if isinstance(piece.move, Exchange)]
    shares = dict(zip(map(id, legs), _shares(legs, units, old_units), strict=True))
    for piece in part:
        if isinstance(piece.move, Payment):
            yield _payment(piece, units)
        elif isinstance(piece.move, Conversion):
            yield from calls_of(replace(piece.move, units_in=units), document)
        elif isinstance(piece.move, Exchange) and shares[id(piece)]:
            yield from _exchange(piece, piece.move, shares[id(piece)])


def _shares(legs: list[Piece], units: int, old_units: int) -> list[int]:
    """What each pool gets of `units`, in proportion and rounded down, the last one the rest."""
    shares = [leg.move.units_in * units // old_units for leg in legs if isinstance(leg.move, Exchange)]
    return [*shares[:-1], units - sum(shares[:-1])] if shares else []


def _payment(piece: Piece, units: int) -> Call:
    move, call = piece.move, piece.call
    assert isinstance(move, Payment)
    if not call.data:
        return replace(call, value_wei=units)
    return replace(call, data=encode_transfer(move.recipient, units))


def _exchange(piece: Piece, move: Exchange, units: int) -> Iterator[Call]:
    """After an approval of exactly as much. The least is rounded up: no smaller order loses more than the whole."""
    old = swap_order(piece.call.data, move.venue)
    least = -(-move.min_out_units * units // move.units_in)
    new = replace(old, amount_in_units=units, min_out_units=least)
    yield Call(piece.call.account, old.token_in, 0, encode_approve(move.venue.router, units))
    yield replace(piece.call, data=encode_swap(new) if isinstance(new, PairSwap) else encode_exact_input(new))
