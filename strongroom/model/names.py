"""Names and amounts: what everything else is said in.

Money is an `int` in the token's smallest unit. Addresses are EIP-55 strings; the zero address stands for the chain's
native coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NewType, TypeVar

Address = NewType("Address", str)
TokenId = NewType("TokenId", str)
Digest = NewType("Digest", str)
"""32 bytes as 0x and 64 lower-case hexadecimal digits."""
NATIVE = Address("0x0000000000000000000000000000000000000000")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """A Safe on a chain."""

    chain_id: int
    safe: Address


@dataclass(frozen=True, slots=True)
class Token:
    """A listed token; `id` is its name in the policy's address book."""

    account: Account
    id: TokenId
    address: Address
    decimals: int


@dataclass(frozen=True, slots=True)
class Amount:
    token: TokenId
    units: int


class Label(StrEnum):
    """Where a value came from."""

    OPERATOR = "operator"
    GOVERNANCE = "governance"
    MANDATE = "mandate"
    CHAIN = "chain"
    ORACLE = "oracle"
    MODEL = "model"
    EXTERNAL = "external"
    MEMORY = "memory"

    @property
    def rank(self) -> int:
        """0 for what people or the chain said, 1 for a model, 2 for untrusted text and memory."""
        return _DISTRUST.get(self, 0)


_DISTRUST = {Label.MODEL: 1, Label.EXTERNAL: 2, Label.MEMORY: 2}


@dataclass(frozen=True, slots=True)
class Labelled(Generic[T]):
    value: T
    label: Label
