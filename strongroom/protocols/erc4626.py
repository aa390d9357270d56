"""Tokenized vaults: what a vault says of its assets and shares.

Source: EIP-4626. A vault's decimals offset is not part of the standard: it comes from its decimals and its asset's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import view


@dataclass(frozen=True, slots=True)
class VaultState:
    """A vault at one block: its asset, `totalAssets` and `totalSupply` in units, and the decimals of its shares."""

    vault: Address
    asset: Address
    assets_units: int
    shares_units: int
    decimals: int


def vault_reads(vault: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `vault_from` takes."""
    numbers = (view(vault, f"{name}()", ["uint256"], int) for name in ("totalAssets", "totalSupply"))
    return (view(vault, "asset()", ["address"], Address), *numbers, view(vault, "decimals()", ["uint8"], int))


def vault_from(vault: Address, values: Sequence[Any]) -> VaultState | None:
    """The state from what `vault_reads` gave, or `None` when a read failed."""
    if any(value is None for value in values):
        return None
    return VaultState(vault, *values)


def rated_reads(vault: Address, amounts: Sequence[int]) -> tuple[Read[int], ...]:
    """What the vault says of each amount: `previewDeposit`, `previewMint`, `previewWithdraw`, `previewRedeem`."""
    names = ("previewDeposit", "previewMint", "previewWithdraw", "previewRedeem")
    return tuple(view(vault, f"{name}(uint256)", ["uint256"], int, [each]) for each in amounts for name in names)
