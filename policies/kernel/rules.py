"""The Kernel's rules with every field they can have, their leaves, and the legs that carry them out (ADR 0002).

`strongroom.protocols.kernel_legs` and `.kernel_acts` build the rules that a policy compiles to; these are all that a
Kernel takes, delays, odd templates and contradictions included. Amounts are in the token's smallest unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from policies.tree import node_of
from strongroom.addresses import keccak, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols.kernel_acts import Template

PAY, ORDER, SWAP, ACT, EXIT = range(5)

_PARTIES = "address target,address spender,address tokenIn,address tokenOut,"
_TEMPLATE = "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
_LIMITS = "Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
_ENDING = "uint16 maxSlippageBps,uint32 class,uint32 delay)"
_ACT = f"({_PARTIES}{_LIMITS}address vault,uint256 minRate,uint256 maxRate,{_ENDING}{_TEMPLATE}"
_LAYOUTS = {
    PAY: "Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)",
    ORDER: "Order(bytes32 name,address token,address recipient,uint96 amount,"
    "uint32 cooldown,uint40 notBefore,uint40 notAfter,uint32 delay)",
    SWAP: f"Swap({_PARTIES}{_LIMITS}address sourceIn,address sourceOut,{_ENDING}{_TEMPLATE}",
    ACT: f"Act{_ACT}",
    EXIT: f"Exit{_ACT}",
}
_TAGS = {kind: keccak(layout.encode()) for kind, layout in _LAYOUTS.items()}


@dataclass(frozen=True, slots=True)
class Pay:
    """Payments of `token` to `recipient`, each at most `max_units`, charged to the bucket (token, `bucket_class`)."""

    kind: ClassVar[int] = PAY
    token: Address
    recipient: Address
    max_units: int
    bucket_class: int
    delay_seconds: int

    @property
    def encoded(self) -> bytes:
        """abi.encode, as the leaf is hashed from."""
        return _words(self.token, self.recipient, self.max_units, self.bucket_class, self.delay_seconds)


@dataclass(frozen=True, slots=True)
class Order:
    """Exactly `units` to `recipient`, once in `cooldown_seconds`, from `not_before` until `not_after` (0: for ever)."""

    kind: ClassVar[int] = ORDER
    name: Digest
    token: Address
    recipient: Address
    units: int
    cooldown_seconds: int
    not_before: int
    not_after: int
    delay_seconds: int

    @property
    def encoded(self) -> bytes:
        """abi.encode, as the leaf is hashed from."""
        lifetime = self.cooldown_seconds, self.not_before, self.not_after, self.delay_seconds
        return _words(self.name, self.token, self.recipient, self.units, *lifetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRule:
    """What swaps, acts and exits have in common: one call of `target` that turns `token_in` into `token_out`."""

    target: Address
    spender: Address
    token_in: Address
    token_out: Address
    template: Template
    max_units: int
    dust_units: int
    max_holding_units: int
    max_slippage_bps: int
    bucket_class: int
    delay_seconds: int

    @property
    def _head(self) -> bytes:
        template = self.template
        parties = _words(self.target, self.spender, self.token_in, self.token_out, template.digest, *template.words)
        return parties + _words(self.max_units, self.dust_units, self.max_holding_units)

    @property
    def _tail(self) -> bytes:
        return _words(self.max_slippage_bps, self.bucket_class, self.delay_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap(VenueRule):
    """Its floor comes from the price sources of both tokens."""

    kind: ClassVar[int] = SWAP
    source_in: Address
    source_out: Address

    @property
    def encoded(self) -> bytes:
        """abi.encode, as the leaf is hashed from."""
        return self._head + _words(self.source_in, self.source_out) + self._tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(VenueRule):
    """Its floor is a rate, units of token_out for 1e27 of token_in: pinned, or the ERC-4626 `vault`'s in a range."""

    kind: ClassVar[int] = ACT
    vault: Address
    min_rate: int
    max_rate: int

    @property
    def encoded(self) -> bytes:
        """abi.encode, as the leaf is hashed from."""
        return self._head + _words(self.vault, self.min_rate, self.max_rate) + self._tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Act):
    """An act of guardians, while the Kernel is paused."""

    kind: ClassVar[int] = EXIT


AnyRule = Pay | Order | Swap | Act


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a run. Payments and orders read neither `min_out_units` nor `deadline` nor `data`."""

    rule: AnyRule
    proof: tuple[Digest, ...]
    units: int
    min_out_units: int = 0
    deadline: int = 0
    data: bytes = b""


def _words(*values: str | int) -> bytes:
    """Static fields of the ABI: addresses and digests by their hexadecimal digits, numbers; 32 bytes each."""
    return b"".join((value if isinstance(value, int) else int(value, 16)).to_bytes(32, "big") for value in values)


@lru_cache(maxsize=4096)
def leaf_of(rule: AnyRule) -> Digest:
    """keccak(keccak(tag ++ abi.encode(rule)))"""
    return to_digest(keccak(keccak(_TAGS[rule.kind] + rule.encoded)))


def is_in_tree(leaf: Digest, proof: Iterable[Digest], root: Digest) -> bool:
    """Whether the siblings, from the leaf upwards, lead to `root`."""
    node = leaf
    for sibling in proof:
        node = node_of(node, sibling)
    return node == root
