"""From intents to calls and their envelope, in values. Ids resolve through the policy's address book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from policies.grants import granted_payments, shortage
from policies.terms import PolicyDocument
from strongroom.addresses import parse_address
from strongroom.errors import BadAddress
from strongroom.model import (
    NATIVE,
    Address,
    Amount,
    Call,
    Compiled,
    Envelope,
    Facts,
    Finding,
    Intent,
    KernelCall,
    Operation,
    Pay,
    SafeTx,
    Token,
    Unit,
    Verdict,
)
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_payments
from strongroom.protocols.multisend import encode_multisend


def compile_unit(unit: Unit, document: PolicyDocument) -> Compiled | Finding:
    """The unit's calls in order and what they may do at most, or the finding that says why there are none."""
    payments = []
    for intent in unit.intents:
        payment = _payment(intent, document)
        if isinstance(payment, Finding):
            return payment
        payments.append(payment)
    if not payments:
        return _refused("the unit holds no intent")
    calls = tuple(_transfer(unit, token, recipient, units) for token, recipient, units in payments)
    return Compiled(unit, calls, _envelope(payments))


def dress_for_owners(compiled: Compiled, multisend: Address, nonce: int) -> SafeTx:
    """The unit as the Safe's own transaction: its single call, or all of them through MultiSendCallOnly."""
    account, calls = compiled.unit.account, compiled.calls
    if len(calls) == 1:
        return SafeTx(account, calls[0].to, calls[0].value_wei, calls[0].data, Operation.CALL, nonce)
    return SafeTx(account, multisend, 0, encode_multisend(calls), Operation.DELEGATECALL, nonce)


def dress_for_kernel(compiled: Compiled, facts: Facts, document: PolicyDocument) -> KernelCall | None:
    """The unit as one Kernel call from the agent's key, or `None` when some call has no grant, a bucket has no
    room for it, or nobody may act: then guardians are asked."""
    kernel = facts.kernel
    if kernel is None or not kernel.enabled or kernel.paused:
        return None
    payments = granted_payments(compiled.calls, document)
    if payments is None or shortage(payments, kernel, facts.block.timestamp):
        return None
    return KernelCall(compiled.unit.account, kernel.agent, kernel.address, encode_payments(payments))


Payment = tuple[Token, Address, int]


def _payment(intent: Intent, document: PolicyDocument) -> Payment | Finding:
    if not isinstance(intent, Pay):
        return _refused(f"no venue is listed that could do `{type(intent).__name__.lower()}`")
    listed = document.tokens.get(intent.token.value)
    if listed is None:
        return _refused(f"token `{intent.token.value}` is not listed; known: {_named(document.tokens)}")
    recipient = _recipient(intent.payee.value, document)
    if recipient is None:
        return _refused(f"payee `{intent.payee.value}` is not in the address book; known: {_named(document.payees)}")
    if intent.amount_units.value <= 0:
        return _refused(f"amount `{intent.amount_units.value}` is not more than zero")
    return listed.token, recipient, intent.amount_units.value


def _recipient(payee: str, document: PolicyDocument) -> Address | None:
    """A literal address is compiled as it stands: the engine judges it, with every finding named."""
    if payee in document.payees:
        return document.payees[payee].address
    try:
        return parse_address(payee)
    except BadAddress:
        return None


def _transfer(unit: Unit, token: Token, recipient: Address, units: int) -> Call:
    if token.address == NATIVE:
        return Call(unit.account, recipient, units, b"")
    return Call(unit.account, token.address, 0, encode_transfer(recipient, units))


def _envelope(payments: Sequence[Payment]) -> Envelope:
    out: Counter[str] = Counter()
    for token, _, units in payments:
        out[token.id] += units
    tokens = dict.fromkeys(token.id for token, _, _ in payments)
    return Envelope(
        max_out=tuple(Amount(token, out[token]) for token in tokens),
        recipients=tuple(dict.fromkeys(recipient for _, recipient, _ in payments)),
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _refused(reason: str) -> Finding:
    return Finding("compile", Verdict.DENY, reason)
