"""A unit and its world in values, for trying a policy without a chain: calls as the codecs make them, effects as the
prices promise them. What a real rehearsal would find wrong is said by the scenario (`arrives_bps`, `revert`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.conversions import Conversion, calls_of, conversion_of
from policies.market_scene import MarketScene, market_facts
from policies.positions import markets, positions, tokens_of
from policies.terms import UNISWAP_V2, PolicyDocument, Pool, Venue
from strongroom.addresses import keccak, to_address, to_digest
from strongroom.errors import BadValue
from strongroom.model import (
    NATIVE,
    Action,
    Address,
    Amount,
    Block,
    Call,
    Compiled,
    Delta,
    Envelope,
    Facts,
    Gas,
    Intent,
    Listing,
    Operation,
    Opinion,
    Outflow,
    Pay,
    Queued,
    Rehearsal,
    Round,
    SafeState,
    SafeTx,
    Supply,
    Swap,
    TokenId,
    Unit,
    Withdraw,
)
from strongroom.protocols.erc20 import encode_approve, encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.valuation import BPS

NOW = 1_900_000_000
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NONCE = 7
_GAS_PER_CALL = 90_000
_BASE_FEE_WEI = 10**10
_E8 = 8


@dataclass(frozen=True, slots=True)
class Scenario:
    """`arrives_bps` is the share of the promised that recipients, or the Safe in a swap, really get; `past` has
    happened, `waiting` is queued at the nonces before the unit's. `supplied` lies at the first market that lists the
    token; of `left` tokens every market has only so much that is not lent out; `owes` puts a debt there. `actor` and
    `opinions` are the unit's. Each deny list that the policy asks for is `lists_age_seconds` old and holds
    `denied`, or of them only `denied_by`. It is judged at `now`, Unix seconds."""

    intents: tuple[Intent, ...]
    balances: Mapping[TokenId, int]
    prices_e8: Mapping[TokenId, int]
    past: tuple[Outflow, ...] = ()
    waiting: tuple[tuple[Address, Amount], ...] = ()
    stale: frozenset[TokenId] = field(default=frozenset())
    arrives_bps: int = BPS
    revert: str = ""
    supplied: Mapping[TokenId, int] = field(default_factory=dict)
    left: Mapping[TokenId, int] = field(default_factory=dict)
    owes: bool = False
    actor: str = ""
    opinions: tuple[Opinion, ...] = ()
    denied: tuple[Address, ...] = ()
    denied_by: str = ""
    lists_age_seconds: int = 0
    now: int = NOW
    market: MarketScene = field(default_factory=MarketScene)


@dataclass(frozen=True, slots=True)
class Judged:
    """The engine's arguments."""

    compiled: Compiled
    action: Action
    rehearsal: Rehearsal
    facts: Facts


def stage(scenario: Scenario, document: PolicyDocument) -> Judged:
    """What agent and node would hand the engine. Raises `BadValue` on a swap that no listed pool makes."""
    facts = facts_of(scenario, document)
    compiled = _compiled(scenario, document)
    action = dress(compiled.calls, document, _NONCE + len(scenario.waiting))
    return Judged(compiled, action, _rehearsal(scenario, compiled, action, facts, document), facts)


def dress(calls: tuple[Call, ...], document: PolicyDocument, nonce: int) -> SafeTx:
    """The Safe's own transaction for these calls: plain for one, a MultiSendCallOnly batch for more."""
    account = document.account
    if len(calls) == 1:
        return SafeTx(account, calls[0].to, calls[0].value_wei, calls[0].data, Operation.CALL, nonce)
    return SafeTx(account, document.multisend, 0, encode_multisend(calls), Operation.DELEGATECALL, nonce)


def _compiled(scenario: Scenario, document: PolicyDocument) -> Compiled:
    calls = tuple(call for intent in scenario.intents for call in _calls(intent, scenario, document))
    bounds = [_bounds(intent, scenario, document) for intent in scenario.intents]
    envelope = Envelope(
        max_out=tuple(out for out, _ in bounds),
        min_in=tuple(least for _, least in bounds if least is not None),
        recipients=tuple(address_of(i.payee.value, document) for i in scenario.intents if isinstance(i, Pay)),
        spenders=tuple(spender for i in scenario.intents if (spender := _spender(i, document)) is not None),
    )
    unit = Unit("unit", document.account, scenario.intents, scenario.actor, scenario.opinions)
    return Compiled(unit, calls, envelope)


