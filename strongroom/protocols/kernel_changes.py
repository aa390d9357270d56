"""What a Kernel may be told about itself, by the Safe, a guardian or an owner: as calldata, and as people type it.

Source: `IKernelConfig`, `IKernelBreaker` in `contracts/src/interfaces/IKernel.sol`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from strongroom.addresses import keccak, parse_address, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols.abi import decode_call, encode_call, selector
from strongroom.protocols.kernel import BucketSetting, encode_rekey

_SETTING = "(address,uint32,uint96,uint96,uint32)"
ANNOUNCED = (
    f"setPolicy(bytes32,bytes32,{_SETTING}[])",
    "unblockAddress(address)",
    "removeGuardian(address)",
    "rekey(address,bytes32,address[])",
)
"""Loosens: only what the Safe announced, by the very same bytes, once its delay is over."""
AT_ONCE = (
    "cancel(bytes32)",
    "addGuardian(address)",
    f"lowerBucket({_SETTING})",
    "revoke(bytes32)",
    "pause()",
    "blockAddress(address)",
)
_ONE_ADDRESS = ("addGuardian", "removeGuardian", "unblockAddress", "blockAddress")
_TYPED = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class KernelChange:
    """A call of the Kernel. `function` is one of its own without arguments, or empty: then `data` is all that is known.
    `data` is always the whole calldata."""

    function: str
    arguments: tuple[Any, ...]
    data: bytes

    def __str__(self) -> str:
        """As people type it: a policy by its root, a re-key by the new agent and whom it drops."""
        if not self.function:
            return f"0x{self.data.hex()}"
        return f"{self.function}({', '.join(map(str, self._named))})"

    @property
    def _named(self) -> tuple[Any, ...]:
        if self.function == "rekey":
            return self.arguments[0], *self.arguments[2]
        if self.function == "setPolicy":
            return self.arguments[:1]
        if self.function == "lowerBucket":
            return self.arguments[0].key, self.arguments[0].capacity_units
        return self.arguments

    @property
    def is_announced(self) -> bool:
        """Whether the Kernel takes it only after an announcement."""
        return any(_name(each) == self.function for each in ANNOUNCED)

    @property
    def hash(self) -> Digest:
        """What names it once it is announced: Keccak-256 of the calldata."""
        return to_digest(keccak(self.data))


def read_kernel_change(data: bytes) -> KernelChange:
    """What calldata to the Kernel does. Never raises: what is no canonical call of a known function is its bytes, and
    so is a re-key to an agent with code, of which nobody here could say what it does."""
    signature = _by_selector().get(data[:4])
    if signature is None:
        return KernelChange("", (), data)
    try:
        arguments = _read(signature, decode_call(signature, data))
    except ValueError:
        return KernelChange("", (), data)
    return KernelChange(_name(signature), arguments, data)


def _read(signature: str, values: Sequence[Any]) -> tuple[Any, ...]:
    name = _name(signature)
    if name == "setPolicy":
        return to_digest(values[0]), to_digest(values[1]), tuple(map(_setting, values[2]))
    if name == "rekey" and any(values[1]):
        raise ValueError("the new agent has code")
    if name == "rekey":
        return values[0], to_digest(values[1]), tuple(values[2])
    if name == "lowerBucket":
        return (_setting(values[0]),)
    return tuple(to_digest(each) if isinstance(each, bytes) else each for each in values)


def _setting(fields: Sequence[Any]) -> BucketSetting:
    token, bucket_class, capacity, level, drain = fields
    return BucketSetting(to_address(token), bucket_class, capacity, drain, level)


def typed_kernel_change(text: str) -> KernelChange | None:
    """`addGuardian(GUARDIAN)`, `removeGuardian(GUARDIAN)`, `unblockAddress(ADDRESS)`, `rekey(AGENT)`, or with whom it
    drops, `rekey(AGENT, GUARDIAN)`; `None` for anything else. Raises `InputError` for a bad address."""
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        return None
    name, given = found[1], [each.strip() for each in found[2].split(",")]
    if name == "rekey":
        agent, *dropped = map(parse_address, given)
        return read_kernel_change(encode_rekey(agent, dropped))
    if name not in _ONE_ADDRESS or len(given) != 1:
        return None
    return named_change(name, parse_address(given[0]))


def named_change(name: str, address: Address) -> KernelChange:
    """One of the changes that take one address."""
    return read_kernel_change(encode_call(f"{name}(address)", address))


def _name(signature: str) -> str:
    return signature.partition("(")[0]


@cache
def _by_selector() -> dict[bytes, str]:
    return {selector(signature): signature for signature in (*ANNOUNCED, *AT_ONCE)}
