"""A row as the engine would have seen it: facts as the history has them, and nothing made up where it has none.

Which rules those facts suffice for, `policies.backtesting.needs` says; the others are not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from policies.backtesting.needs import Known
from policies.backtesting.rows import HistoryRow, Outcome, Transfer
from policies.case import Case, read
from policies.conversions import Conversion
from policies.effects import Exchange, Move, Payment
from policies.positions import tokens_of
from policies.remembering import kept
from policies.spending import Running
from policies.terms import PolicyDocument
from strongroom.addresses import to_digest
from strongroom.model import (
    NATIVE,
    Address,
    Block,
    Compiled,
    Delta,
    Digest,
    Envelope,
    Facts,
    Gas,
    Outflow,
    Rehearsal,
    Round,
    SafeState,
    SafeTx,
    Token,
    TokenId,
    Unit,
)
from strongroom.quantities import format_day

_NO_HASH = to_digest(bytes(32))
_E8 = 8
_NOTHING_DECLARED = Envelope(())
Prices = Mapping[tuple[str, TokenId], int]
"""USD scaled by 1e8 by day (`2026-11-01`) and token."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A row's case, and what the history knows for it."""

    case: Case
    known: frozenset[Known]


def stage_row(row: HistoryRow, prices: Prices, document: PolicyDocument) -> Scene:
    """A row before anything else had happened; `after` adds the past. The queue counts as empty, and the policy's
    guardians as the Safe's owners: neither is in a history."""
    action = SafeTx(document.account, row.to, row.value_wei, row.data, row.operation, row.nonce or 0)
    rounds = _rounds(row.time, prices, document)
    facts = _facts(row, action, rounds, document)
    calls, moves = read(action, document)
    # Nobody compiled it: what is judged is what the bytes say.
    compiled = Compiled(_unit(document), calls, _NOTHING_DECLARED)
    case = Case(compiled, action, _rehearsal(row, facts, document), facts, document, calls, moves)
    return Scene(case, _known(row, rounds, document))


def after(case: Case, outflows: tuple[Outflow, ...], running: Running | None = None) -> Case:
    """The case where these outflows had happened before it, and those that are in the running sums."""
    facts = replace(case.facts, outflows=outflows) if outflows else case.facts
    judged = (case.compiled, case.action, case.rehearsal, facts, case.document, case.calls, case.moves)
    return Case(*judged, running)


def _facts(
    row: HistoryRow,
    action: SafeTx,
    rounds: Mapping[TokenId, tuple[Round, ...]],
    document: PolicyDocument,
) -> Facts:
    return Facts(
        account=document.account,
        block=Block(0, _NO_HASH, row.time),
        safe=_safe(action.nonce, document),
        tokens=_tokens(document),
        balances={},
        rounds=rounds,
        queue=(),
        outflows=(),
        gas=Gas(0, 0),
    )


@kept
def _unit(document: PolicyDocument) -> Unit:
    return Unit("history", document.account, ())


@kept
def _tokens(document: PolicyDocument) -> dict[TokenId, Token]:
    return tokens_of(document)


@kept
def _ids(document: PolicyDocument) -> Mapping[Address, TokenId]:
    return {token.address: id_ for id_, token in _tokens(document).items()}


def _safe(nonce: int, document: PolicyDocument) -> SafeState:
    members = document.guardians.members
    return SafeState("", NATIVE, members, document.guardians.approvals, nonce, (), NATIVE, NATIVE)


def _rehearsal(row: HistoryRow, facts: Facts, document: PolicyDocument) -> Rehearsal:
    failed = row.outcome is Outcome.FAILED
    deltas = () if failed else tuple(_deltas(row.transfers or (), document))
    why = "it failed on chain" if failed else ""
    return Rehearsal(facts.block, not failed, why, deltas, (), 0, facts.safe, facts.safe)


def _deltas(transfers: tuple[Transfer, ...], document: PolicyDocument) -> Iterator[Delta]:
    ids = _ids(document)
    for each in transfers:
        token = ids.get(each.token) or TokenId(each.token)
        yield Delta(each.sender, token, -each.units)
        yield Delta(each.recipient, token, each.units)


def _rounds(time: int, prices: Prices, document: PolicyDocument) -> Mapping[TokenId, tuple[Round, ...]]:
    """As if each feed of a token had just answered the day's price."""
    if not prices:
        return {}
    day = format_day(time)
    found = ((id_, listed.feeds, prices.get((day, id_))) for id_, listed in document.tokens.items() if listed.feeds)
    return {
        id_: tuple(Round(feed, _E8, 1, price_e8, time, time, 1) for feed in feeds)
        for id_, feeds, price_e8 in found
        if price_e8
    }


def _known(row: HistoryRow, rounds: Mapping[TokenId, object], document: PolicyDocument) -> frozenset[Known]:
    priced = bool(rounds) and all(id_ in rounds for id_, listed in document.tokens.items() if listed.feeds)
    return _these(row.has_bytes, row.transfers is not None, priced)


@cache
def _these(has_bytes: bool, has_effects: bool, has_prices: bool) -> frozenset[Known]:
    found = ((has_bytes, Known.BYTES), (has_effects, Known.EFFECTS), (has_prices, Known.PRICES))
    return frozenset(known for has, known in found if has)


def outflows_of(row: HistoryRow, moves: tuple[Move, ...], document: PolicyDocument) -> Iterator[Outflow]:
    """What left with a row, for all that come after it: as the transfers show, else as the calls say. As on chain, the
    chain's own coin leaves no transfer to count, and what failed or was never executed leaves nothing."""
    if row.outcome is not Outcome.EXECUTED:
        return
    moved = _shown(row.transfers, document) if row.transfers is not None else _said(moves)
    for token, recipient, units in moved:
        if not document.is_native(token):
            yield Outflow(token, recipient, units, row.time, Digest(row.tx_hash))


def _shown(transfers: tuple[Transfer, ...], document: PolicyDocument) -> Iterator[tuple[TokenId, Address, int]]:
    ids = _ids(document)
    for each in transfers:
        if each.sender == document.account.safe and each.token in ids:
            yield ids[each.token], each.recipient, each.units


def _said(moves: tuple[Move, ...]) -> Iterator[tuple[TokenId, Address, int]]:
    for move in moves:
        if isinstance(move, Payment):
            yield move.token, move.recipient, move.units
        elif isinstance(move, Exchange):
            yield move.token_in, move.pool, move.units_in
        elif isinstance(move, Conversion):
            yield move.token_in, move.reserve.share if move.is_supply else NATIVE, move.units_in
