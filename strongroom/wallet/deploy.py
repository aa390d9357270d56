"""Deploying our contracts: creation bytes, addresses before they exist, and one Safe transaction to install them.

Nothing is signed or sent here: owners do that in their own interface.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from strongroom.addresses import keccak, to_address
from strongroom.errors import NotDeployed
from strongroom.model import Account, Address, Call, Operation, SafeTx
from strongroom.protocols.kernel import Birth
from strongroom.protocols.multisend import encode_multisend

_SALT = b"strongroom"
SALT_BYTES = 32
"""Before the creation bytes in the factory's calldata."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A contract to be: `call` makes it through a CREATE2 factory, at `address` and nowhere else (EIP-1014)."""

    address: Address
    call: Call


def plan(account: Account, name: str, arguments: bytes, factory: Address) -> Deployment:
    """One of our contracts with these encoded constructor arguments. Equal arguments, same address."""
    call = Call(account, factory, 0, keccak(_SALT) + artifact(name).creation + arguments)
    return Deployment(made_by(call), call)


def made_by(call: Call) -> Address:
    """Where a CREATE2 factory puts what this call makes (EIP-1014)."""
    salt, creation = call.data[:SALT_BYTES], call.data[SALT_BYTES:]
    return to_address(keccak(b"\xff" + bytes.fromhex(call.to[2:]) + salt + keccak(creation))[12:])


def plan_kernel(account: Account, birth: Birth, factory: Address) -> Deployment:
    """The Kernel of this birth; a changed policy gives another Kernel."""
    return plan(account, "Kernel", birth.encoded, factory)


def batch(account: Account, calls: Sequence[Call], multisend: Address, nonce: int) -> SafeTx:
    """Several calls as one transaction for the owners."""
    return SafeTx(account, multisend, 0, encode_multisend(calls), Operation.DELEGATECALL, nonce)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. `immutables` are the spans of `runtime` that the constructor fills in."""

    creation: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]


@cache
def artifact(name: str) -> Artifact:
    """A contract shipped with the package."""
    data = json.loads(files(__package__).joinpath("artifacts", f"{name}.json").read_text())
    return Artifact(_bytes(data["creation"]), _bytes(data["runtime"]), tuple(map(tuple, data["immutables"])))


def require_code(name: str, code: bytes, address: Address, role: str = "") -> None:
    """Raises `NotDeployed` unless `code` is the contract we ship under this name, whatever its immutables. `role` says
    what it is to us, where there are several."""
    expected = artifact(name)
    if len(code) != len(expected.runtime) or _blanked(code, expected) != _blanked(expected.runtime, expected):
        what, document = f"{name} of this version", "policy.toml" if role else "treasury.toml"
        named = f"{what} for the {role}" if role else what
        raise NotDeployed(named, address, f"check the address in {document}, or deploy one")


def _blanked(code: bytes, of: Artifact) -> bytes:
    blank = bytearray(code)
    for start, length in of.immutables:
        blank[start : start + length] = bytes(length)
    return bytes(blank)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
