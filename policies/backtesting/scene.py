"""A row as the engine would have seen it: facts as the history has them, and nothing made up where it has none.

Which rules those facts suffice for, `policies.backtesting.needs` says; the others are not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from policies.backtesting.needs import Known
from policies.backtesting.rows import HistoryRow, Outcome, Transfer
from policies.backtesting.seen import Observed, Recorded, covered, whole_rounds
from policies.case import Case, open_case, read
from policies.conversions import Conversion
from policies.document import document_hash
from policies.effects import Exchange, Move, Payment, inner_calls
from policies.positions import tokens_of
from policies.remembering import kept
from policies.scenario import dress
from policies.spending import Running
from policies.terms import PolicyDocument
from strongroom.addresses import to_digest
from strongroom.model import (
    NATIVE,
    Action,
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

_RECORDED = {Known.BYTES, Known.EFFECTS, Known.ALLOWANCES, Known.GAS, Known.SAFE, Known.INTENTS, Known.ACTOR}
_UNRECORDED = {Known.ENVELOPE, Known.LISTS}
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
    guardians as the Safe's owners: neither is in a history. What a ledger recorded is staged as it was recorded."""
    if isinstance(row.seen, Recorded):
        return _as_recorded(row.seen, document)
    action = SafeTx(document.account, row.to, row.value_wei, row.data, row.operation, row.nonce or 0)
    rounds = _rounds(row.time, prices, document)
    facts = _with_observed(_facts(row, action, rounds, document), row.seen, document)
    calls, moves = read(action, document)
    # Nobody compiled it: what is judged is what the bytes say.
    compiled = Compiled(_unit(document), calls, _NOTHING_DECLARED)
    case = Case(compiled, action, _rehearsal(row, facts, document), facts, document, calls, moves)
    return Scene(case, _known(row, facts, document))


def _as_recorded(seen: Recorded, document: PolicyDocument) -> Scene:
    """The envelope and the deny lists are not in a ledger. Under another policy than the one that judged it, only what
    the facts cover of that other one is known, and what the Kernel would do is judged as if the Safe did it."""
    same = seen.policy == document_hash(document)
    action = seen.action if same else _as_safe_tx(seen.action, document)
    case = open_case(Compiled(seen.unit, (), _NOTHING_DECLARED), action, seen.rehearsal, seen.facts, document)
    compiled = Compiled(seen.unit, case.calls, _NOTHING_DECLARED)
    known = _RECORDED | ({*Known} - _UNRECORDED if same else covered(seen.facts, document))
    if action is not seen.action:
        known -= {Known.SAFE}
    return Scene(replace(case, compiled=compiled), frozenset(known))


def _as_safe_tx(action: Action, document: PolicyDocument) -> SafeTx:
    if isinstance(action, SafeTx):
        return action
    # The leaves of the Kernel's calls belong to the policy that it was compiled from.
    return dress(inner_calls(action, document), document, 0)


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


def _with_observed(facts: Facts, seen: Observed | Recorded | None, document: PolicyDocument) -> Facts:
    """A source's answer at that block goes before a file's price of that day."""
    if not isinstance(seen, Observed):
        return facts
    found = seen.facts
    return replace(
        facts,
        balances=found.balances,
        rounds={**facts.rounds, **whole_rounds(found, document)},
        gas=found.gas,
        pools=found.pools,
        pairs=found.pairs,
        lending=found.lending,
        averages=found.averages,
        past_rounds=found.past_rounds,
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
    failed, ran = row.outcome is Outcome.FAILED, _ran(row)
    deltas = () if failed else tuple(_deltas(row.transfers or (), document))
    if ran is not None and row.transfers is None:
        deltas = ran.deltas
    why, gas = "it failed on chain" if failed else "", row.seen.gas_used if isinstance(row.seen, Observed) else 0
    return Rehearsal(facts.block, not failed, why, deltas, ran.allowances if ran else (), gas, facts.safe, facts.safe)


def _ran(row: HistoryRow) -> Rehearsal | None:
    """The row's bytes run again, where that ends as the chain says it did."""
    ran = row.seen.rehearsal if isinstance(row.seen, Observed) else None
    return ran if ran and ran.success and row.outcome is Outcome.EXECUTED else None


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


def _known(row: HistoryRow, facts: Facts, document: PolicyDocument) -> frozenset[Known]:
    ran, rounds = _ran(row), facts.rounds
    priced = bool(rounds) and all(id_ in rounds for id_, listed in document.tokens.items() if listed.feeds)
    found = _these(row.has_bytes, row.transfers is not None or ran is not None, ran is not None, priced)
    if isinstance(row.seen, Observed):
        return found | {Known.GAS, *(covered(row.seen.facts, document) - {Known.WATCH})}
    return found


@cache
def _these(has_bytes: bool, has_effects: bool, has_allowances: bool, has_prices: bool) -> frozenset[Known]:
    found = (
        (has_bytes, Known.BYTES),
        (has_effects, Known.EFFECTS),
        (has_allowances, Known.ALLOWANCES),
        (has_prices, Known.PRICES),
    )
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
