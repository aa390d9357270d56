"""Calls inside calls: a router's multicall, and a Safe that is asked to execute a transaction of its own.

What a wrapper makes the Safe do counts like any call of the Safe, however deep it lies: nothing is hidden by wrapping,
from the meters neither. A wrapper that is itself no honest way to do it stays among the moves as `Opaque`, and denies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from policies.effects import Move, Opaque, inner_calls, understand
from policies.terms import UNISWAP_V3, PolicyDocument
from strongroom.model import Action, Call
from strongroom.protocols.abi import selector
from strongroom.protocols.multisend import MULTI_SEND
from strongroom.protocols.safe import EXEC, decode_exec
from strongroom.protocols.uniswap_v3 import MULTICALL, decode_multicall

DEEPEST = 4
"""So many wrappers inside each other are taken apart. No honest compiler needs more than two."""


def moves_of_action(action: Action, document: PolicyDocument) -> tuple[Move, ...]:
    """What an action does. Raises `ValueError` where its calls cannot even be told apart."""
    return moves_of(inner_calls(action, document), document)


def moves_of(calls: Iterable[Call], document: PolicyDocument) -> tuple[Move, ...]:
    """What each call of the Safe does, in order, with all that lies inside it."""
    moves, wrapping = list[Move](), _wrapping()
    for call in calls:
        if call.data[:4] in wrapping:
            moves += _unwrapped(call, document, DEEPEST)
        else:
            moves.append(understand(call, document))
    return tuple(moves)


@cache
def _wrapping() -> frozenset[bytes]:
    """How a call begins that may hold others; most do not."""
    return frozenset(map(selector, (MULTICALL, EXEC, MULTI_SEND)))


def _unwrapped(call: Call, document: PolicyDocument, depth: int) -> Iterator[Move]:
    taken_apart = _by_router(call, document) or _by_safe(call, document)
    if not taken_apart:
        yield _batch(call) or understand(call, document)
    elif not depth:
        yield Opaque(call.to, f"wraps calls more than {DEEPEST} deep")
    else:
        for each in taken_apart:
            yield from (each,) if isinstance(each, Opaque) else _unwrapped(each, document, depth - 1)


def _by_router(call: Call, document: PolicyDocument) -> tuple[Call | Opaque, ...]:
    """A multicall makes the router call itself for the same sender. Empty where it is none."""
    if call.data[:4] != selector(MULTICALL):
        return ()
    if call.to not in [venue.router for venue in document.venues.values() if venue.kind == UNISWAP_V3]:
        return ()
    try:
        return tuple(replace(call, data=data) for data in decode_multicall(call.data))
    except ValueError as error:
        return (Opaque(call.to, str(error)),)


def _by_safe(call: Call, document: PolicyDocument) -> tuple[Call | Opaque, ...]:
    """A transaction of the Safe inside one: it has signatures of its own, and is not the one that is judged. Only the
    treasury's own Safe is looked into: what another Safe does moves nothing of the treasury's."""
    if call.data[:4] != selector(EXEC):
        return ()
    if call.to != document.account.safe:
        return (Opaque(call.to, "is asked as a Safe to execute a transaction"),)
    asked = Opaque(call.to, "is asked to execute a transaction of its own within this one")
    try:
        return asked, *inner_calls(decode_exec(call.account, 0, call.data), document)
    except ValueError as error:
        return asked, Opaque(call.to, str(error))


def _batch(call: Call) -> Opaque | None:
    if call.data[:4] != selector(MULTI_SEND):
        return None
    return Opaque(call.to, "batches calls in its own name: only a delegatecall makes them in the Safe's")
