"""What the Kernel lets the agent do: rules as leaves of the policy's tree, and the legs that carry them out.

Source: `contracts/src/interfaces/KernelTypes.sol`, `contracts/src/libraries/RuleLeaf.sol`, ADR 0002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols import uniswap_v2
from strongroom.protocols.abi import decode_call, decode_values, encode_arguments, encode_call, selector
from strongroom.protocols.kernel_acts import RULES, TEMPLATE_TYPE, UNLIMITED_HOLDING, ActRule, GrantedAct, granted_act
from strongroom.protocols.kernel_orders import KIND_ORDER, OrderPayment, OrderRule, order_arguments, order_leg
from strongroom.protocols.uniswap_v2 import PairSwap
from strongroom.protocols.uniswap_v3 import ExactInput, decode_exact_input, encode_exact_input

NO_LEAF = Digest("0x" + "00" * 32)

_PAY_FIELDS = ("address", "address", "uint96", "uint32", "uint32")
_PAY_TAG = b"Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)"
_SWAP_FIELDS = (
    *("address", "address", "address", "address", TEMPLATE_TYPE, "uint96", "uint96", "uint128"),
    *("address", "address", "uint16", "uint32", "uint32"),
)
_SWAP_TAG = (
    b"Swap(address target,address spender,address tokenIn,address tokenOut,"
    b"Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
    b"address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)"
    b"Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
)
_PAY = "pay((address,address,uint96,uint32,uint32),uint256,bytes32[],bytes32)"
LEG_TYPE = "(uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)"
RUN, ANNOUNCE_RUN = f"run({LEG_TYPE}[],bytes32)", f"announceRun({LEG_TYPE}[],bytes32)"
_KIND_PAY, _KIND_SWAP = 0, 2
# Byte offsets of exactInputSingle's words: the selector, then deadline fifth, amount in sixth, least out seventh.
_DEADLINE_WORD, _AMOUNT_WORD, _MIN_OUT_WORD = (4 + 32 * word for word in (4, 5, 6))
_POOL_WORDS = _AMOUNT_WORD, _MIN_OUT_WORD, _DEADLINE_WORD
_PAIR_WORDS = uniswap_v2.AMOUNT_WORD, uniswap_v2.MIN_OUT_WORD, uniswap_v2.DEADLINE_WORD

AnySwap = ExactInput | PairSwap


@dataclass(frozen=True, slots=True)
class PayRule:
    """Payments of `token` to `recipient`, each at most `max_units`, charged to the token's bucket `bucket_class`."""

    token: Address
    recipient: Address
    max_units: int
    bucket_class: int
    delay_seconds: int = 0

    @property
    def encoded(self) -> bytes:
        return encode_arguments(_PAY_FIELDS, self.fields)

    @property
    def fields(self) -> tuple[Any, ...]:
        return self.token, self.recipient, self.max_units, self.bucket_class, self.delay_seconds

    @property
    def leaf(self) -> Digest:
        """keccak(keccak(tag ++ abi.encode(rule)))"""
        return _leaf(_PAY_TAG, self.encoded)


@dataclass(frozen=True, slots=True)
class SwapRule:
    """Swaps of at most `max_units` of `token_in` in one pool of a Uniswap V3 router, or in the pair of a Uniswap V2
    router where `fee_pips` is `None`, paid into `recipient`, the Safe.

    The whole calldata is pinned but for amount, least out and deadline. `source_in` and `source_out` are the
    PriceSource contracts that bound the loss; units of `token_in` are charged to its bucket `bucket_class` before the
    call."""

    router: Address
    token_in: Address
    token_out: Address
    fee_pips: int | None
    recipient: Address
    max_units: int
    source_in: Address
    source_out: Address
    max_loss_bps: int
    bucket_class: int

    @property
    def encoded(self) -> bytes:
        sources = (self.source_in, self.source_out, self.max_loss_bps, self.bucket_class, 0)
        pair = (self.router, self.router, self.token_in, self.token_out)
        return encode_arguments(_SWAP_FIELDS, [*pair, self._template, self.max_units, 0, UNLIMITED_HOLDING, *sources])

    @property
    def blank(self) -> AnySwap:
        """The swap with its three free words at zero."""
        if self.fee_pips is None:
            return PairSwap(self.token_in, self.token_out, self.recipient, 0, 0, 0)
        return ExactInput(self.token_in, self.token_out, self.fee_pips, self.recipient, 0, 0, 0)

    @property
    def _template(self) -> tuple[bytes, int, int, int]:
        words = _PAIR_WORDS if self.fee_pips is None else _POOL_WORDS
        return keccak(_calldata(self.blank)), *words

    @property
    def leaf(self) -> Digest:
        """keccak(keccak(tag ++ abi.encode(rule)))"""
        return _leaf(_SWAP_TAG, self.encoded)


KernelRule = PayRule | OrderRule | SwapRule | ActRule


def _calldata(swap: AnySwap) -> bytes:
    return uniswap_v2.encode_swap(swap) if isinstance(swap, PairSwap) else encode_exact_input(swap)


def _read_swap(data: bytes) -> AnySwap:
    try:
        return decode_exact_input(data)
    except ValueError:
        return uniswap_v2.decode_swap(data)


def _leaf(tag: bytes, encoded: bytes) -> Digest:
    return to_digest(keccak(keccak(keccak(tag) + encoded)))


