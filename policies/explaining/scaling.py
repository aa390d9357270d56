"""The same unit with another amount, or without some of its intents: bytes, envelope, routes and rehearsal alike.

The rehearsal of a changed unit is an estimate, rounded against the agent: what bytes say moves as they say it; what
came beyond that before (a better price than the least) comes in proportion, and what came short comes as short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from policies.conversions import Conversion
from policies.effects import Exchange, Payment
from policies.explaining.parts import Part, TakenApart, amount_of, take_apart
from policies.explaining.rewriting import rewritten
from policies.grants import granted_legs
from policies.marks import rebase_after
from policies.scenario import Judged, dress
from policies.terms import PolicyDocument
from strongroom.model import (
    Action,
    Address,
    Amount,
    Call,
    Compiled,
    Delta,
    Envelope,
    Facts,
    Intent,
    KernelCall,
    Labelled,
    Route,
    Swap,
    TokenId,
)
from strongroom.protocols.kernel_legs import encode_legs

Key = tuple[Address, TokenId]


def with_amount(judged: Judged, place: int, units: int, document: PolicyDocument) -> Judged | None:
    """The unit with `units` (> 0) in the intent at `place`, all else as it is; `None` where its calls cannot be told
    apart, or where the Kernel has no grant for the changed ones."""
    intents = list(judged.compiled.unit.intents)
    old, intents[place] = amount_of(intents[place]), _with_units(intents[place], units)
    return _rebuilt(judged, intents, {place: (units, old)}, (), document)


def without(judged: Judged, places: Collection[int], document: PolicyDocument) -> Judged | None:
    """The unit without the intents at `places`; `None` as in `with_amount`, and where none would be left."""
    intents = [each for place, each in enumerate(judged.compiled.unit.intents) if place not in places]
    return _rebuilt(judged, intents, {}, places, document) if intents else None


def _with_units(intent: Intent, units: int) -> Intent:
    if isinstance(intent, Swap):
        return replace(intent, amount_in_units=Labelled(units, intent.amount_in_units.label))
    return replace(intent, amount_units=Labelled(units, intent.amount_units.label))


def _rebuilt(
    judged: Judged,
    intents: Sequence[Intent],
    scales: dict[int, tuple[int, int]],
    gone: Collection[int],
    document: PolicyDocument,
) -> Judged | None:
    taken = take_apart(judged.compiled, document)
    if taken is None or _dressed(judged, judged.compiled.calls, document) != judged.action:
        # Dressing anew would mend what the action's bytes do beyond the unit, and promise a verdict that it never gets.
        return None
    parts = [
        rewritten(part, *scales[place], document) if place in scales else part
        for place, part in enumerate(taken.parts)
        if place not in gone
    ]
    calls = tuple(piece.call for part in (*parts, _tail(taken, parts, judged.facts, document)) for piece in part)
    action = _dressed(judged, calls, document)
    if action is None:
        return None
    before, after = _pieces(taken.parts), _pieces(parts)
    compiled = _compiled(judged.compiled, intents, calls, before, after, gone)
    rehearsal = replace(judged.rehearsal, deltas=tuple(_deltas(judged, before, after)))
    return Judged(compiled, action, rehearsal if judged.rehearsal.success else judged.rehearsal, judged.facts)


def _pieces(parts: Iterable[Part]) -> Part:
    return tuple(piece for part in parts for piece in part)


def _tail(taken: TakenApart, parts: Iterable[Part], facts: Facts, document: PolicyDocument) -> Part:
    """The watch takes its new mark after large payments only, as the compiler has it."""
    paid = [Amount(m.token, m.units) for m in (piece.move for piece in _pieces(parts)) if isinstance(m, Payment)]
    watch = rebase_after(paid, facts, document)
    return tuple(piece for piece in taken.tail if piece.call.to == watch)


def _dressed(judged: Judged, calls: tuple[Call, ...], document: PolicyDocument) -> Action | None:
    if not calls:
        return None
    if not isinstance(judged.action, KernelCall):
        return dress(calls, document, judged.action.nonce)
    legs = granted_legs(calls, document, judged.facts)
    return replace(judged.action, data=encode_legs(legs)) if legs else None


def _compiled(
    old: Compiled,
    intents: Sequence[Intent],
    calls: tuple[Call, ...],
    before: Part,
    after: Part,
    gone: Collection[int],
) -> Compiled:
    unit = replace(old.unit, intents=tuple(intents))
    return Compiled(unit, calls, _envelope(old.envelope, before, after), tuple(_routes(old, after, gone)))


def _envelope(old: Envelope, before: Part, after: Part) -> Envelope:
    """What was declared, more or less by what the bytes move more or less."""
    most = _changed(old.max_out, _most_out(before), _most_out(after))
    return replace(old, max_out=most, min_in=_changed(old.min_in, _least_in(before), _least_in(after)))


def _changed(declared: Iterable[Amount], before: Counter[TokenId], after: Counter[TokenId]) -> tuple[Amount, ...]:
    sums = Counter(after)
    sums.subtract(before)
    for each in declared:
        sums[each.token] += each.units
    return tuple(Amount(token, units) for token, units in sums.items() if units)


def _most_out(pieces: Part) -> Counter[TokenId]:
    sums: Counter[TokenId] = Counter()
    for move in (piece.move for piece in pieces):
        if isinstance(move, Payment):
            sums[move.token] += move.units
        elif isinstance(move, Exchange):
            sums[move.token_in] += move.units_in
        elif isinstance(move, Conversion):
            sums[move.token_in] += move.most_out.units
    return sums


def _least_in(pieces: Part) -> Counter[TokenId]:
    sums: Counter[TokenId] = Counter()
    for move in (piece.move for piece in pieces):
        if isinstance(move, Exchange):
            sums[move.token_out] += move.min_out_units
        elif isinstance(move, Conversion):
            sums[move.token_out] += move.least_in.units
    return sums


def _routes(old: Compiled, after: Part, gone: Collection[int]) -> Iterator[Route]:
    """Each swap's route as its calls now are; the quotes go along in proportion."""
    swaps = [place for place, each in enumerate(old.unit.intents) if isinstance(each, Swap)]
    for place, route in zip(swaps, old.routes, strict=False):
        if place not in gone:
            yield _route(route, after)


