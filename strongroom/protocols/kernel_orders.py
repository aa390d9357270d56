"""Standing orders as the Kernel knows them: one payee, one amount, once in a cooldown, outside the buckets.

Source: `contracts/src/interfaces/KernelTypes.sol`, `contracts/src/KernelPayments.sol`, ADR 0002.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.ports import Read
from strongroom.protocols.abi import decode_values, encode_arguments, view

KIND_ORDER = 1
LONGEST_COOLDOWN, LATEST = 2**32 - 1, 2**40 - 1
"""Seconds that a cooldown may have, and the last Unix second at which an order may begin or end."""

_FIELDS = ("bytes32", "address", "address", "uint96", "uint32", "uint40", "uint40", "uint32")
_TAG = (
    b"Order(bytes32 name,address token,address recipient,uint96 amount,"
    b"uint32 cooldown,uint40 notBefore,uint40 notAfter,uint32 delay)"
)


@dataclass(frozen=True, slots=True)
class OrderRule:
    """Exactly `units` of `token` to `recipient`, at most once in `cooldown_seconds`, from `not_before` until
    `not_after` (both inclusive, Unix time; zero as `not_after`: for ever). `name` keeps two equal orders apart: it is
    the Keccak-256 of what the policy calls the order."""

    name: Digest
    token: Address
    recipient: Address
    units: int
    cooldown_seconds: int
    not_before: int = 0
    not_after: int = 0
    delay_seconds: int = 0

    @property
    def max_units(self) -> int:
        """The most is also the least."""
        return self.units

    @property
    def encoded(self) -> bytes:
        numbers = (self.units, self.cooldown_seconds, self.not_before, self.not_after, self.delay_seconds)
        return encode_arguments(_FIELDS, [from_digest(self.name), self.token, self.recipient, *numbers])

    @property
    def leaf(self) -> Digest:
        """keccak(keccak(tag ++ abi.encode(rule)))"""
        return to_digest(keccak(keccak(keccak(_TAG) + self.encoded)))

    def in_force(self, at: int) -> bool:
        """Whether `at`, Unix seconds, lies between its first and its last second."""
        return self.not_before <= at and (not self.not_after or at <= self.not_after)


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """One granted payment of a standing order."""

    rule: OrderRule
    proof: tuple[Digest, ...]

    @property
    def units(self) -> int:
        return self.rule.units


def order_name(name: str) -> Digest:
    """An order's name as its leaf holds it."""
    return to_digest(keccak(name.encode()))


def order_leg(rule: bytes, proof: tuple[Digest, ...], typed: tuple[int, int, int], data: bytes) -> OrderPayment:
    """The payment of a leg's parts; `typed` are amount, least in and deadline. Raises `ValueError` on bytes that are no
    rule, on another amount, and on what an order does not read."""
    name, token, recipient, *numbers = decode_values(_FIELDS, rule)
    read = OrderRule(to_digest(name), to_address(token), to_address(recipient), *numbers)
    if read.encoded != rule or typed != (read.units, 0, 0) or data:
        raise ValueError("a leg does not fit its standing order")
    return OrderPayment(read, proof)


def order_arguments(leg: OrderPayment) -> tuple[Any, ...]:
    """Kind, rule, proof, amount, least in, deadline and calldata, as the ABI takes a leg."""
    return KIND_ORDER, leg.rule.encoded, [from_digest(each) for each in leg.proof], leg.units, 0, 0, b""


def last_paid_read(kernel: Address, leaf: Digest) -> Read[int]:
    """When the Kernel last paid the order of this leaf, Unix seconds; zero when never."""
    return view(kernel, "lastPaid(bytes32)", ["uint256"], int, [from_digest(leaf)])