@dataclass(frozen=True, slots=True)
class Payment:
    """One granted payment."""

    rule: PayRule
    units: int
    proof: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class GrantedSwap:
    """One granted swap; the Kernel itself approves the router for exactly the amount, and takes the rest back."""

    rule: SwapRule
    swap: AnySwap
    proof: tuple[Digest, ...]

    @property
    def units(self) -> int:
        return self.swap.amount_in_units


Leg = Payment | GrantedSwap
AnyLeg = Leg | OrderPayment | GrantedAct


def encode_legs(legs: Sequence[AnyLeg], ledger_leaf: Digest = NO_LEAF) -> bytes:
    """A single payment as `pay`, anything else as one atomic `run`, also a payment that is announced first: `pay` takes
    none. Exits go alone: a guardian runs nothing else."""
    leaf = from_digest(ledger_leaf)
    if len(legs) == 1 and isinstance(legs[0], Payment) and not delay_of(legs[0]):
        only = legs[0]
        return encode_call(_PAY, only.rule.fields, only.units, _hashes(only.proof), leaf)
    return encode_call(RUN, [_encoded(leg) for leg in legs], leaf)


def delay_of(leg: AnyLeg) -> int:
    """Seconds that the leg must have been announced before it is run; zero: it needs no announcement."""
    return leg.rule.delay_seconds if isinstance(leg, Payment | OrderPayment) else 0


def _encoded(leg: AnyLeg) -> tuple[Any, ...]:
    if isinstance(leg, Payment):
        return _KIND_PAY, leg.rule.encoded, _hashes(leg.proof), leg.units, 0, 0, b""
    if isinstance(leg, OrderPayment):
        return order_arguments(leg)
    if isinstance(leg, GrantedAct):
        return leg.rule.kind, leg.rule.encoded, _hashes(leg.proof), *leg.arguments, leg.data
    swap = leg.swap
    typed = (swap.amount_in_units, swap.min_out_units, swap.deadline)
    return _KIND_SWAP, leg.rule.encoded, _hashes(leg.proof), *typed, _calldata(swap)


def _hashes(digests: Sequence[Digest]) -> list[bytes]:
    return [from_digest(digest) for digest in digests]


def with_leaf(data: bytes, ledger_leaf: Digest) -> bytes:
    """Calldata made with `NO_LEAF`, now carrying the ledger's leaf: the last word of the head. Raises `ValueError` when
    it carries one already."""
    words = {selector(_PAY): 7, selector(RUN): 1, selector(ANNOUNCE_RUN): 1}
    at = 4 + 32 * words[data[:4]]
    if data[at : at + 32] != bytes(32):
        raise ValueError("the calldata carries a leaf already")
    return data[:at] + from_digest(ledger_leaf) + data[at + 32 :]


def decode_legs(data: bytes) -> tuple[Leg, ...]:
    """The legs of a `pay` or `run` call, whatever ledger leaf it carries. Raises `ValueError` on any other call, on a
    leg of another kind, and on one whose typed arguments are not those of its calldata."""
    legs = decode_all_legs(data)
    known = tuple(leg for leg in legs if isinstance(leg, Leg))
    if len(known) < len(legs):
        raise ValueError("a leg is a standing order, an act or an exit, not a payment or a swap")
    return known


def decode_all_legs(data: bytes) -> tuple[AnyLeg, ...]:
    """As `decode_legs`, standing orders, acts and exits among them."""
    if data[:4] == selector(_PAY):
        fields, units, proof, _ = decode_call(_PAY, data)
        return (_payment(fields, units, proof),)
    legs, _ = decode_call(RUN, data)
    return tuple(_decoded(*leg) for leg in legs)


def _decoded(
    kind: int, rule: bytes, proof: Sequence[bytes], units: int, least: int, deadline: int, data: bytes
) -> AnyLeg:
    if kind == _KIND_SWAP:
        return _swap(rule, proof, (units, least, deadline), data)
    if kind == KIND_ORDER:
        return order_leg(rule, _digests(proof), (units, least, deadline), data)
    if kind in RULES:
        return granted_act(kind, rule, _digests(proof), (units, least, deadline), data)
    if kind != _KIND_PAY or least or deadline or data:
        raise ValueError(f"a leg of kind {kind} is no payment, order, swap, act or exit")
    return _payment(decode_values(_PAY_FIELDS, rule), units, proof)


def _payment(fields: Sequence[Any], units: int, proof: Sequence[bytes]) -> Payment:
    token, recipient, *numbers = fields
    return Payment(PayRule(to_address(token), to_address(recipient), *numbers), units, _digests(proof))


def _swap(rule: bytes, proof: Sequence[bytes], typed: tuple[int, int, int], data: bytes) -> GrantedSwap:
    router, _, token_in, token_out, _, most, _, _, source_in, source_out, loss, number, _ = decode_values(
        _SWAP_FIELDS, rule
    )
    swap = _read_swap(data)
    fee_pips = None if isinstance(swap, PairSwap) else swap.fee_pips
    read = SwapRule(router, token_in, token_out, fee_pips, swap.recipient, most, source_in, source_out, loss, number)
    # The rule's own bytes must be those of a rule of ours: template, spender, dust, holding and delay included.
    if read.encoded != rule or replace(swap, deadline=0, amount_in_units=0, min_out_units=0) != read.blank:
        raise ValueError("a swap leg does not fit its rule")
    if typed != (swap.amount_in_units, swap.min_out_units, swap.deadline):
        raise ValueError("a swap leg's typed arguments are not those of its calldata")
    return GrantedSwap(read, swap, _digests(proof))


def _digests(siblings: Sequence[bytes]) -> tuple[Digest, ...]:
    return tuple(to_digest(sibling) for sibling in siblings)
