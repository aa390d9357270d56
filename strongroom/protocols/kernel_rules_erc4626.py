"""ERC-4626 vaults as the Kernel knows them: deposits and redemptions within a range of what a share may be worth.

A vault names its own rate, and whoever can give to it or take from it moves that rate inside one block. So the Kernel
believes the vault within the rule's range alone, asks it before the call, and measures afterwards what came in.

Source: EIP-4626 `deposit`, `redeem`, `convertToShares`, `convertToAssets`; `contracts/src/KernelActs.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address
from strongroom.protocols.abi import decode_call, encode_call
from strongroom.protocols.kernel_acts import PAR, UNLIMITED_HOLDING, ActRule, Template

DEPOSIT = "deposit(uint256,address)"
REDEEM = "redeem(uint256,address,address)"
AMOUNT_WORD = 4
"""Byte offset of the amount in both calls' calldata; all other words a template can pin."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Give exactly `units` of the vault's asset; the shares go to `receiver`."""

    units: int
    receiver: Address


@dataclass(frozen=True, slots=True)
class Redeem:
    """Burn exactly `units` shares of `owner`; the asset goes to `receiver`."""

    units: int
    receiver: Address
    owner: Address


@dataclass(frozen=True, slots=True)
class ShareWorth:
    """Least and most units of the asset that 1e27 units of the share may be worth, 1 to 1e54, both inclusive. Raises
    `BadValue` for an empty range.

    The range has to hold the vault's yield for as long as the policy stands; its width is what a manipulated rate can
    cost at most, on top of a rule's loss."""

    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.most <= PAR * PAR:
            mend = "name the least and the most units of the asset for 1e27 units of the share, the least first"
            raise BadValue(f"{self.least} to {self.most}", "the worth of a vault's share", mend)

    @property
    def shares(self) -> tuple[int, int]:
        """The same range seen from the other side: units of the share for 1e27 units of the asset. Rounded outwards,
        so that no worth within the range is refused for the division's sake."""
        return PAR * PAR // self.most, -(-PAR * PAR // self.least)


def encode_deposit(deposit: Deposit) -> bytes:
    return encode_call(DEPOSIT, deposit.units, deposit.receiver)


def decode_deposit(data: bytes) -> Deposit:
    """The deposit inside a vault's calldata. Raises `ValueError` on anything else."""
    return Deposit(*decode_call(DEPOSIT, data))


def encode_redeem(redeem: Redeem) -> bytes:
    return encode_call(REDEEM, redeem.units, redeem.receiver, redeem.owner)


def decode_redeem(data: bytes) -> Redeem:
    """The redemption inside a vault's calldata. Raises `ValueError` on anything else."""
    return Redeem(*decode_call(REDEEM, data))


def deposit_rule(
    vault: Address,
    asset: Address,
    safe: Address,
    worth: ShareWorth,
    max_units: int,
    bucket_class: int,
    *,
    max_loss_bps: int = 0,
    max_holding_units: int = UNLIMITED_HOLDING,
) -> ActRule:
    """Put at most `max_units` of `asset` into `vault`, shares to the Safe. At least what `convertToShares` said before
    the call must come in, less `max_loss_bps` (a fee on the way in; 0 to 9,999). Amounts so small that rounding takes
    their rate out of `worth` are refused."""
    least, most = worth.shares
    template = Template.of(encode_deposit(Deposit(0, safe)), amount_word=AMOUNT_WORD)
    bounds = (least, most, max_loss_bps, 0, max_holding_units, vault)
    return ActRule(vault, vault, asset, vault, template, max_units, bucket_class, *bounds)


def redeem_rule(
    vault: Address,
    asset: Address,
    safe: Address,
    worth: ShareWorth,
    max_units: int,
    bucket_class: int,
    *,
    max_loss_bps: int = 0,
) -> ActRule:
    """Burn at most `max_units` of the Safe's own shares for the asset, into the Safe. At least what `convertToAssets`
    said before the call must come in, less `max_loss_bps` (a fee on the way out; 0 to 9,999). The shares' own bucket is
    charged. `exit_rule` makes it the guardians' way home."""
    template = Template.of(encode_redeem(Redeem(0, safe, safe)), amount_word=AMOUNT_WORD)
    bounds = (worth.least, worth.most, max_loss_bps, 0, UNLIMITED_HOLDING, vault)
    return ActRule(vault, NATIVE, vault, asset, template, max_units, bucket_class, *bounds)
