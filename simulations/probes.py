"""What is read around an action, inside the simulation that runs it: balances, allowances, the Safe's own state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import to_address
from strongroom.model import (
    NATIVE,
    Action,
    Address,
    Allowance,
    Call,
    Delta,
    KernelCall,
    Operation,
    SafeState,
    Token,
    TokenId,
)
from strongroom.ports import Read, SimulatedResult
from strongroom.protocols.abi import selector
from strongroom.protocols.erc20 import APPROVE, read_allowance, read_balance
from strongroom.protocols.multisend import MULTI_SEND, decode_multisend
from strongroom.protocols.safe import state_from, state_reads

NATIVE_READER = bytes.fromhex("6000353160005260206000f3")
"""Runtime code that answers with the BALANCE of the address in the first word: a simulation has no balance call."""

_APPROVALS = (APPROVE, "increaseAllowance(address,uint256)")


@dataclass(frozen=True, slots=True)
class Probes:
    """Reads in a fixed order; the keys beside them say whose value each is."""

    balances: tuple[tuple[Address, TokenId, Read[int]], ...]
    state: tuple[Read[Any], ...]
    allowances: tuple[tuple[TokenId, Address, Read[int]], ...]

    def reads(self) -> tuple[Read[Any], ...]:
        balances = [read for _, _, read in self.balances]
        return (*balances, *self.state, *(read for _, _, read in self.allowances))


@dataclass(frozen=True, slots=True)
class Picture:
    """What the probes saw at one point of the simulation, in their order."""

    balances: tuple[int, ...]
    state: SafeState
    allowances: tuple[int, ...]


def probes(
    safe: Address,
    tokens: Mapping[TokenId, Token],
    holders: Iterable[Address],
    pairs: Iterable[tuple[Address, Address]],
    native_reader: Address,
) -> Probes:
    """Every listed token's and the native balance of each holder, the Safe's state, and its allowance for each
    (token address, spender) pair. `native_reader` is where `NATIVE_READER` lies."""
    ids = {token.address: token.id for token in tokens.values()}
    watched = {NATIVE: native_id(tokens), **ids}
    return Probes(
        tuple(
            (holder, token_id, _balance_read(address, holder, native_reader))
            for holder in dict.fromkeys(holders)
            for address, token_id in watched.items()
        ),
        state_reads(safe),
        tuple(
            (ids.get(token, TokenId(token)), spender, read_allowance(token, safe, spender))
            for token, spender in dict.fromkeys(pairs)
        ),
    )


def native_id(tokens: Mapping[TokenId, Token]) -> TokenId:
    """The id under which the chain's native coin is listed, else `native`."""
    return next((token.id for token in tokens.values() if token.address == NATIVE), TokenId("native"))


def _balance_read(token: Address, holder: Address, native_reader: Address) -> Read[int]:
    if token != NATIVE:
        return read_balance(token, holder)
    return Read(native_reader, bytes(12) + bytes.fromhex(holder[2:]), _uint)


def _uint(word: bytes) -> int:
    if len(word) != 32:
        raise ValueError(f"a balance has 32 bytes, not {len(word)}")
    return int.from_bytes(word, "big")


def picture(watched: Probes, results: Sequence[SimulatedResult]) -> Picture:
    """What `watched.reads()` gave. Raises `ValueError` naming the first read that failed: nothing is taken for zero."""
    values = [_value(read, result) for read, result in zip(watched.reads(), results, strict=True)]
    first, last = len(watched.balances), len(watched.balances) + len(watched.state)
    state = state_from(values[first:last])
    if state is None:
        raise ValueError("the Safe's state could not be read")
    return Picture(tuple(values[:first]), state, tuple(values[last:]))


def _value(read: Read[Any], result: SimulatedResult) -> Any:
    if not result.success:
        raise ValueError(f"`{read.target}` did not answer `0x{read.data[:4].hex()}`")
    return read.decode(result.returned)


def deltas(watched: Probes, before: Picture, after: Picture) -> tuple[Delta, ...]:
    """Balance changes; unchanged balances are left out."""
    changes = (late - early for early, late in zip(before.balances, after.balances, strict=True))
    keyed = zip(watched.balances, changes, strict=True)
    return tuple(Delta(holder, token, units) for (holder, token, _), units in keyed if units)


def standing(watched: Probes, after: Picture) -> tuple[Allowance, ...]:
    """Allowances that are not zero."""
    keyed = zip(watched.allowances, after.allowances, strict=True)
    return tuple(Allowance(token, spender, units) for (token, spender, _), units in keyed if units)


def pairs_to_watch(
    action: Action, tokens: Iterable[Address], spenders: Iterable[Address]
) -> list[tuple[Address, Address]]:
    """(token, spender) pairs whose allowance the action may leave: every listed ERC-20 with each declared spender and
    each approval found anywhere in the calldata, and whatever contract a call approves on, listed or not."""
    listed = [token for token in tokens if token != NATIVE]
    named = [*spenders, *approved_in(action.data)]
    direct = [
        (call.to, s) for call in inner_calls(action) if call.data[:4] in _selectors() for s in _spender(call.data)
    ]
    return [*((token, spender) for token in listed for spender in named), *direct]


def inner_calls(action: Action) -> tuple[Call, ...]:
    """The calls that the Safe itself makes: the batch's where the action is a MultiSend, none for a Kernel's."""
    if isinstance(action, KernelCall):
        return ()
    if action.operation is Operation.DELEGATECALL and action.data[:4] == selector(MULTI_SEND):
        try:
            return decode_multisend(action.account, action.data)
        except ValueError:
            # Policy judges malformed batches; here they only yield nothing to watch beyond the scan of all bytes.
            return ()
    return (Call(action.account, action.to, action.value_wei, action.data),)


def approved_in(data: bytes) -> tuple[Address, ...]:
    """Spenders of every approval whose selector occurs at any offset, so that no wrapping hides one."""
    found = [data[at:] for sign in _selectors() for at in _occurrences(data, sign)]
    return tuple(dict.fromkeys(spender for piece in found for spender in _spender(piece)))


def _selectors() -> tuple[bytes, ...]:
    return tuple(selector(signature) for signature in _APPROVALS)


def _occurrences(data: bytes, sign: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(sign, at)]


def _spender(data: bytes) -> list[Address]:
    return [to_address(data[16:36])] if len(data) >= 36 else []
