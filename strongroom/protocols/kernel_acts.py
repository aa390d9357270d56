"""Acts and exits as the Kernel knows them: one protocol call at a rate known before, as a leaf of the policy's tree.

Source: `contracts/src/interfaces/KernelTypes.sol`, `contracts/src/libraries/CalldataTemplate.sol`, ADR 0002.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from strongroom.addresses import from_digest, keccak, to_digest
from strongroom.model import NATIVE, Address, Digest
from strongroom.protocols.aave_v3 import AMOUNT_WORD, Supply, Withdraw, encode_supply, encode_withdraw
from strongroom.protocols.abi import decode_values, encode_arguments

PAR = 10**27
"""Rates are units of the token that comes in for 1e27 units of the one that goes out."""
UNLIMITED_HOLDING = 2**128 - 1

_WORD = 32
TEMPLATE_TYPE = "(bytes32,uint16,uint16,uint16)"
_FIELDS = (
    *("address", "address", "address", "address", TEMPLATE_TYPE, "uint96", "uint96", "uint128"),
    *("address", "uint256", "uint256", "uint16", "uint32", "uint32"),
)
_LAYOUT = (
    b"(address target,address spender,address tokenIn,address tokenOut,"
    b"Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
    b"address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)"
    b"Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
)
# Aave rounds receipts half up: one unit may be missing on the way in, and one too many burned on the way out.
_AAVE_LOSS_BPS, _AAVE_DUST_UNITS = 1, 1


@dataclass(frozen=True, slots=True)
class Template:
    """Calldata pinned by the hash of itself with the declared words at zero. A word is the byte offset of 32 bytes that
    equal the leg's typed argument; zero: the argument does not occur."""

    digest: Digest
    amount_word: int = 0
    min_out_word: int = 0
    deadline_word: int = 0

    @classmethod
    def of(cls, blank: bytes, amount_word: int = 0, min_out_word: int = 0, deadline_word: int = 0) -> Template:
        """The template of calldata whose declared words are zero."""
        return cls(to_digest(keccak(blank)), amount_word, min_out_word, deadline_word)

    @property
    def words(self) -> tuple[int, int, int]:
        return self.amount_word, self.min_out_word, self.deadline_word

    def fits(self, data: bytes, arguments: tuple[int, int, int]) -> bool:
        """Whether `data` is this calldata with (amount, least in, deadline) in its declared words."""
        blank = bytearray(data)
        for at, argument in zip(self.words, arguments, strict=True):
            if at and data[at : at + _WORD] != argument.to_bytes(_WORD, "big"):
                return False
            if at:
                blank[at : at + _WORD] = bytes(_WORD)
        return to_digest(keccak(bytes(blank))) == self.digest


@dataclass(frozen=True, slots=True)
class ActRule:
    """Calls of `target` that turn at most `max_units` of `token_in` into `token_out` at a rate known before.

    `vault` zero: `min_rate` is the rate and `max_rate` equals it. Otherwise the ERC-4626 `vault`, one of both tokens,
    is asked, and its word counts within the range alone. At least amount * rate, less `max_loss_bps`, must come in. A
    claim has `max_units` and rates of zero. `spender` zero: nothing is approved. `dust_units` more of `token_in` may
    go. Units of `token_in` are charged to its bucket `bucket_class`; afterwards the Safe holds at most
    `max_holding_units` of `token_out`."""

    kind: ClassVar[int] = 3
    name: ClassVar[bytes] = b"Act"

    target: Address
    spender: Address
    token_in: Address
    token_out: Address
    template: Template
    max_units: int
    bucket_class: int
    min_rate: int = PAR
    max_rate: int = PAR
    max_loss_bps: int = 0
    dust_units: int = 0
    max_holding_units: int = UNLIMITED_HOLDING
    vault: Address = NATIVE

    @property
    def encoded(self) -> bytes:
        template = (from_digest(self.template.digest), *self.template.words)
        parties = (self.target, self.spender, self.token_in, self.token_out, template)
        limits = (self.max_units, self.dust_units, self.max_holding_units, self.vault, self.min_rate, self.max_rate)
        return encode_arguments(_FIELDS, [*parties, *limits, self.max_loss_bps, self.bucket_class, 0])

    @property
    def leaf(self) -> Digest:
        """keccak(keccak(tag ++ abi.encode(rule)))"""
        return to_digest(keccak(keccak(keccak(self.name + _LAYOUT) + self.encoded)))

    @classmethod
    def decoded(cls, rule: bytes) -> ActRule:
        """The rule of these bytes. Raises `ValueError` on anything that `encoded` does not make, a delay included."""
        target, spender, token_in, token_out, template, *limits, delay = decode_values(_FIELDS, rule)
        most, dust, holding, vault, low, high, loss, number = limits
        pinned = Template(to_digest(template[0]), *template[1:])
        parties = (target, spender, token_in, token_out, pinned)
        read = cls(*parties, most, number, low, high, loss, dust, holding, vault)
        if delay or read.encoded != rule:
            raise ValueError("a leg's rule waits for an announcement, or is not canonical")
        return read