def _bounds(intent: Intent, scenario: Scenario, document: PolicyDocument) -> tuple[Amount, Amount | None]:
    """At most this out, at least that in."""
    if isinstance(intent, Pay):
        return Amount(intent.token.value, intent.amount_units.value), None
    if isinstance(intent, Swap):
        least = Amount(intent.token_out.value, _least(intent, scenario, document))
        return Amount(intent.token_in.value, intent.amount_in_units.value), least
    meant = _conversion(intent, document)
    return meant.most_out, meant.least_in


def _spender(intent: Intent, document: PolicyDocument) -> Address | None:
    if isinstance(intent, Swap):
        return _venue(intent, document)[0].router
    return _conversion(intent, document).market.pool if isinstance(intent, Supply) else None


def _calls(intent: Intent, scenario: Scenario, document: PolicyDocument) -> Iterator[Call]:
    if isinstance(intent, Swap):
        yield from _swap_calls(intent, scenario, document)
    elif isinstance(intent, Pay):
        recipient = address_of(intent.payee.value, document)
        yield _transfer(document, recipient, Amount(intent.token.value, intent.amount_units.value))
    else:
        yield from calls_of(_conversion(intent, document), document)


def _conversion(intent: Supply | Withdraw, document: PolicyDocument) -> Conversion:
    meant = conversion_of(intent, document)
    if isinstance(meant, str):
        raise BadValue(intent.reason.value, "a request", meant)
    return meant


def _transfer(document: PolicyDocument, recipient: Address, amount: Amount) -> Call:
    token = document.tokens[amount.token].token.address
    if token == NATIVE:
        return Call(document.account, recipient, amount.units, b"")
    return Call(document.account, token, 0, encode_transfer(recipient, amount.units))


def _swap_calls(swap: Swap, scenario: Scenario, document: PolicyDocument) -> Iterator[Call]:
    venue, pool = _venue(swap, document)
    token_in, token_out = (document.tokens[t.value].token.address for t in (swap.token_in, swap.token_out))
    safe, deadline = document.account.safe, scenario.now + 600
    units, least = swap.amount_in_units.value, _least(swap, scenario, document)
    if venue.kind == UNISWAP_V2:
        order = encode_swap(PairSwap(token_in, token_out, safe, deadline, units, least))
    else:
        order = encode_exact_input(ExactInput(token_in, token_out, pool.fee_pips, safe, deadline, units, least))
    yield Call(document.account, token_in, 0, encode_approve(venue.router, units))
    yield Call(document.account, venue.router, 0, order)


def _venue(swap: Swap, document: PolicyDocument) -> tuple[Venue, Pool]:
    pair = {swap.token_in.value, swap.token_out.value}
    found = ((venue, pool) for venue in document.venues.values() for pool in venue.pools if set(pool.tokens) == pair)
    try:
        return next(found)
    except StopIteration:
        raise BadValue(" and ".join(sorted(pair)), "a swap", "no listed pool trades this pair; list one") from None


def _fair(swap: Swap, scenario: Scenario, document: PolicyDocument) -> int:
    """What the swap brings at the scenario's prices, without any loss, rounded down."""
    token_in, token_out = swap.token_in.value, swap.token_out.value
    decimals = {t: document.tokens[t].token.decimals for t in (token_in, token_out)}
    worth = swap.amount_in_units.value * scenario.prices_e8[token_in] * 10 ** decimals[token_out]
    fair: int = worth // (scenario.prices_e8[token_out] * 10 ** decimals[token_in])
    return fair