def _route(route: Route, after: Part) -> Route:
    moves = {m.pool: m for m in (piece.move for piece in after) if isinstance(m, Exchange)}
    legs = tuple(
        replace(
            leg,
            amount_in_units=moves[leg.pool].units_in,
            quoted_out_units=leg.quoted_out_units * moves[leg.pool].units_in // leg.amount_in_units,
            min_out_units=moves[leg.pool].min_out_units,
        )
        for leg in route.legs
        if leg.pool in moves
    )
    amounts = sum(leg.amount_in_units for leg in legs), sum(leg.min_out_units for leg in legs)
    return replace(route, amount_in_units=amounts[0], min_out_units=amounts[1], legs=legs)


def _deltas(judged: Judged, before: Part, after: Part) -> Iterator[Delta]:
    seen: Counter[Key] = Counter()
    for delta in judged.rehearsal.deltas:
        seen[delta.holder, delta.token] += delta.units
    safe = judged.compiled.unit.account.safe
    said, says = _said(before, safe), _said(after, safe)
    came, comes = _arriving(before, safe), _arriving(after, safe)
    known = {key for key in said if key[0] == safe or key in seen}
    for key in dict.fromkeys((*seen, *known)):
        units = says[key] + _beyond(seen[key] - said[key], came[key], comes[key]) if key in said else seen[key]
        if units:
            yield Delta(*key, units)


def _beyond(units: int, came: int, comes: int) -> int:
    """What a balance changed by beyond the bytes, where `came` arrived, now that `comes` does. More came in proportion,
    rounded down; what came short comes short by as much, or a wrong would round away in a small enough amount."""
    if came and not comes:
        return 0
    return units * comes // came if units > 0 and came else units


def _said(pieces: Part, safe: Address) -> Counter[Key]:
    """What the bytes say that each balance changes by; of a swap's receipt the least."""
    sums = _arriving(pieces, safe)
    for move in (piece.move for piece in pieces):
        if isinstance(move, Payment):
            sums[safe, move.token] -= move.units
        elif isinstance(move, Exchange | Conversion):
            sums[safe, move.token_in] -= move.units_in
    return sums


def _arriving(pieces: Part, safe: Address) -> Counter[Key]:
    """Who gets how much of what."""
    sums: Counter[Key] = Counter()
    for move in (piece.move for piece in pieces):
        if isinstance(move, Payment):
            sums[move.recipient, move.token] += move.units
        elif isinstance(move, Exchange):
            sums[safe, move.token_out] += move.min_out_units
            sums[move.pool, move.token_in] += move.units_in
        elif isinstance(move, Conversion):
            sums[safe, move.token_out] += move.units_in
            sums[move.reserve.share, move.token_in] += move.units_in if move.is_supply else 0
    return sums
