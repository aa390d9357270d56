"""What a Safe may be told about itself: modules, owners, threshold, guards and handler, as calldata and as people type
it. Source: safe-smart-account `ModuleManager.sol`, `OwnerManager.sol`, `GuardManager.sol`, `FallbackManager.sol`.

As typed, a change leaves out what stands before it in the Safe's list: that says where it is, not what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from strongroom.addresses import parse_address
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, SafeState
from strongroom.protocols.abi import argument_types, decode_call, encode_call, selector

_SENTINEL = Address("0x0000000000000000000000000000000000000001")
_PREVIOUS = frozenset({"disableModule", "removeOwner", "swapOwner"})
"""These take the entry before theirs in the Safe's list as their first argument."""
_FUNCTIONS = (
    "enableModule(address)",
    "disableModule(address,address)",
    "addOwnerWithThreshold(address,uint256)",
    "removeOwner(address,address,uint256)",
    "swapOwner(address,address,address)",
    "changeThreshold(uint256)",
    "setGuard(address)",
    "setModuleGuard(address)",
    "setFallbackHandler(address)",
)
_REMOVAL = "removeGuard()"
"""How people type `setGuard` of nobody."""
_TYPED = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Change:
    """A call of the Safe to itself. `function` is one of the Safe's own without arguments, or empty: then `data` is all
    that is known. Two changes with the same text do the same."""

    function: str
    arguments: tuple[Address | int, ...]
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})" if self.function else f"0x{self.data.hex()}"


REMOVAL = Change("setGuard", (NATIVE,))
"""Takes the Safe's guard out."""


def read_change(data: bytes) -> Change:
    """What calldata to the Safe itself does. Never raises: what is no canonical call of a known function is its
    bytes."""
    signature = _by_selector().get(data[:4])
    if signature is None:
        return Change("", (), data)
    name = _name(signature)
    try:
        arguments = decode_call(signature, data)
    except ValueError:
        return Change("", (), data)
    return Change(name, arguments[1:] if name in _PREVIOUS else arguments)


def typed_change(text: str) -> Change:
    """`enableModule(0x…)`, `disableModule(MODULE)`, `addOwnerWithThreshold(OWNER, COUNT)`, `removeOwner(OWNER, COUNT)`,
    `swapOwner(OLD, NEW)`, `changeThreshold(COUNT)`, `setGuard(…)`, `removeGuard()`, `setModuleGuard(…)`,
    `setFallbackHandler(…)`, or a call's whole calldata in hexadecimal. Raises `InputError`."""
    if text.startswith("0x"):
        return read_change(_hexadecimal(text))
    if text == _REMOVAL:
        return REMOVAL
    found = _TYPED.fullmatch(text.strip())
    signature = _by_name().get(found[1]) if found else None
    if found is None or signature is None:
        known = ", ".join(f"`{name}`" for name in _by_name())
        raise BadValue(text, "a change of the Safe", f"write `swapOwner(OLD, NEW)` or another of {known}, or calldata")
    types = argument_types(signature)[1 if found[1] in _PREVIOUS else 0 :]
    given = [each.strip() for each in found[2].split(",")]
    if len(given) != len(types):
        raise BadValue(text, "a change of the Safe", f"`{found[1]}` takes {len(types)} arguments")
    return Change(found[1], tuple(_argument(*each) for each in zip(types, given, strict=True)))


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise BadValue(text, "a change of the Safe", "give whole bytes of hexadecimal calldata") from error


def _argument(type: str, text: str) -> Address | int:
    if type == "address":
        return parse_address(text)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadValue(text, "a number of signatures", "give a whole number such as `2`")
    return int(text)


def encode_changes(changes: Iterable[Change], safe: SafeState) -> tuple[bytes, ...]:
    """Calldata for the Safe to send itself, one after the other in this order, with what then stands before each in
    its list. Raises `BadValue` for a module or an owner that is not there."""
    return tuple(_encoded(changes, safe))


def _encoded(changes: Iterable[Change], safe: SafeState) -> Iterator[bytes]:
    for change in changes:
        yield _encode(change, safe)
        safe = _after(change, safe)


def _encode(change: Change, safe: SafeState) -> bytes:
    if not change.function:
        return change.data
    before = (_before(change, safe),) if change.function in _PREVIOUS else ()
    return encode_call(_by_name()[change.function], *before, *change.arguments)


def _before(change: Change, safe: SafeState) -> Address:
    listed = safe.modules if change.function == "disableModule" else safe.owners
    if (entry := change.arguments[0]) not in listed:
        what = "an enabled module" if change.function == "disableModule" else "an owner"
        raise BadValue(entry, f"`{change.function}`", f"it is not {what} of the Safe")
    position = listed.index(Address(str(entry)))
    return listed[position - 1] if position else _SENTINEL


def _after(change: Change, safe: SafeState) -> SafeState:
    """The lists as this change leaves them; the rest says nothing about where an entry stands."""
    entry, *rest = (*map(str, change.arguments), "")
    if change.function in ("enableModule", "disableModule"):
        left = tuple(each for each in safe.modules if each != entry)
        return replace(safe, modules=(Address(entry), *left) if change.function == "enableModule" else left)
    if change.function in ("addOwnerWithThreshold", "removeOwner"):
        left = tuple(each for each in safe.owners if each != entry)
        return replace(safe, owners=(Address(entry), *left) if change.function == "addOwnerWithThreshold" else left)
    if change.function == "swapOwner":
        return replace(safe, owners=tuple(Address(rest[0]) if each == entry else each for each in safe.owners))
    return safe


def _name(signature: str) -> str:
    return signature.partition("(")[0]


@cache
def _by_selector() -> dict[bytes, str]:
    return {selector(signature): signature for signature in _FUNCTIONS}


@cache
def _by_name() -> dict[str, str]:
    return {_name(signature): signature for signature in _FUNCTIONS}
