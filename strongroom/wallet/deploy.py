"""Deploying a Kernel: its creation bytes, its address before it exists, and the one Safe transaction that installs it.

Nothing is signed or sent here: owners do that in their own interface.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from strongroom.addresses import keccak, to_address
from strongroom.errors import NotDeployed
from strongroom.model import Account, Address, Call, Operation, SafeTx
from strongroom.protocols.kernel import Birth, encode_enable_module
from strongroom.protocols.multisend import encode_multisend

_SALT = keccak(b"strongroom kernel")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Kernel to be: `call` makes it through a CREATE2 factory, at `kernel` and nowhere else (EIP-1014)."""

    kernel: Address
    call: Call
    birth: Birth


def plan_deployment(account: Account, birth: Birth, factory: Address) -> Deployment:
    """The Kernel of this birth. Equal births, same address: a changed policy gives another Kernel."""
    creation = artifact("Kernel").creation + birth.encoded
    preimage = b"\xff" + bytes.fromhex(factory[2:]) + _SALT + keccak(creation)
    return Deployment(to_address(keccak(preimage)[12:]), Call(account, factory, 0, _SALT + creation), birth)


def installation(deployment: Deployment, multisend: Address, nonce: int) -> SafeTx:
    """One transaction for the owners: make the Kernel, then enable it as the Safe's module."""
    account = deployment.call.account
    enable = Call(account, account.safe, 0, encode_enable_module(deployment.kernel))
    return SafeTx(account, multisend, 0, encode_multisend([deployment.call, enable]), Operation.DELEGATECALL, nonce)


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


def require_kernel_code(code: bytes, kernel: Address) -> None:
    """Raises `NotDeployed` unless `code` is the Kernel we ship, whatever its immutables."""
    expected = artifact("Kernel")
    if len(code) != len(expected.runtime) or _blanked(code, expected) != _blanked(expected.runtime, expected):
        raise NotDeployed("Kernel of this version", kernel, "check `kernel` in treasury.toml, or deploy one")


def _blanked(code: bytes, of: Artifact) -> bytes:
    blank = bytearray(code)
    for start, length in of.immutables:
        blank[start : start + length] = bytes(length)
    return bytes(blank)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