@dataclass(frozen=True, slots=True)
class ExitRule(ActRule):
    """An act that guardians run while the Kernel is paused, and nobody otherwise; its bucket is its own."""

    kind: ClassVar[int] = 4
    name: ClassVar[bytes] = b"Exit"


RULES: dict[int, type[ActRule]] = {rule.kind: rule for rule in (ActRule, ExitRule)}


@dataclass(frozen=True, slots=True)
class GrantedAct:
    """One granted act or exit. `data` is the whole calldata; the Kernel approves the spender for exactly `units` and
    takes the rest back. `min_out_units` counts where it is above the rule's floor; `deadline` is block time."""

    rule: ActRule
    units: int
    min_out_units: int
    deadline: int
    data: bytes
    proof: tuple[Digest, ...]

    @property
    def arguments(self) -> tuple[int, int, int]:
        return self.units, self.min_out_units, self.deadline

    @property
    def value_wei(self) -> int:
        """What is sent along."""
        return self.units if self.rule.token_in == NATIVE else 0


def granted_act(
    kind: int, rule: bytes, proof: tuple[Digest, ...], arguments: tuple[int, int, int], data: bytes
) -> GrantedAct:
    """The act of a leg's parts. Raises `ValueError` where the calldata is not its rule's."""
    read = RULES[kind].decoded(rule)
    if not read.template.fits(data, arguments):
        raise ValueError("an act leg does not fit its rule")
    return GrantedAct(read, *arguments, data, proof)


def supply_rule(
    pool: Address, asset: Address, a_token: Address, safe: Address, max_units: int, bucket_class: int
) -> ActRule:
    """Aave V3: lend at most `max_units` of `asset` in the Safe's own name, at par."""
    template = Template.of(encode_supply(Supply(asset, 0, safe)), amount_word=AMOUNT_WORD)
    return ActRule(pool, pool, asset, a_token, template, max_units, bucket_class, max_loss_bps=_AAVE_LOSS_BPS)


def withdraw_rule(
    pool: Address, asset: Address, a_token: Address, safe: Address, max_units: int, bucket_class: int
) -> ActRule:
    """Aave V3: take at most `max_units` of `asset` back into the Safe, at par."""
    template = Template.of(encode_withdraw(Withdraw(asset, 0, safe)), amount_word=AMOUNT_WORD)
    return ActRule(pool, NATIVE, a_token, asset, template, max_units, bucket_class, dust_units=_AAVE_DUST_UNITS)


def exit_rule(withdrawal: ActRule, bucket_class: int) -> ExitRule:
    """The same call for guardians while the Kernel is paused, under a bucket of its own."""
    values = {field.name: getattr(withdrawal, field.name) for field in fields(withdrawal)}
    return ExitRule(**values | {"bucket_class": bucket_class})
