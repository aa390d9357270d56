"""From intents to calls and their envelope, in values. Ids resolve through the policy's address book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agent.swaps import routed
from policies.conversions import calls_of, conversion_of
from policies.grants import granted_legs, shortage
from policies.marks import rebase_after
from policies.terms import PolicyDocument
from strongroom.addresses import parse_address
from strongroom.errors import BadAddress
from strongroom.model import (
    NATIVE,
    Account,
    Address,
    Amount,
    Call,
    Compiled,
    Envelope,
    Facts,
    Finding,
    Intent,
    KernelCall,
    Lane,
    Operation,
    Pay,
    Route,
    SafeTx,
    Supply,
    Swap,
    Token,
    TokenId,
    Unit,
    Verdict,
    Withdraw,
)
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.watch import encode_rebase


@dataclass(frozen=True, slots=True)
class Part:
    """What one intent becomes: its calls, what they take out and bring in at least, and whom they name."""

    calls: tuple[Call, ...]
    out: Amount
    least_in: tuple[Amount, ...] = ()
    recipients: tuple[Address, ...] = ()
    spenders: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()


def compile_unit(unit: Unit, facts: Facts, document: PolicyDocument, lane: Lane) -> Compiled | Finding:
    """The unit's calls in order and what they may do at most, or the finding that says why there are none. Swaps are
    routed over `facts.pools`. In the owner lane they stay valid while guardians sign, and after large payments the
    watch takes a new mark; a unit for the agent lane that the Kernel would not take is compiled for the owners."""
    compiled = _compiled(unit, facts, document, lane)
    if lane is Lane.OWNER or isinstance(compiled, Finding) or dress_for_kernel(compiled, facts, document) is not None:
        return compiled
    return _compiled(unit, facts, document, Lane.OWNER)


def _compiled(unit: Unit, facts: Facts, document: PolicyDocument, lane: Lane) -> Compiled | Finding:
    parts = []
    for intent in unit.intents:
        part = _part(intent, facts, document, lane)
        if isinstance(part, str):
            return Finding("compile", Verdict.DENY, part)
        parts.append(part)
    if not parts:
        return Finding("compile", Verdict.DENY, "the unit holds no intent")
    calls = tuple(call for part in parts for call in part.calls)
    if lane is Lane.OWNER:
        calls = (*calls, *_new_mark(unit, facts, document))
    return Compiled(unit, calls, _envelope(parts), tuple(route for part in parts for route in part.routes))


def dress_for_owners(compiled: Compiled, multisend: Address, nonce: int) -> SafeTx:
    """The unit as the Safe's own transaction: its single call, or all of them through MultiSendCallOnly."""
    account, calls = compiled.unit.account, compiled.calls
    if len(calls) == 1:
        return SafeTx(account, calls[0].to, calls[0].value_wei, calls[0].data, Operation.CALL, nonce)
    return SafeTx(account, multisend, 0, encode_multisend(calls), Operation.DELEGATECALL, nonce)


def dress_for_kernel(compiled: Compiled, facts: Facts, document: PolicyDocument) -> KernelCall | None:
    """The unit as one Kernel call from the agent's key, or `None` when some call has no grant, a bucket has no
    room for it, its losses might pause the Kernel, or nobody may act: then guardians are asked."""
    kernel = facts.kernel
    if kernel is None or not kernel.enabled or kernel.paused:
        return None
    legs = granted_legs(compiled.calls, document, facts)
    if legs is None or shortage(legs, facts, document):
        return None
    return KernelCall(compiled.unit.account, kernel.agent, kernel.address, encode_legs(legs))


def _new_mark(unit: Unit, facts: Facts, document: PolicyDocument) -> Iterator[Call]:
    """Where there is a reason against it, the engine's rule `watch` names it."""
    paid = [Amount(each.token.value, each.amount_units.value) for each in unit.intents if isinstance(each, Pay)]
    watch = rebase_after(paid, facts, document)
    if isinstance(watch, str):
        yield Call(unit.account, watch, 0, encode_rebase())


def _part(intent: Intent, facts: Facts, document: PolicyDocument, lane: Lane) -> Part | str:
    """The intent's part of the unit, or why there is none."""
    if isinstance(intent, Pay):
        return _payment(intent, facts.account, document)
    if isinstance(intent, Swap):
        return _swap(intent, facts, document, lane)
    return _lending(intent, document)


def _swap(intent: Swap, facts: Facts, document: PolicyDocument, lane: Lane) -> Part | str:
    found = routed(intent, facts, document, lane)
    if isinstance(found, str):
        return found
    return Part(
        calls=found.calls,
        out=Amount(found.route.token_in, found.route.amount_in_units),
        least_in=(Amount(found.route.token_out, found.route.min_out_units),),
        spenders=tuple(venue.router for venue in found.venues),
        routes=(found.route,),
    )


def _payment(intent: Pay, account: Account, document: PolicyDocument) -> Part | str:
    listed = document.tokens.get(intent.token.value)
    if listed is None:
        return f"token `{intent.token.value}` is not listed; known: {_named(document.tokens)}"
    recipient = _recipient(intent.payee.value, document)
    if recipient is None:
        return f"payee `{intent.payee.value}` is not in the address book; known: {_named(document.payees)}"
    units = intent.amount_units.value
    if units <= 0:
        return f"amount `{units}` is not more than zero"
    call = _transfer(account, listed.token, recipient, units)
    return Part((call,), Amount(listed.token.id, units), recipients=(recipient,))


def _lending(intent: Supply | Withdraw, document: PolicyDocument) -> Part | str:
    """At par: what comes in is what goes out, but for what the market rounds off its shares."""
    meant = conversion_of(intent, document)
    if isinstance(meant, str):
        return meant
    spenders = (meant.market.pool,) if meant.is_supply else ()
    return Part(calls_of(meant, document), meant.most_out, (meant.least_in,), spenders=spenders)


def _recipient(payee: str, document: PolicyDocument) -> Address | None:
    """A literal address is compiled as it stands: the engine judges it, with every finding named."""
    if payee in document.payees:
        return document.payees[payee].address
    try:
        return parse_address(payee)
    except BadAddress:
        return None


def _transfer(account: Account, token: Token, recipient: Address, units: int) -> Call:
    if token.address == NATIVE:
        return Call(account, recipient, units, b"")
    return Call(account, token.address, 0, encode_transfer(recipient, units))


def _envelope(parts: Sequence[Part]) -> Envelope:
    return Envelope(
        max_out=_sums(part.out for part in parts),
        min_in=_sums(amount for part in parts for amount in part.least_in),
        recipients=tuple(dict.fromkeys(each for part in parts for each in part.recipients)),
        spenders=tuple(dict.fromkeys(each for part in parts for each in part.spenders)),
    )


def _sums(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    sums: Counter[TokenId] = Counter()
    for amount in amounts:
        sums[amount.token] += amount.units
    return tuple(Amount(token, units) for token, units in sums.items())


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
