"""What calls do, read from their bytes: payments, approvals, exchanges at a listed venue. Anything else is opaque,
and denied.

Only exact canonical calldata of a known selector on a listed contract is understood: no free bytes, no second call
hidden inside.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.terms import ListedToken, PolicyDocument, Venue
from strongroom.model import NATIVE, Account, Action, Address, Call, KernelCall, Operation, SafeTx, TokenId
from strongroom.protocols.erc20 import decode_approve, decode_transfer, encode_approve, encode_transfer
from strongroom.protocols.kernel_legs import GrantedSwap, Leg, decode_legs
from strongroom.protocols.multisend import decode_multisend
from strongroom.protocols.uniswap_v3 import decode_exact_input, encode_exact_input


@dataclass(frozen=True, slots=True)
class Payment:
    token: TokenId
    recipient: Address
    units: int


@dataclass(frozen=True, slots=True)
class Permission:
    """An ERC-20 approval that the unit gives on its way."""

    token: TokenId
    spender: Address
    units: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """Exactly `units_in` of one token for at least `min_out_units` of another, in one listed pool."""

    venue: Venue
    pool: Address
    token_in: TokenId
    token_out: TokenId
    recipient: Address
    units_in: int
    min_out_units: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """A call that nobody here can read, and why."""

    to: Address
    why: str


Move = Payment | Permission | Exchange | Opaque


def inner_calls(action: Action, document: PolicyDocument) -> tuple[Call, ...]:
    """The calls that the Safe itself makes. Raises `ValueError` on a delegatecall other than the policy's
    MultiSendCallOnly, on a batch that does not add up, and on a Kernel call that is not understood."""
    if isinstance(action, KernelCall):
        return tuple(call for leg in decode_legs(action.data) for call in _leg_calls(action.account, leg))
    if action.operation is Operation.CALL:
        return (Call(action.account, action.to, action.value_wei, action.data),)
    return _batch(action, document)


def _leg_calls(account: Account, leg: Leg) -> tuple[Call, ...]:
    """The calls that the Kernel makes the Safe do; for a swap it approves the router for the amount first."""
    if isinstance(leg, GrantedSwap):
        approval = encode_approve(leg.rule.router, leg.units)
        swap = Call(account, leg.rule.router, 0, encode_exact_input(leg.swap))
        return Call(account, leg.rule.token_in, 0, approval), swap
    if leg.rule.token == NATIVE:
        return (Call(account, leg.rule.recipient, leg.units, b""),)
    return (Call(account, leg.rule.token, 0, encode_transfer(leg.rule.recipient, leg.units)),)


def _batch(action: SafeTx, document: PolicyDocument) -> tuple[Call, ...]:
    if action.to != document.multisend:
        raise ValueError(f"delegatecall to `{action.to}`, only `{document.multisend}` is allowed")
    if action.value_wei:
        raise ValueError("a batch carries its value in its calls, not beside them")
    calls = decode_multisend(action.account, action.data)
    if not calls:
        raise ValueError("the batch is empty")
    return calls


def understand(call: Call, document: PolicyDocument) -> Move:
    """What `call`, made by the Safe, does; `Opaque` when any part of it is unknown."""
    if not call.data:
        return _native_payment(call, document)
    if call.value_wei:
        return Opaque(call.to, "sends ether along with calldata")
    if (listed := document.token_at(call.to)) is not None and call.to != NATIVE:
        return _token_call(call, listed)
    venue = next((venue for venue in document.venues.values() if venue.router == call.to), None)
    if venue is not None:
        return _exchange(call, venue, document)
    return Opaque(call.to, "is neither a listed token nor a listed venue")


def _native_payment(call: Call, document: PolicyDocument) -> Move:
    native = document.token_at(NATIVE)
    if native is None:
        return Opaque(call.to, "is sent ether, which is not listed")
    if call.value_wei == 0:
        return Opaque(call.to, "is called with nothing")
    return Payment(native.token.id, call.to, call.value_wei)


def _token_call(call: Call, listed: ListedToken) -> Move:
    try:
        recipient, units = decode_transfer(call.data)
        return Payment(listed.token.id, recipient, units) if units else Opaque(call.to, "transfers nothing")
    except ValueError:
        pass
    try:
        return Permission(listed.token.id, *decode_approve(call.data))
    except ValueError:
        return Opaque(call.to, f"is called with unknown calldata `0x{call.data[:4].hex()}`")


def _exchange(call: Call, venue: Venue, document: PolicyDocument) -> Move:
    try:
        swap = decode_exact_input(call.data)
    except ValueError:
        return Opaque(call.to, f"is called with unknown calldata `0x{call.data[:4].hex()}`")
    token_in, token_out = document.token_at(swap.token_in), document.token_at(swap.token_out)
    if token_in is None or token_out is None or NATIVE in (swap.token_in, swap.token_out):
        return Opaque(call.to, "is asked to swap a token that is not listed")
    pair = {token_in.token.id, token_out.token.id}
    pools = (pool for pool in venue.pools if set(pool.tokens) == pair and pool.fee_pips == swap.fee_pips)
    pool = next(pools, None)
    if pool is None or swap.price_limit_x96 or swap.amount_in_units == 0:
        return Opaque(call.to, "is asked for a pool that is not listed, a price limit, or nothing")
    return Exchange(
        venue,
        pool.address,
        token_in.token.id,
        token_out.token.id,
        swap.recipient,
        swap.amount_in_units,
        swap.min_out_units,
    )