def _least(swap: Swap, scenario: Scenario, document: PolicyDocument) -> int:
    """What the scenario accepts, else half of the loss that the policy allows."""
    if (accepts := scenario.market.accepts_bps) is not None:
        return -(-_fair(swap, scenario, document) * accepts // BPS)
    return -(-_fair(swap, scenario, document) * (2 * BPS - document.max_loss_bps) // (2 * BPS))


def address_of(payee: str, document: PolicyDocument) -> Address:
    """The address book's address for an id, or an address itself. Raises `BadValue` on anything else."""
    if known := document.payees.get(payee):
        return known.address
    if not _ADDRESS.fullmatch(payee):
        named = ", ".join(f"`{id_}`" for id_ in document.payees)
        raise BadValue(payee, "a payee", f"name one of {named or 'the payees, of which there are none'}, or an address")
    return Address(payee)


def _rehearsal(
    scenario: Scenario, compiled: Compiled, action: SafeTx, facts: Facts, document: PolicyDocument
) -> Rehearsal:
    before = _safe(document, action.nonce)
    after = _safe(document, action.nonce + 1)
    gas = _GAS_PER_CALL * len(compiled.calls)
    if scenario.revert:
        return Rehearsal(facts.block, False, scenario.revert, (), (), gas, before, before)
    moved: dict[tuple[Address, TokenId], int] = {}
    for delta in _deltas(scenario, document):
        moved[delta.holder, delta.token] = moved.get((delta.holder, delta.token), 0) + delta.units
    deltas = tuple(Delta(*key, units) for key, units in moved.items() if units)
    return Rehearsal(facts.block, True, "", deltas, (), gas, before, after)


def _deltas(scenario: Scenario, document: PolicyDocument) -> Iterator[Delta]:
    safe = document.account.safe
    for intent in scenario.intents:
        if isinstance(intent, Swap):
            yield Delta(safe, intent.token_in.value, -intent.amount_in_units.value)
            yield Delta(_venue(intent, document)[1].address, intent.token_in.value, intent.amount_in_units.value)
            arrived = _fair(intent, scenario, document) * scenario.arrives_bps // BPS
            yield Delta(safe, intent.token_out.value, arrived)
        elif isinstance(intent, Supply | Withdraw):
            meant = _conversion(intent, document)
            yield Delta(safe, meant.token_in, -meant.units_in)
            yield Delta(safe, meant.token_out, meant.units_in * scenario.arrives_bps // BPS)
        else:
            token, units = intent.token.value, intent.amount_units.value
            yield Delta(safe, token, -units)
            yield Delta(address_of(intent.payee.value, document), token, units * scenario.arrives_bps // BPS)


def facts_of(scenario: Scenario, document: PolicyDocument) -> Facts:
    """What would be observed before the unit."""
    rounds = {id_: _rounds(id_, scenario, document) for id_, listed in document.tokens.items() if listed.feeds}
    market = market_facts(scenario.market, scenario.prices_e8, rounds, document)
    return Facts(
        account=document.account,
        block=Block(1_000, to_digest(keccak(b"block")), scenario.now),
        safe=_safe(document, _NONCE),
        tokens=tokens_of(document),
        balances={**scenario.balances, **positions(scenario.supplied, document)},
        rounds=rounds,
        queue=tuple(_queued(scenario, document)),
        outflows=scenario.past,
        gas=Gas(_BASE_FEE_WEI, 10**18),
        lending=markets(scenario.supplied, scenario.left, scenario.owes, document),
        listings=tuple(_listings(scenario, document)),
        pools=market.pools,
        pairs=market.pairs,
        averages=market.averages,
        past_rounds=market.past_rounds,
    )


def _listings(scenario: Scenario, document: PolicyDocument) -> Iterator[Listing]:
    dated_at = scenario.now - scenario.lists_age_seconds
    for name in document.sanctions.sources if document.sanctions else ():
        denied = scenario.denied if scenario.denied_by in ("", name) else ()
        yield Listing(name, "the case", dated_at, dict.fromkeys(denied, ""))


def _safe(document: PolicyDocument, nonce: int) -> SafeState:
    owners = document.guardians.members
    singleton = to_address(keccak(b"singleton")[12:])
    return SafeState("1.4.1", singleton, owners, document.guardians.approvals, nonce, (), NATIVE, NATIVE)


def _rounds(token: TokenId, scenario: Scenario, document: PolicyDocument) -> tuple[Round, ...]:
    at = scenario.now - document.bounds_of(token).max_age_seconds - (1 if token in scenario.stale else 0)
    answer = scenario.prices_e8.get(token, 0)
    return tuple(Round(feed, _E8, 5, answer, at, at, 5) for feed in document.feeds_of(token))


def _queued(scenario: Scenario, document: PolicyDocument) -> Iterator[Queued]:
    for place, (recipient, amount) in enumerate(scenario.waiting):
        tx = dress((_transfer(document, recipient, amount),), document, _NONCE + place)
        yield Queued(tx, to_digest(keccak(tx.data + bytes([place]))), document.guardians.members[0], (), "")
