"""What calls do, read from their bytes: payments, approvals, exchanges at a listed venue, lending at a listed market,
and the watch's new mark. Anything else is opaque, and denied.

Only exact canonical calldata of a known selector on a listed contract is understood: no free bytes, no second call
hidden inside.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.conversions import Conversion, read_conversion
from policies.markets import Market
from policies.terms import UNISWAP_V2, ListedToken, PolicyDocument, Pool, Venue
from strongroom.model import NATIVE, Account, Action, Address, Call, KernelCall, Operation, SafeTx, TokenId
from strongroom.protocols.erc20 import decode_approve, decode_transfer, encode_approve, encode_transfer
from strongroom.protocols.kernel_acts import ExitRule, GrantedAct
from strongroom.protocols.kernel_legs import AnyLeg, GrantedSwap, decode_all_legs
from strongroom.protocols.multisend import decode_multisend
from strongroom.protocols.uniswap_v2 import PairSwap, decode_swap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, decode_exact_input, encode_exact_input
from strongroom.protocols.watch import encode_rebase


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


@dataclass(frozen=True, slots=True)
class Rebase:
    """The contract at `watch` is told to take a new mark. Whether it is the treasury's watch, the rule `watch` says."""

    watch: Address


Move = Payment | Permission | Exchange | Conversion | Rebase | Opaque


def inner_calls(action: Action, document: PolicyDocument) -> tuple[Call, ...]:
    """The calls that the Safe itself makes. Raises `ValueError` on a delegatecall other than the policy's
    MultiSendCallOnly, on a batch that does not add up, and on a Kernel call that is not understood."""
    if isinstance(action, KernelCall):
        return tuple(call for leg in decode_all_legs(action.data) for call in _leg_calls(action.account, leg))
    if action.operation is Operation.CALL:
        return (Call(action.account, action.to, action.value_wei, action.data),)
    return _batch(action, document)


def _leg_calls(account: Account, leg: AnyLeg) -> tuple[Call, ...]:
    """The calls that the Kernel makes the Safe do; where a spender takes the amount, it is approved first."""
    if isinstance(leg, GrantedSwap):
        approval = Call(account, leg.rule.token_in, 0, encode_approve(leg.rule.router, leg.units))
        return approval, Call(account, leg.rule.router, 0, _swap_data(leg.swap))
    if isinstance(leg, GrantedAct):
        return _act_calls(account, leg)
    # Payments and standing orders alike.
    if leg.rule.token == NATIVE:
        return (Call(account, leg.rule.recipient, leg.units, b""),)
    return (Call(account, leg.rule.token, 0, encode_transfer(leg.rule.recipient, leg.units)),)


def _swap_data(swap: ExactInput | PairSwap) -> bytes:
    return encode_swap(swap) if isinstance(swap, PairSwap) else encode_exact_input(swap)


def _act_calls(account: Account, leg: GrantedAct) -> tuple[Call, ...]:
    if isinstance(leg.rule, ExitRule):
        raise ValueError("exits are for guardians, never for the agent")
    act = Call(account, leg.rule.target, leg.value_wei, leg.data)
    if leg.rule.spender == NATIVE:
        return (act,)
    return Call(account, leg.rule.token_in, 0, encode_approve(leg.rule.spender, leg.units)), act


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
    market = next((market for market in document.markets.values() if market.pool == call.to), None)
    if market is not None:
        return _conversion(call, market, document)
    if call.data == encode_rebase():
        return Rebase(call.to)
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


def _conversion(call: Call, market: Market, document: PolicyDocument) -> Move:
    try:
        read = read_conversion(call, market, document)
    except ValueError:
        return Opaque(call.to, f"is called with unknown calldata `0x{call.data[:4].hex()}`")
    return read or Opaque(call.to, "is asked for a token that is not listed there, or for nothing")


def swap_order(data: bytes, venue: Venue) -> ExactInput | PairSwap:
    """The swap in a router's calldata, by the venue's kind: a router of one kind is never taken to understand the
    other's. Raises `ValueError` on anything else."""
    return decode_swap(data) if venue.kind == UNISWAP_V2 else decode_exact_input(data)


def _exchange(call: Call, venue: Venue, document: PolicyDocument) -> Move:
    try:
        swap = swap_order(call.data, venue)
    except ValueError:
        return Opaque(call.to, f"is called with unknown calldata `0x{call.data[:4].hex()}`")
    token_in, token_out = document.token_at(swap.token_in), document.token_at(swap.token_out)
    if token_in is None or token_out is None or NATIVE in (swap.token_in, swap.token_out):
        return Opaque(call.to, "is asked to swap a token that is not listed")
    pair = {token_in.token.id, token_out.token.id}
    pool = next((pool for pool in venue.pools if set(pool.tokens) == pair and _is_meant(pool, swap)), None)
    if pool is None or swap.amount_in_units == 0:
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


def _is_meant(pool: Pool, swap: ExactInput | PairSwap) -> bool:
    """Two tokens have one pair, and one pool for each fee. A price limit would leave part of the order unsold."""
    return isinstance(swap, PairSwap) or (pool.fee_pips == swap.fee_pips and not swap.price_limit_x96)
