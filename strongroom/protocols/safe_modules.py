"""Modules of others that a Safe may have: Zodiac's modifiers, told by the master copy behind them, and Safe's allowance
module. What they say of themselves is theirs; the code of a clone cannot lie about its master copy.

Sources: EIP-1167; safe-modules `AllowanceModule.sol`; safe-smart-account 1.5.0
`ModuleManager.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.addresses import keccak, to_address
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import view

MODULE_GUARD_SLOT = int.from_bytes(keccak(b"module_manager.module_guard.address"), "big")
"""Of a Safe 1.5.0 or newer; older ones have none."""

_CLONE = (bytes.fromhex("363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3"))
_SENTINEL = Address("0x0000000000000000000000000000000000000001")
_PAGE = 100


def master_copy(code: bytes) -> Address | None:
    """Whose code a clone (EIP-1167) runs; `None` for any other code."""
    head, tail = _CLONE
    is_clone = len(code) == len(head) + 20 + len(tail) and code.startswith(head) and code.endswith(tail)
    return to_address(code[len(head) : -len(tail)]) if is_clone else None


def members_read(modifier: Address) -> Read[tuple[Address, ...]]:
    """Who acts through a modifier, the first hundred of them."""
    return view(
        modifier,
        "getModulesPaginated(address,uint256)",
        ["address[]", "address"],
        lambda members, _: members,
        [_SENTINEL, _PAGE],
    )


@dataclass(frozen=True, slots=True)
class CalendarAllowance:
    """Units of a token that a delegate may take every `reset_minutes`, all at once; zero: once only."""

    delegate: Address
    token: Address
    units: int
    reset_minutes: int


def name_read(module: Address) -> Read[str]:
    """What a module calls itself; `ALLOWANCE_MODULE` for Safe's."""
    return view(module, "NAME()", ["string"], str)


ALLOWANCE_MODULE = "Allowance Module"


def delegates_read(module: Address, safe: Address) -> Read[tuple[Address, ...]]:
    """The delegates of an allowance module for a Safe, the first hundred."""
    signature = "getDelegates(address,uint48,uint8)"
    return view(
        module,
        signature,
        ["address[]", "uint48"],
        lambda delegates, _: delegates,
        [safe, 0, _PAGE],
    )


def tokens_read(module: Address, safe: Address, delegate: Address) -> Read[tuple[Address, ...]]:
    """The tokens of which a delegate has an allowance; the zero address is the coin."""
    return view(module, "getTokens(address,address)", ["address[]"], tuple, [safe, delegate])


def allowance_read(module: Address, safe: Address, delegate: Address, token: Address) -> Read[CalendarAllowance]:
    """One allowance; what was taken of it already is left out, since it comes back."""

    def decode(words: Sequence[int]) -> CalendarAllowance:
        units, _, reset_minutes, *_ = words
        return CalendarAllowance(delegate, token, units, reset_minutes)

    signature = "getTokenAllowance(address,address,address)"
    return view(module, signature, ["uint256[5]"], decode, [safe, delegate, token])
