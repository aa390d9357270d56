"""A unit's calls taken apart by intent, read from their bytes: only what can be told apart can be changed alone."""

from __future__ import annotations

from dataclasses import dataclass

from policies.conversions import Conversion
from policies.effects import Exchange, Move, Payment, Permission, Rebase, understand
from policies.terms import PolicyDocument
from strongroom.model import Call, Compiled, Intent, Pay, Supply, Swap, Withdraw


@dataclass(frozen=True, slots=True)
class Piece:
    """A call and what it does."""

    call: Call
    move: Move


Part = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class TakenApart:
    """One part for each intent, in order, and the calls after them that serve them all."""

    parts: tuple[Part, ...]
    tail: Part


def amount_of(intent: Intent) -> int:
    """What the intent moves, in units of the token that it names first."""
    return intent.amount_in_units.value if isinstance(intent, Swap) else intent.amount_units.value


def take_apart(compiled: Compiled, document: PolicyDocument) -> TakenApart | None:
    """`None` where the calls are not, one intent after the other, exactly what the intents say."""
    rest = tuple(Piece(call, understand(call, document)) for call in compiled.calls)
    parts: list[Part] = []
    for intent in compiled.unit.intents:
        part = _part(intent, rest) if isinstance(intent, Intent) else None
        if part is None:
            return None
        parts.append(part)
        rest = rest[len(part) :]
    return TakenApart(tuple(parts), rest) if all(isinstance(piece.move, Rebase) for piece in rest) else None


def _part(intent: Intent, rest: Part) -> Part | None:
    """The shortest beginning of `rest` that does what the intent says; a swap may take several pools."""
    units = 0
    for number, piece in enumerate(rest, 1):
        if not isinstance(piece.move, Permission):
            if not _serves(piece.move, intent):
                return None
            units += _units(piece.move)
        if units >= amount_of(intent):
            return rest[:number] if units == amount_of(intent) else None
    return None


def _serves(move: Move, intent: Intent) -> bool:
    if isinstance(move, Payment):
        return isinstance(intent, Pay) and intent.token.value == move.token
    if isinstance(move, Exchange):
        pair = (move.token_in, move.token_out)
        return isinstance(intent, Swap) and (intent.token_in.value, intent.token_out.value) == pair
    if isinstance(move, Conversion):
        kind = Supply if move.is_supply else Withdraw
        named = (move.market.id, move.reserve.token)
        return isinstance(intent, kind) and (intent.venue.value, intent.token.value) == named
    return False


def _units(move: Move) -> int:
    return move.units if isinstance(move, Payment) else move.units_in if isinstance(move, Exchange | Conversion) else 0
